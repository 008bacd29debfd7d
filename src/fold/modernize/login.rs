//! A password goes to `docker login` by its input, where the list of processes does not show it (Docker docs: docker
//! login, "Provide a password using STDIN").
//!
//! ```yaml
//! - docker login -u gitlab-ci-token -p $CI_JOB_TOKEN $CI_REGISTRY
//! ```
//! becomes
//! ```yaml
//! - echo "$CI_JOB_TOKEN" | docker login -u gitlab-ci-token --password-stdin $CI_REGISTRY
//! ```

use super::{Proposal, Subject, Target};
use crate::docker::{Step, StepWord};
use crate::finding::Code;
use crate::text::Span;

pub(super) fn by_stdin(subject: &Subject<'_>) -> Vec<Proposal> {
    let mut found = Vec::new();
    for step in &subject.script.walk.steps {
        let text = subject.script.items.get(step.item).and_then(|item| item.text.as_deref()).unwrap_or_default();
        let Some((option, password)) = password(step) else {
            continue;
        };
        let is_piped = text.get(..step.span.start()).unwrap_or_default().trim_end().ends_with('|');
        let new = quoted(&password).filter(|_| !is_piped && step.redirections.is_empty()).and_then(|password| {
            let (head, tail) = (text.get(step.span.start()..option.start())?, text.get(option.end()..step.span.end())?);
            Some(format!("echo {password} | {head}--password-stdin{tail}"))
        });
        let (code, message) = match new {
            Some(_) => (Code::LoginByStdin, "the password of this login goes by its input"),
            None => (
                Code::NotModernized,
                "the password of this login is left where it is: what it is cannot be told, or the login reads its input already",
            ),
        };
        found.push(Proposal { target: Target::Item(step.item, step.span), new, code, message: message.to_owned() });
    }
    found
}

/// The bytes of the option that gives the password of a login, and the password as it is written.
fn password(step: &Step) -> Option<(Span, String)> {
    let is_client = matches!(step.program(), Some("buildah" | "docker" | "nerdctl" | "podman"));
    if !is_client || step.words.get(1).and_then(StepWord::text) != Some("login") {
        return None;
    }
    let pairs = step.words.iter().zip(step.words.iter().skip(1));
    let mut apart = pairs.filter(|(option, _)| matches!(option.text(), Some("-p" | "--password")));
    if let Some((option, value)) = apart.next() {
        return Some((option.span.join(value.span), value.raw.clone()));
    }
    let joined = step.words.iter().find_map(|word| Some((word.span, word.raw.strip_prefix("--password=")?.to_owned())));
    joined.filter(|_| step.words.iter().all(|word| word.text() != Some("--password-stdin")))
}

/// A password that is a variable and nothing else, in double quotes.
fn quoted(raw: &str) -> Option<String> {
    let bare = raw.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(raw);
    let name = bare.strip_prefix("${").and_then(|rest| rest.strip_suffix('}')).or_else(|| bare.strip_prefix('$'))?;
    let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    is_name.then(|| format!("\"{bare}\""))
}
