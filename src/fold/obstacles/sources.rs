//! Sources that read GitLab's variables by themselves, as `process.env.CI_COMMIT_SHA` does.

use crate::finding::{Code, Finding};
use crate::fold::situation::Situation;

/// The names in the sources that the builder stage does not have, at the first of them.
pub(super) fn check(situation: &Situation<'_>) -> Vec<Finding> {
    let missing = &situation.environment.missing_in_sources;
    let Some((name, location)) = missing.first() else {
        return Vec::new();
    };
    let others: Vec<_> = missing.iter().skip(1).map(|(name, _)| name.as_str()).collect();
    let (which, read) = match others.as_slice() {
        [] => (name.clone(), "it"),
        others => (format!("{name}, and the sources name {}", others.join(", ")), "them"),
    };
    let message = format!("this names {which}, which GitLab sets for a job and a docker build does not have");
    let finding = Finding::new(Code::CiVariableInSources, location.clone(), message).with_help(format!(
        "if the build does not read {read}, accept it with '--accept ci-variable-in-sources'; pass one with '--pass {name}=arg'"
    ));
    vec![finding]
}
