//! Variables get the names that GitLab gives them today (GitLab docs: ci/variables, "deprecated variables").
//!
//! ```yaml
//! - docker push $CI_REGISTRY_IMAGE:$CI_BUILD_REF
//! ```
//! becomes
//! ```yaml
//! - docker push $CI_REGISTRY_IMAGE:$CI_COMMIT_SHA
//! ```
//! A name alone, as in `--build-arg CI_BUILD_REF`, is also that of an `ARG` of the Dockerfile, and stays.

use super::{Edit, Proposal, Subject, Target};
use crate::docker::build_commands;
use crate::finding::Code;
use crate::gitlab::modern_name;
use crate::syntax::shell::Script;

pub(super) fn renamed(subject: &Subject<'_>) -> Vec<Proposal> {
    let mut found = Vec::new();
    for item in 0..subject.script.items.len() {
        let text = subject.text(item);
        for read in Script::parse(text).read_variables() {
            let new = modern_name(&read.name).filter(|_| subject.job.variables.get(&read.name).is_none());
            // Only what is written as `$NAME` or `${NAME` is GitLab's variable for certain.
            let is_plain = text.get(..read.span.start()).is_some_and(|head| head.ends_with(['$', '{']));
            if let Some(new) = new.filter(|_| is_plain) {
                found.push(Proposal {
                    at: Target::Item(item),
                    edits: vec![Edit::Text(item, read.span, new.to_owned())],
                    code: Code::LegacyVariableRenamed,
                    message: format!("${} is called ${new} today", read.name),
                    help: None,
                });
            }
        }
    }
    found.extend(arguments(subject));
    found
}

/// Build arguments that are passed on by their name alone.
fn arguments(subject: &Subject<'_>) -> Vec<Proposal> {
    let mut found = Vec::new();
    for command in build_commands(&subject.script.walk).0 {
        let bare = command.options.iter().filter(|(option, _)| option == "--build-arg");
        let names = bare.filter_map(|(_, value)| Some(value.as_deref()?.trim_matches(['"', '\''])));
        for name in names.filter(|name| subject.job.variables.get(name).is_none()) {
            if let Some(new) = modern_name(name) {
                let message = format!(
                    "'--build-arg {name}' passes a variable that is gone, and is left: the Dockerfile may declare 'ARG {name}'"
                );
                let help = format!("write '--build-arg {name}=${new}'");
                found.push(Proposal::left(Target::Item(command.item), message, help));
            }
        }
    }
    found
}
