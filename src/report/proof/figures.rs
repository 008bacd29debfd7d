use std::time::Duration;

use crate::prove::{BuildFigures, ImageProof};

/// The units of a size, each 1024 times the one before.
const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];

/// One figure of both ways, to be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Figure {
    pub(super) name: &'static str,
    /// `None` where this way was not built, or not measured.
    pub(super) before: Option<String>,
    pub(super) after: Option<String>,
    /// How one relates to the other; empty where one of them is missing.
    pub(super) factor: String,
}

/// The figures of an image of which at least one way is known.
pub(super) fn figures(image: &ImageProof) -> Vec<Figure> {
    let of = |get: fn(&BuildFigures) -> Option<u64>| {
        (image.before.as_ref().and_then(get), image.after.as_ref().and_then(get))
    };
    let all = [
        figure("size", of(|figures| Some(figures.size)), size, ["as small", "as large"]),
        figure("cold", of(|figures| Some(millis(figures.cold))), time, ["as fast", "as long"]),
        figure("one line changed", of(|figures| figures.changed.map(millis)), time, ["as fast", "as long"]),
    ];
    all.into_iter().filter(|figure| figure.before.is_some() || figure.after.is_some()).collect()
}

fn figure(
    name: &'static str,
    (before, after): (Option<u64>, Option<u64>),
    show: fn(u64) -> String,
    words: [&str; 2],
) -> Figure {
    let factor = before.zip(after).map(|(before, after)| factor(before, after, words)).unwrap_or_default();
    Figure { name, before: before.map(show), after: after.map(show), factor }
}

/// A time in whole milliseconds, which is what it is known to.
pub(super) fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// `15 times as fast`; `words` say what it means to become less, and more.
fn factor(before: u64, after: u64, [less, more]: [&str; 2]) -> String {
    if before == after {
        return "the same".to_owned();
    }
    let (small, large) = (u128::from(before.min(after)), u128::from(before.max(after)));
    let word = if after < before { less } else { more };
    match (large * 10 + small / 2).checked_div(small) {
        None => String::new(),
        Some(10) => "about the same".to_owned(),
        Some(tenths) if tenths < 100 => format!("{}.{} times {word}", tenths / 10, tenths % 10),
        Some(tenths) => format!("{} times {word}", (tenths + 5) / 10),
    }
}

/// Bytes in binary units with one decimal.
fn size(bytes: u64) -> String {
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let mut shown = String::new();
    let mut unit = 1_u128;
    for name in UNITS {
        unit *= 1024;
        let tenths = (u128::from(bytes) * 10 + unit / 2) / unit;
        shown = format!("{}.{} {name}", tenths / 10, tenths % 10);
        if tenths < 10_240 {
            break;
        }
    }
    shown
}

/// Milliseconds as people say them: `0.8 s`, `12 s`, `3 min 20 s`, `1 h 5 min`.
fn time(millis: u64) -> String {
    let tenths = millis.saturating_add(50) / 100;
    let seconds = millis.saturating_add(500) / 1000;
    let minutes = seconds.saturating_add(30) / 60;
    match seconds {
        _ if tenths < 100 => format!("{}.{} s", tenths / 10, tenths % 10),
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", minutes / 60, minutes % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::{factor, size, time};

    #[test]
    fn sizes_have_binary_units_and_one_decimal() {
        for (bytes, expected) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.0 KiB"),
            (1536, "1.5 KiB"),
            (1024 * 1024 - 1, "1.0 MiB"),
            (85_144_371, "81.2 MiB"),
            (u64::MAX, "16.0 EiB"),
        ] {
            assert_eq!(size(bytes), expected);
        }
    }

    #[test]
    fn times_are_said_as_people_say_them() {
        for (millis, expected) in [
            (0, "0.0 s"),
            (49, "0.0 s"),
            (800, "0.8 s"),
            (9_949, "9.9 s"),
            (9_950, "10 s"),
            (12_400, "12 s"),
            (59_500, "1 min 0 s"),
            (200_000, "3 min 20 s"),
            (3_599_600, "1 h 0 min"),
            (3_900_000, "1 h 5 min"),
        ] {
            assert_eq!(time(millis), expected, "{millis}");
        }
        assert!(time(u64::MAX).ends_with(" min"));
    }

    #[test]
    fn a_factor_says_which_way_it_goes() {
        let words = ["as fast", "as long"];
        for (before, after, expected) in [
            (5, 5, "the same"),
            (0, 0, "the same"),
            (0, 5, ""),
            (5, 0, ""),
            (1000, 1049, "about the same"),
            (200_000, 125_000, "1.6 times as fast"),
            (1_000, 1_300, "1.3 times as long"),
            (12_000, 800, "15 times as fast"),
            (9_960, 1_000, "10 times as fast"),
            (1, u64::MAX, "18446744073709551615 times as long"),
        ] {
            assert_eq!(factor(before, after, words), expected);
        }
    }
}
