//! Sources that read GitLab's variables by themselves, as `process.env.CI_COMMIT_SHA` does.

use crate::finding::{Code, Finding};
use crate::fold::environment::names_in_sources;
use crate::fold::situation::Situation;

/// Names in the sources that the builder stage does not have.
pub(super) fn check(situation: &Situation<'_>) -> Vec<Finding> {
    let is_missing =
        |name: &str| situation.producer.variables.get(name).is_none() && !situation.environment.knows(name);
    let missing = names_in_sources(situation.repository).into_iter().find(|(name, _)| is_missing(name));
    let finding = |(name, location)| {
        let message = format!("this names {name}, which GitLab sets for a job and a docker build does not have");
        Finding::new(Code::CiVariableInSources, location, message).with_help(format!(
            "if the build does not read it, accept it with '--accept ci-variable-in-sources'; pass it with '--pass {name}=arg'"
        ))
    };
    missing.map(finding).into_iter().collect()
}
