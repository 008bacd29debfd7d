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

use super::{Edit, Proposal, Subject, Target};
use crate::docker::{Step, StepWord};
use crate::finding::Code;
use crate::text::Span;

pub(super) fn by_stdin(subject: &Subject<'_>) -> Vec<Proposal> {
    let mut found = Vec::new();
    for step in &subject.script.walk.steps {
        let text = subject.text(step.item);
        let Some((option, password)) = password(step) else {
            continue;
        };
        let is_piped = text.get(..step.span.start()).unwrap_or_default().trim_end().ends_with('|');
        let new = quoted(&password).filter(|_| !is_piped && step.redirections.is_empty()).and_then(|password| {
            let (head, tail) = (text.get(step.span.start()..option.start())?, text.get(option.end()..step.span.end())?);
            Some(format!("echo {password} | {head}--password-stdin{tail}"))
        });
        let at = Target::Item(step.item);
        found.push(match new {
            Some(new) => Proposal {
                at,
                edits: vec![Edit::Text(step.item, step.span, new)],
                code: Code::LoginByStdin,
                message: "the password of this login goes by its input".to_owned(),
                help: None,
            },
            None => Proposal::left(
                at,
                "the password of this login is left where it is: what it is cannot be told, or the login reads its input already",
                "write 'echo \"$PASSWORD\" | docker login … --password-stdin', with the password in a variable",
            ),
        });
    }
    found
}

/// The bytes of the option that gives the password of a login, and the password as it is written.
fn password(step: &Step) -> Option<(Span, String)> {
    let is_client = matches!(step.program(), Some("buildah" | "docker" | "nerdctl" | "podman"));
    let is_login = is_client && step.words.get(1).and_then(StepWord::text) == Some("login");
    if !is_login || step.words.iter().any(|word| word.text() == Some("--password-stdin")) {
        return None;
    }
    let options = step.words.get(2..).unwrap_or_default();
    let pairs = options.iter().zip(options.iter().skip(1));
    let mut apart = pairs.filter(|(option, _)| matches!(option.text(), Some("-p" | "--password")));
    if let Some((option, value)) = apart.next() {
        return Some((option.span.join(value.span), value.raw.clone()));
    }
    options.iter().enumerate().find_map(|(at, word)| {
        // What stands behind an option that takes a value is none.
        let before = at.checked_sub(1).and_then(|before| options.get(before)).and_then(StepWord::text);
        let joined = word.raw.strip_prefix("--password=").or_else(|| word.raw.strip_prefix("-p"));
        let value = joined.filter(|_| !matches!(before, Some("-u" | "--username")))?;
        Some((word.span, value.strip_prefix('=').unwrap_or(value).to_owned()))
    })
}

/// A password that is a variable and nothing else, in double quotes.
fn quoted(raw: &str) -> Option<String> {
    let bare = raw.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(raw);
    let name = bare.strip_prefix("${").and_then(|rest| rest.strip_suffix('}')).or_else(|| bare.strip_prefix('$'))?;
    let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    is_name.then(|| format!("\"{bare}\""))
}
