//! Points in time that stand in a text.

use std::sync::LazyLock;

use regex::{Match, Regex};

/// Two numbers that count the seconds since 1970 are two times of a build only where this many seconds or fewer lie between
/// them. Numbers of a pipeline or a job have ten digits as well.
const APART: u64 = 7 * 24 * 60 * 60;

/// The first and the last second since 1970 that can be a point in time: 2000 to 2100.
const PLAUSIBLE: std::ops::Range<u64> = 946_684_800..4_102_444_800;

/// What RFC 3339 and RFC 1123, `date` and `asctime`, Go's log and Maven's time stamps write, and seconds or milliseconds since 1970.
const PATTERN: &str = r"(?x) \b (?:
    YEAR[-/]MONTH[-/]DAY (?: [T\ ] CLOCK (?: :SECOND (?: [.,][0-9]{1,9} )? )? (?: \ ? (?: Z | UTC | GMT | [+-][0-9]{2}:?[0-9]{2} ) )? )?
  | YEAR MONTH DAY [T.-]? [0-2][0-9][0-5][0-9][0-6][0-9] Z?
  | YEAR MONTH DAY [T.-] [0-2][0-9][0-5][0-9]
  | WEEKDAY \ NAMED \ {1,2} [0-9]{1,2} \ CLOCK:SECOND (?: \ [AP]M )? (?: \ (?: [A-Z]{1,5} | [+-][0-9]{2,4} ) )? \ YEAR (?: \ [+-][0-9]{4} )?
  | WEEKDAY ,? \ {1,2} [0-9]{1,2} [\ -] NAMED [\ -] YEAR \ CLOCK:SECOND (?: \ [AP]M )? (?: \ (?: [A-Z]{1,5} | [+-][0-9]{2,4} ) )?
  | (?: [0-9]{13} | [0-9]{10} (?: \.[0-9]{1,9} )? )
) \b";

static POINT: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let parts = [
        ("YEAR", "(?:19[7-9][0-9]|20[0-9]{2}|2100)"),
        ("MONTH", "(?:0[1-9]|1[0-2])"),
        ("WEEKDAY", "(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)"),
        ("NAMED", "(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"),
        ("DAY", "(?:0[1-9]|[12][0-9]|3[01])"),
        ("CLOCK", "[0-2][0-9]:[0-5][0-9]"),
        ("SECOND", "[0-6][0-9]"),
    ];
    let pattern = parts.iter().fold(PATTERN.to_owned(), |pattern, (name, part)| pattern.replace(name, part));
    Regex::new(&pattern).ok()
});

/// Whether two texts that are not the same are the same but for points in time, each written the same way in both.
///
/// No point in time goes over the end of a line, so only lines that differ are searched for them.
pub(super) fn differ_only_in_time(before: &str, after: &str) -> bool {
    let Some(point) = POINT.as_ref() else { return false };
    let mut lines = before.split('\n').zip(after.split('\n'));
    before.matches('\n').count() == after.matches('\n').count()
        && lines.all(|(before, after)| before == after || are_same(point, before, after))
}

fn are_same(point: &Regex, before: &str, after: &str) -> bool {
    let (left, right): (Vec<_>, Vec<_>) = (point.find_iter(before).collect(), point.find_iter(after).collect());
    left.len() == right.len()
        && between(before, &left).eq(between(after, &right))
        && left.iter().zip(&right).all(|(left, right)| {
            left.as_str() == right.as_str() || !follow_a_point(before, left) && are_like(left.as_str(), right.as_str())
        })
}

/// What stands before, between and after the points.
fn between<'a>(text: &'a str, points: &[Match<'a>]) -> impl Iterator<Item = Option<&'a str>> {
    let starts = std::iter::once(0).chain(points.iter().map(Match::end));
    let ends = points.iter().map(Match::start).chain(std::iter::once(text.len()));
    starts.zip(ends).map(|(start, end)| text.get(start..end)).collect::<Vec<_>>().into_iter()
}

/// Digits after a point are a fraction, not a number of seconds.
fn follow_a_point(text: &str, found: &Match<'_>) -> bool {
    text.get(..found.start()).is_some_and(|before| before.ends_with('.'))
}

/// Whether both are points in time of the same form.
fn are_like(left: &str, right: &str) -> bool {
    match (seconds(left), seconds(right)) {
        (Some((left, digits)), Some((right, others))) => {
            digits == others && left.abs_diff(right) <= APART && PLAUSIBLE.contains(&left) && PLAUSIBLE.contains(&right)
        }
        (None, None) => form(left) == form(right),
        _ => false,
    }
}

/// The number as seconds since 1970, and how many digits it has before the point; `None` for a date.
fn seconds(point: &str) -> Option<(u64, usize)> {
    let whole = point.split('.').next().filter(|_| point.chars().all(|c| c.is_ascii_digit() || c == '.'))?;
    let number = whole.parse::<u64>().ok()?;
    match whole.len() {
        10 => Some((number, 10)),
        13 => Some((number / 1000, 13)),
        _ => None,
    }
}

/// How a date is written: a row of digits is one, a letter is any letter, and fractions of a second do not count, for many
/// programs leave out the zeros at their end.
fn form(point: &str) -> String {
    let mut form = String::new();
    let mut characters = point.chars().peekable();
    while let Some(character) = characters.next() {
        let begins_fraction = matches!(character, '.' | ',')
            && characters.peek().is_some_and(char::is_ascii_digit)
            && point.contains(':');
        let mark = match character {
            digit if digit.is_ascii_digit() => '0',
            letter if letter.is_ascii_alphabetic() => 'a',
            other => other,
        };
        let goes_on = matches!(mark, '0' | ' ') && form.ends_with(mark);
        if !begins_fraction && !goes_on {
            form.push(mark);
        }
    }
    form
}

/// Whether two files that Python compiled are the same but for the time of the source, which stands in the bytes 8 to 11 (PEP 552).
pub(super) fn are_of_the_same_source(before: &[u8], after: &[u8]) -> bool {
    parts_of_compiled(before).is_some_and(|before| parts_of_compiled(after) == Some(before))
}

/// What stands before and after the time; `None` where a hash of the source stands in its place, or the file is another one.
fn parts_of_compiled(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let parts = bytes.get(..8).zip(bytes.get(12..));
    parts.filter(|(start, _)| start.ends_with(b"\r\n\0\0\0\0"))
}

/// A point in time to be read, from nanoseconds since 1970: `2026-11-24 10:11:12`.
pub(super) fn shown(nanoseconds: i64) -> String {
    let (seconds, fraction) = (nanoseconds.div_euclid(1_000_000_000), nanoseconds.rem_euclid(1_000_000_000));
    let (days, rest) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let (year, month, day) = civil(days);
    let clock = format!("{:02}:{:02}:{:02}", rest / 3600, rest / 60 % 60, rest % 60);
    let fraction = if fraction == 0 { String::new() } else { format!(".{fraction:09}") };
    format!("{year:04}-{month:02}-{day:02} {clock}{fraction}")
}

/// The date of a day counted from 1970-01-01, by Howard Hinnant's `civil_from_days`.
const fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let (month, next) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    (year_of_era + era * 400 + next, month, day)
}

/// The days from 1970-01-01 to a date, by Howard Hinnant's `days_from_civil`.
pub(super) const fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * (if month > 2 { month - 3 } else { month + 9 }) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::{are_of_the_same_source, days, differ_only_in_time, shown};

    #[test]
    fn points_in_time_of_all_forms() {
        let pairs = [
            ("a 2026-11-24T10:11:12Z b", "a 2026-11-25T00:00:59Z b"),
            ("2026-11-24 10:11", "2026-11-24 10:12"),
            ("2026-11-24T10:11:12.123456Z", "2026-11-24T10:11:13.12Z"),
            ("2026-11-24T10:11:12.5+01:00", "2026-11-24T10:11:13+01:00"),
            ("2026/11/24 10:11:12 start", "2026/11/24 10:11:14 start"),
            ("built: 2026-11-24\n", "built: 2026-11-25\n"),
            ("#Tue Nov 24 10:11:12 UTC 2026", "#Wed Dec  2 10:11:12 UTC 2026"),
            ("Tue Nov 24 10:11:12 2026 +0100", "Tue Nov 24 10:11:13 2026 +0100"),
            ("Tue Nov 24 10:11:12 AM UTC 2026", "Tue Nov 24 01:11:13 PM UTC 2026"),
            ("Tue, 24 Nov 2026 10:11:12 GMT", "Wed, 25 Nov 2026 10:11:12 GMT"),
            ("1.0-20261124.101112-1", "1.0-20261124.101113-1"),
            ("v=20261124101112", "v=20261125101112"),
            ("{\"at\":1795515072}", "{\"at\":1795515073}"),
            ("{\"at\":1795515072123}", "{\"at\":1795515073001}"),
            ("at 1795515072.5;", "at 1795515073.25;"),
        ];
        for (before, after) in pairs {
            assert!(differ_only_in_time(before, after), "{before} {after}");
            assert!(differ_only_in_time(after, before), "{before} {after}");
        }
    }

    #[test]
    fn what_is_no_point_in_time_is_not_left_out() {
        let pairs = [
            ("a", "b"),
            ("a", "a "),
            ("2026-11-24\n", "2026-11-25"),
            ("2026-11-24\na", "2026-11-25\na\nb"),
            ("2026-11-24\n10:11", "2026-11-25\n10:12"),
            ("2026-11-24\r\n", "2026-11-25\n"),
            ("2026-11-24T10:11:12Z a", "2026-11-24T10:11:13Z b"),
            // The same moment written another way is another program or another setting.
            ("2026-11-24T10:11:12Z", "2026-11-24 10:11:12"),
            ("2026-11-24T10:11:12Z", "Tue Nov 24 10:11:12 UTC 2026"),
            ("2026-11-24", ""),
            ("2026-11-24 2026-11-24", "2026-11-24"),
            ("2026-13-24", "2026-14-24"),
            ("1.2.3", "1.2.4"),
            ("0.1795515072", "0.1795515073"),
            ("id 1795515072", "id 1895515072"),
            ("id 4902444800", "id 4902444801"),
            ("id 1795515072", "id 1795515072000"),
            ("x1795515072", "x1795515073"),
            ("17955150720", "17955150730"),
            ("179551507", "179551508"),
        ];
        for (before, after) in pairs {
            assert!(!differ_only_in_time(before, after), "{before} {after}");
            assert!(!differ_only_in_time(after, before), "{before} {after}");
        }
    }

    #[test]
    fn compiled_python_tells_the_time_of_its_source() {
        let compiled = |magic: u8, flags: u8, time: u8, code: u8| {
            [&[magic, 0x0d, b'\r', b'\n', flags, 0, 0, 0, time, 1, 2, 3, 9, 0, 0, 0, 0xe3, code][..], b"\0"].concat()
        };
        let first = compiled(0xa7, 0, 1, 7);
        assert!(are_of_the_same_source(&first, &compiled(0xa7, 0, 2, 7)));
        for other in [compiled(0xa8, 0, 2, 7), compiled(0xa7, 0, 2, 8), vec![0xa7, 0x0d, b'\r', b'\n', 0, 0, 0, 0, 1]] {
            assert!(!are_of_the_same_source(&first, &other));
            assert!(!are_of_the_same_source(&other, &first));
        }
        // With a flag, the bytes are a hash of the source.
        assert!(!are_of_the_same_source(&compiled(0xa7, 1, 1, 7), &compiled(0xa7, 1, 2, 7)));
    }

    #[test]
    fn points_in_time_are_shown_as_dates() {
        assert_eq!(shown(0), "1970-01-01 00:00:00");
        assert_eq!(shown(1_795_515_072_000_000_005), "2026-11-24 10:11:12.000000005");
        assert_eq!(shown(-1_000_000_000), "1969-12-31 23:59:59");
        assert_eq!(days(1970, 1, 1), 0);
        for day in [-800_000, -1, 0, 11_016, 11_017, 20_000, 800_000] {
            let (year, month, date) = super::civil(day);
            assert_eq!(days(year, month, date), day);
        }
        assert!(!shown(i64::MIN).is_empty() && !shown(i64::MAX).is_empty());
    }
}
