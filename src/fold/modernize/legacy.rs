//! Variables get the names that GitLab gives them today (GitLab docs: ci/variables, "deprecated variables").
//!
//! ```yaml
//! - docker push $CI_REGISTRY_IMAGE:$CI_BUILD_REF
//! ```
//! becomes
//! ```yaml
//! - docker push $CI_REGISTRY_IMAGE:$CI_COMMIT_SHA
//! ```

use super::{Proposal, Subject, Target};
use crate::finding::Code;
use crate::gitlab::modern_name;
use crate::syntax::shell::Script;

pub(super) fn renamed(subject: &Subject<'_>) -> Vec<Proposal> {
    let mut found = Vec::new();
    for (item, script) in subject.script.items.iter().enumerate() {
        let text = script.text.as_deref().unwrap_or_default();
        let parsed = Script::parse(text);
        for read in parsed.read_variables() {
            let new = modern_name(&read.name).filter(|_| subject.job.variables.get(&read.name).is_none());
            // Only what is written as `$NAME` or `${NAME` is GitLab's variable for certain.
            let is_plain = text.get(..read.span.start()).is_some_and(|head| head.ends_with(['$', '{']));
            if let Some(new) = new.filter(|_| is_plain) {
                let message = format!("${} is called ${new} today", read.name);
                let target = Target::Item(item, read.span);
                found.push(Proposal { target, new: Some(new.to_owned()), code: Code::LegacyVariableRenamed, message });
            }
        }
    }
    found
}
