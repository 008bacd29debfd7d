//! `retry`: what was tried again is tried again (GitLab docs: ci/yaml#retry).

use super::{Own, Takeover};
use crate::fold::situation::Situation;
use crate::gitlab::{Job, Value};

/// The image job gets the greater number; reasons that differ are named and left as they are.
pub(super) fn take(own: &Own<'_, '_>) -> Takeover {
    let going = own.iter().filter(|situation| !situation.fate.is_to_stay());
    let Some(situation) = going.max_by_key(|situation| most(situation.producer)) else {
        return Takeover::default();
    };
    let (wanted, present) = (situation.producer.get("retry"), situation.consumer.get("retry"));
    let Some(wanted) = wanted.filter(|_| most(situation.producer) > most(situation.consumer)) else {
        return Takeover::default();
    };
    match present {
        None => Takeover::keyword(situation, "retry", wanted.written(), &as_before(situation)),
        Some(present) if is_number(wanted) && is_number(present) => {
            Takeover::keyword(situation, "retry", wanted.written(), &as_before(situation))
        }
        Some(_) => {
            let name = &situation.producer.name;
            let message = format!("'{name}' is tried again more often than the image job, and for other reasons");
            let help = "give the image job the 'retry' that both need";
            Takeover::lost(situation, "retry", message, help.to_owned())
        }
    }
}

fn as_before(situation: &Situation<'_>) -> String {
    format!("for '{}' was tried again as often", situation.producer.name)
}

/// How often a job is tried again at the most: once or twice.
fn most(job: &Job) -> u32 {
    let retry = job.get("retry");
    let number = retry.and_then(|retry| retry.text().or_else(|| retry.get("max")?.text()));
    number.and_then(|number| number.parse().ok()).unwrap_or_default()
}

fn is_number(value: &Value) -> bool {
    value.text().is_some()
}
