//! `interruptible`: only what every job of the fold allows may be cancelled (GitLab docs: ci/yaml#interruptible).

use super::{Own, Takeover};
use crate::gitlab::{Job, Value};

/// An image job that may be cancelled would cancel a build that may not.
pub(super) fn take(own: &Own<'_, '_>) -> Takeover {
    let bound = own.iter().find(|situation| !situation.fate.is_to_stay() && !is_interruptible(situation.producer));
    match bound.filter(|situation| is_interruptible(situation.consumer)) {
        Some(situation) => Takeover::keyword(
            situation,
            "interruptible",
            "false".to_owned(),
            &format!("for a newer pipeline must not cancel '{}'", situation.producer.name),
        ),
        None => Takeover::default(),
    }
}

fn is_interruptible(job: &Job) -> bool {
    job.get("interruptible").and_then(Value::text).as_deref() == Some("true")
}
