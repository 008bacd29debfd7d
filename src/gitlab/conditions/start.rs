use std::rc::Rc;

use crate::gitlab::value::{Mapping, Value};

/// How a job starts where it is in the pipeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Start {
    /// `when`.
    pub when: When,
    /// `start_in`.
    pub start_in: Option<Rc<str>>,
    /// `allow_failure`.
    pub allow_failure: AllowFailure,
    /// What the rule sets for the job besides, by keyword and in one spelling: `variables`, `needs`, `interruptible`.
    pub sets: Vec<(Rc<str>, String)>,
}

/// When a job of a pipeline starts (GitLab docs: ci/yaml#when).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// By itself, once what it waits for has succeeded.
    OnSuccess,
    /// By itself, once something has failed.
    OnFailure,
    /// By itself, whatever the others came to.
    Always,
    /// When a person starts it.
    Manual,
    /// By itself, after a while.
    Delayed,
}

/// Whether the pipeline goes on where a job fails (GitLab docs: ci/yaml#allow_failure).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AllowFailure {
    /// It stops.
    No,
    /// It goes on.
    Yes,
    /// It goes on for some exit codes.
    ExitCodes(String),
}

/// Keywords that a rule may set for a job.
pub(super) const SET_BY_RULES: [&str; 3] = ["interruptible", "needs", "variables"];

impl Start {
    /// How a job starts by its own keywords.
    pub(super) fn of_job(fields: &Mapping) -> Self {
        let text = |key: &str| fields.get(key).and_then(Value::text);
        let when = When::read(text("when").as_deref());
        // A manual job outside of `rules` does not hold the pipeline up.
        let otherwise = if when == When::Manual { AllowFailure::Yes } else { AllowFailure::No };
        Self {
            when,
            start_in: text("start_in"),
            allow_failure: AllowFailure::read(fields.get("allow_failure")).unwrap_or(otherwise),
            sets: Vec::new(),
        }
    }

    /// Whether a job that starts so does in the place of `other` all that `other` did for the pipeline: it starts by
    /// itself, and its failure is no less of one.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        self.when == When::OnSuccess
            && (self.allow_failure == AllowFailure::No || self.allow_failure == other.allow_failure)
    }

    /// How a job starts where a rule says so, over what its own keywords say.
    pub(super) fn of_rule(&self, rule: &Value) -> Self {
        let when = rule.get("when").and_then(Value::text).map_or(self.when, |when| When::read(Some(&when)));
        let sets = SET_BY_RULES.iter().filter_map(|key| {
            let value = rule.get(key).filter(|value| !value.is_null())?;
            Some((Rc::from(*key), spelled(value)))
        });
        Self {
            when,
            start_in: rule.get("start_in").and_then(Value::text).or_else(|| self.start_in.clone()),
            allow_failure: AllowFailure::read(rule.get("allow_failure")).unwrap_or_else(|| self.allow_failure.clone()),
            sets: sets.collect(),
        }
    }
}

impl When {
    fn read(written: Option<&str>) -> Self {
        match written {
            Some("manual") => Self::Manual,
            Some("delayed") => Self::Delayed,
            Some("always") => Self::Always,
            Some("on_failure") => Self::OnFailure,
            _ => Self::OnSuccess,
        }
    }

    /// The word for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::OnSuccess => "on_success",
            Self::OnFailure => "on_failure",
            Self::Always => "always",
            Self::Manual => "manual",
            Self::Delayed => "delayed",
        }
    }
}

impl AllowFailure {
    fn read(value: Option<&Value>) -> Option<Self> {
        let value = value.filter(|value| !value.is_null())?;
        Some(match value.text().as_deref() {
            Some("true") => Self::Yes,
            Some(_) => Self::No,
            None => Self::ExitCodes(spelled(value)),
        })
    }
}

/// One spelling for all values that say the same, so that texts can be compared.
pub(super) fn spelled(value: &Value) -> String {
    if let Some(text) = value.text() {
        return format!("{text:?}");
    }
    if let Some(mapping) = value.mapping() {
        let mut fields: Vec<_> =
            mapping.fields().iter().map(|field| format!("{:?}: {}", field.key, spelled(&field.value))).collect();
        fields.sort();
        return format!("{{{}}}", fields.join(", "));
    }
    let items: Vec<_> = value.one_or_many().iter().map(spelled).collect();
    format!("[{}]", items.join(", "))
}
