use super::Scalar;

/// A number in one of Ruby's notations, or `None`.
pub(super) fn read(text: &str) -> Option<Scalar> {
    sexagesimal(text).or_else(|| float(text)).or_else(|| integer(text))
}

/// `2020-01-01`
pub(super) fn is_date(text: &str) -> bool {
    date(text).is_some_and(str::is_empty)
}

/// `2020-01-01 12:30:00`, with `T`, a fraction and a zone where they are written.
pub(super) fn is_time(text: &str) -> bool {
    let time = || {
        let rest = digits(text.strip_prefix('-').unwrap_or(text), 4..=4)?.strip_prefix('-')?;
        let rest = digits(digits(rest, 1..=2)?.strip_prefix('-')?, 1..=2)?;
        let clock = rest.trim_start_matches([' ', '\t']);
        let clock = if clock.len() < rest.len() { clock } else { rest.strip_prefix(['T', 't'])? };
        let rest = digits(clock, 1..=2)?.strip_prefix(':')?;
        digits(digits(rest, 2..=2)?.strip_prefix(':')?, 2..=2)
    };
    time().is_some_and(is_fraction_and_zone)
}

fn is_fraction_and_zone(rest: &str) -> bool {
    let rest =
        rest.strip_prefix('.').map_or(rest, |fraction| fraction.trim_start_matches(|c: char| c.is_ascii_digit()));
    let zone = rest.trim_start_matches([' ', '\t']);
    if zone.is_empty() || zone == "Z" {
        return zone.len() == rest.len() || !zone.is_empty();
    }
    let minutes = zone.strip_prefix(['+', '-']).and_then(|zone| digits(zone, 1..=2));
    minutes.is_some_and(|minutes| {
        let minutes = minutes.strip_prefix(':').unwrap_or(minutes);
        minutes.is_empty() || digits(minutes, 2..=2).is_some_and(str::is_empty)
    })
}

/// What follows year, month and day, where month and day exist.
fn date(text: &str) -> Option<&str> {
    let after_year = digits(text, 4..=4)?.strip_prefix('-')?;
    let after_month = digits(after_year, 1..=2)?;
    let month: u8 = after_year.get(..after_year.len() - after_month.len())?.parse().ok()?;
    let day = after_month.strip_prefix('-')?;
    let rest = digits(day, 1..=2)?;
    let day: u8 = day.get(..day.len() - rest.len())?.parse().ok()?;
    (month <= 12 && day <= 31).then_some(rest)
}

/// What follows a run of digits whose length lies in `length`.
fn digits(text: &str, length: std::ops::RangeInclusive<usize>) -> Option<&str> {
    let count = text.bytes().take(*length.end()).take_while(u8::is_ascii_digit).count();
    length.contains(&count).then(|| text.get(count..)).flatten()
}

/// `12:30` and `1:30:15.5`: Psych counts the first part as sixties of sixties, whatever follows.
fn sexagesimal(text: &str) -> Option<Scalar> {
    let (whole, fraction) = text.split_once('.').map_or((text, None), |(whole, fraction)| (whole, Some(fraction)));
    let mut parts = whole.split(':');
    let first = parts.next()?;
    let rest: Vec<&str> = parts.collect();
    let is_minutes = |part: &&str| matches!(part.as_bytes(), [b'0'..=b'9'] | [b'0'..=b'5', b'0'..=b'9']);
    if !(1..=2).contains(&rest.len()) || !rest.iter().all(is_minutes) {
        return None;
    }
    let digits = first.strip_prefix(['+', '-']).unwrap_or(first);
    let is_number = digits.starts_with(|c: char| c.is_ascii_digit()) && is_digits(digits, "_");
    if !is_number || fraction.is_some_and(|fraction| !is_digits(fraction, "_")) {
        return None;
    }
    let parts = std::iter::once(first).chain(rest);
    let Some(fraction) = fraction else {
        let whole = |part: &str| part.replace('_', "").parse::<i128>().ok();
        let weighed = parts.zip([3600, 60, 1]).map(|(part, weight)| whole(part)?.checked_mul(weight));
        return weighed.sum::<Option<i128>>().map(Scalar::Integer);
    };
    let count = whole.split(':').count();
    let with_fraction = |(place, part): (usize, &str)| match place + 1 == count {
        true => format!("{part}.{fraction}").replace('_', "").trim_end_matches('.').parse::<f64>().ok(),
        false => part.replace('_', "").parse::<f64>().ok(),
    };
    let weighed = parts.enumerate().map(with_fraction).zip([3600.0, 60.0, 1.0]);
    weighed.map(|(part, weight)| Some(part? * weight)).sum::<Option<f64>>().map(Scalar::Float)
}

fn is_digits(text: &str, others: &str) -> bool {
    text.chars().all(|character| character.is_ascii_digit() || others.contains(character))
}

/// `/^(?:[-+]?([0-9][0-9_,]*)?\.[0-9]*([eE][+-][0-9]+)?)$/`
fn float(text: &str) -> Option<Scalar> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (whole, rest) = unsigned.split_once('.')?;
    let fraction = rest.find(['e', 'E']).map_or(rest, |at| rest.get(..at).unwrap_or_default());
    let exponent = rest.get(fraction.len()..).unwrap_or_default();
    let exponent_digits = exponent.get(1..).map(|exponent| exponent.strip_prefix(['+', '-']));
    let is_exponent = match exponent_digits {
        None => true,
        Some(digits) => digits.is_some_and(|digits| !digits.is_empty() && is_digits(digits, "")),
    };
    let is_whole = is_digits(whole, "_,") && (whole.is_empty() || whole.starts_with(|c: char| c.is_ascii_digit()));
    if !is_whole || !is_digits(fraction, "") || !is_exponent || whole.is_empty() && fraction.is_empty() {
        return None;
    }
    text.replace(['_', ','], "").parse().ok().map(Scalar::Float)
}

/// Psych's whole numbers; a number that does not fit is left as text, which prints in the same way.
fn integer(text: &str) -> Option<Scalar> {
    let (is_negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (radix, digits) = match digits.as_bytes() {
        [b'0', b'b', ..] => (2, digits.get(2..)?),
        [b'0', b'x', ..] => (16, digits.get(2..)?),
        [b'0', _, ..] => (8, digits.get(1..)?),
        _ => (10, digits),
    };
    let is_decimal = radix != 10 || digits.starts_with(|c: char| c.is_ascii_digit()) && !is_separated_badly(digits);
    let plain = digits.replace(['_', ','], "");
    let is_zero = radix == 8 && plain.is_empty();
    if !is_decimal || plain.starts_with(['+', '-']) {
        return None;
    }
    let value = if is_zero { 0 } else { i128::from_str_radix(&plain, radix).ok()? };
    Some(Scalar::Integer(if is_negative { value.checked_neg()? } else { value }))
}

/// In a decimal number each `_` or `,` stands before a digit.
fn is_separated_badly(digits: &str) -> bool {
    let is_separator = |byte: u8| matches!(byte, b'_' | b',');
    digits.bytes().zip(digits.bytes().skip(1).chain([b'_'])).any(|(one, next)| is_separator(one) && is_separator(next))
}
