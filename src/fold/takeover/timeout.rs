//! `timeout`: one job needs the time of all of them (GitLab docs: ci/yaml#timeout).

use super::{Own, Takeover};
use crate::fold::situation::Situation;
use crate::gitlab::{Job, Value};

/// Where all jobs have a limit, the image job gets the sum; where one has that of the project, its length is not known.
pub(super) fn take(own: &Own<'_, '_>) -> Takeover {
    let Some(first) = own.first() else {
        return Takeover::default();
    };
    let producers = own.iter().map(|situation| situation.producer);
    let jobs: Vec<_> = producers.chain([first.consumer]).collect();
    let with_limit: Vec<_> = jobs.iter().filter(|job| job.get("timeout").is_some()).collect();
    let seconds: Option<Vec<u64>> = jobs.iter().map(|job| seconds(&limit(job)?)).collect();
    match seconds {
        _ if with_limit.is_empty() => Takeover::default(),
        Some(seconds) => {
            let why = format!("the time of {} together", names(&jobs));
            let limited = own.iter().find(|situation| situation.producer.get("timeout").is_some()).unwrap_or(first);
            Takeover::keyword(limited, "timeout", duration(seconds.iter().sum()), &why)
        }
        None => unknown(own.iter().find(|found| found.producer.get("timeout").is_some()).unwrap_or(first)),
    }
}

fn unknown(situation: &Situation<'_>) -> Takeover {
    let told = |job: &Job| match limit(job) {
        Some(limit) => format!("'{}' has {limit}", job.name),
        None => format!("'{}' has the project's limit, one hour unless it was changed", job.name),
    };
    let message = format!(
        "the image job builds too from now on, in the time that it has: {}, and {}",
        told(situation.producer),
        told(situation.consumer)
    );
    let help = "give the image job a 'timeout' that is long enough for both";
    Takeover::lost(situation, "timeout", message, help.to_owned())
}

fn limit(job: &Job) -> Option<String> {
    job.get("timeout").and_then(Value::text).map(|text| text.to_string())
}

fn names(jobs: &[&Job]) -> String {
    jobs.iter().map(|job| format!("'{}'", job.name)).collect::<Vec<_>>().join(" and ")
}

/// The seconds of `3 hours 30 minutes`, `3h 30m`, `90 min` or a bare number of seconds; `None` for what is written
/// otherwise (GitLab: `chronic_duration`).
fn seconds(text: &str) -> Option<u64> {
    let text = text.to_ascii_lowercase().replace([',', '_'], " ").replace(" and ", " ");
    let mut total: u64 = 0;
    let mut rest = text.trim();
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, after) = rest.split_at(digits);
        let after = after.trim_start();
        let letters = after.bytes().take_while(u8::is_ascii_alphabetic).count();
        let (unit, after) = after.split_at(letters);
        total = total.checked_add(number.parse::<u64>().ok()?.checked_mul(length(unit)?)?)?;
        rest = after.trim_start();
    }
    Some(total)
}

fn length(unit: &str) -> Option<u64> {
    Some(match unit {
        "" | "s" | "sec" | "secs" | "second" | "seconds" => 1,
        "m" | "min" | "mins" | "minute" | "minutes" => 60,
        "h" | "hr" | "hrs" | "hour" | "hours" => 3600,
        "d" | "day" | "days" => 86_400,
        "w" | "week" | "weeks" => 604_800,
        _ => return None,
    })
}

/// A duration as GitLab's documentation writes it: `1h 30m`.
fn duration(seconds: u64) -> String {
    let parts = [(seconds / 3600, 'h'), (seconds / 60 % 60, 'm'), (seconds % 60, 's')];
    let written = parts.iter().filter(|(number, _)| *number > 0).map(|(number, unit)| format!("{number}{unit}"));
    written.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::{duration, seconds};

    #[test]
    fn durations_are_read_as_gitlab_writes_them() {
        assert_eq!(seconds("3 hours 30 minutes"), Some(12_600));
        assert_eq!(seconds("3h 30m"), Some(12_600));
        assert_eq!(seconds("1 day and 1s"), Some(86_401));
        assert_eq!(seconds("90"), Some(90));
        assert_eq!(seconds("half an hour"), None);
        assert_eq!(seconds("1.5h"), None);
        assert_eq!(seconds(""), None);
    }

    #[test]
    fn a_sum_is_written_in_hours_minutes_and_seconds() {
        assert_eq!(duration(5400), "1h 30m");
        assert_eq!(duration(90), "1m 30s");
        assert_eq!(duration(172_800), "48h");
    }
}
