//! Sources that read GitLab's variables by themselves, as `process.env.CI_COMMIT_SHA` does.

use crate::finding::{Code, Finding, Location};
use crate::fold::situation::Situation;

/// The first name in the sources that the builder stage does not have.
pub(super) fn check(situation: &Situation<'_>) -> Vec<Finding> {
    let finding = |(name, location): &(String, Location)| {
        let message = format!("this names {name}, which GitLab sets for a job and a docker build does not have");
        Finding::new(Code::CiVariableInSources, location.clone(), message).with_help(format!(
            "if the build does not read it, accept it with '--accept ci-variable-in-sources'; pass it with '--pass {name}=arg'"
        ))
    };
    situation.environment.missing_in_sources.first().map(finding).into_iter().collect()
}
