use std::collections::BTreeSet;

use annotate_snippets::normalize_untrusted_str;

use crate::finding::Severity;
use crate::outcome::{Fallback, HandoffSummary, Outcome, Policy, Verdict, Via};

/// Whether a change is shown or was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tense {
    /// It is shown (`diff`).
    Shown,
    /// It was written (`apply`).
    Written,
}

/// What happened to a repository, in one line without a line break: the verdict, then what it means here.
#[must_use]
pub fn closing_line(outcome: &Outcome, policy: &Policy, tense: Tense) -> String {
    let line = match outcome.verdict {
        Verdict::Folded => {
            format!(
                "folded: {}{}{}",
                handoffs(&outcome.handoffs),
                kept(&outcome.handoffs),
                files(outcome.files.len(), tense)
            )
        }
        Verdict::Refused => format!("refused: {}{}", left_alone(&outcome.handoffs), reasons(outcome, policy)),
        Verdict::NothingToFold => "nothing to fold".to_owned(),
        Verdict::Failed => format!("failed: {}", codes(outcome, |severity| severity == Severity::Error)),
    };
    visible(&line)
}

/// `text` on one line, its control characters made visible.
pub fn visible(text: &str) -> String {
    // The control characters above ASCII are left alone there, and some terminals obey them as well.
    let odd = |character: char| character.is_control() || matches!(character, '\u{2028}' | '\u{2029}');
    normalize_untrusted_str(text).replace(['\n', '\r'], " ").replace(odd, "\u{fffd}")
}

/// A file name or another short text of the user, on one line and with its line breaks and tabs made visible, too.
pub(super) fn name(text: &str) -> String {
    visible(&text.replace('\n', "␊").replace('\r', "␍").replace('\t', "␉"))
}

/// `1 job`, `2 jobs`.
pub(super) fn plural(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

fn files(count: usize, tense: Tense) -> String {
    match (count, tense) {
        (1, Tense::Shown) => "; 1 file changes".to_owned(),
        (1, Tense::Written) => "; 1 file written".to_owned(),
        (_, Tense::Shown) => format!("; {count} files change"),
        (_, Tense::Written) => format!("; {count} files written"),
    }
}

/// `1 hand-off (artifacts) from job 'build' into Dockerfile`.
fn handoffs(handoffs: &[HandoffSummary]) -> String {
    let noun = if handoffs.len() == 1 { "hand-off" } else { "hand-offs" };
    let ways = list(handoffs.iter().map(|handoff| handoff.via.name().to_owned()));
    let known = handoffs.iter().map(|handoff| &handoff.dockerfile).filter(|dockerfile| !dockerfile.is_root());
    let dockerfiles = list(known.map(ToString::to_string));
    let dockerfiles = if dockerfiles.is_empty() { "an image".to_owned() } else { dockerfiles };
    let rerouted = Fallback::ALL.iter().map(|fallback| rerouted(handoffs, *fallback)).collect::<String>();
    let makers = list(handoffs.iter().flat_map(producers));
    let from = if makers.is_empty() { String::new() } else { format!(" from {makers}") };
    format!("{} {noun} ({ways}){from} into {dockerfiles}{rerouted}", handoffs.len())
}

/// The build jobs that stay beside the fold.
fn kept(handoffs: &[HandoffSummary]) -> String {
    let names: BTreeSet<_> = handoffs.iter().flat_map(|handoff| &handoff.kept).collect();
    let verb = if names.len() == 1 { "stays" } else { "stay" };
    let names = list(names.into_iter().map(|name| format!("job '{name}'")));
    if names.is_empty() { names } else { format!("; {names} {verb} for others") }
}

/// What is offered instead of a fold, and for whose files.
fn rerouted(handoffs: &[HandoffSummary], fallback: Fallback) -> String {
    let makers = list(handoffs.iter().filter(|handoff| handoff.fallback == Some(fallback)).flat_map(producers));
    if makers.is_empty() { makers } else { format!("; no builder stage, but {} of {makers}", fallback.name()) }
}

fn producers(handoff: &HandoffSummary) -> impl Iterator<Item = String> {
    handoff.producers.iter().map(|producer| match handoff.via {
        Via::DockerCp => producer.clone(),
        Via::Cache | Via::Artifacts => format!("job '{producer}'"),
    })
}

fn left_alone(all: &[HandoffSummary]) -> String {
    if all.is_empty() { String::new() } else { format!("{} left alone; ", handoffs(all)) }
}

/// The codes that forbid the fold, or the way to allow it where nothing forbids it outright; all codes
/// where neither is to be had.
fn reasons(outcome: &Outcome, policy: &Policy) -> String {
    let forbidding = codes(outcome, |severity| severity == Severity::Refusal);
    if !forbidding.is_empty() {
        return forbidding;
    }
    let open = outcome.findings_of(Severity::Review).filter(|finding| !policy.accepted.contains(&finding.code));
    let flags: BTreeSet<_> = open.map(|finding| format!("--accept {}", finding.code)).collect();
    let flags: Vec<_> = flags.into_iter().collect();
    if flags.is_empty() {
        return codes(outcome, |_| true);
    }
    format!("a person must accept what is named above: {}", flags.join(" "))
}

fn codes(outcome: &Outcome, matters: impl Fn(Severity) -> bool) -> String {
    list(outcome.findings.iter().filter(|finding| matters(finding.severity())).map(|finding| finding.code.to_string()))
}

/// The different ones of `words`, in their first order.
fn list(words: impl Iterator<Item = String>) -> String {
    let mut seen = BTreeSet::new();
    let words: Vec<_> = words.filter(|word| seen.insert(word.clone())).collect();
    words.join(", ")
}

#[cfg(test)]
mod tests {
    use super::{Tense, closing_line};
    use crate::finding::{Code, Finding, Location};
    use crate::outcome::{Fallback, HandoffSummary, Outcome, Policy, Verdict, Via};
    use crate::text::{FileVersions, RepositoryPath};

    fn path(text: &str) -> RepositoryPath {
        RepositoryPath::new(text).unwrap()
    }

    fn handoff(via: Via, producer: &str) -> HandoffSummary {
        HandoffSummary {
            via,
            producers: vec![producer.to_owned()],
            consumer: "containerize".to_owned(),
            paths: vec!["dist/".to_owned()],
            dockerfile: path("Dockerfile"),
            kept: Vec::new(),
            fallback: None,
        }
    }

    fn line(outcome: &Outcome, tense: Tense) -> String {
        closing_line(outcome, &Policy::default(), tense)
    }

    #[test]
    fn a_fold_says_what_goes_where() {
        let mut outcome = Outcome::unchanged(Verdict::Folded, vec![handoff(Via::Artifacts, "build")], Vec::new());
        let versions = FileVersions { before: None, after: Some(String::new()) };
        outcome.files = [(path("a"), versions.clone()), (path("b"), versions)].into();
        let expected = "folded: 1 hand-off (artifacts) from job 'build' into Dockerfile; 2 files change";
        assert_eq!(line(&outcome, Tense::Shown), expected);
        outcome.handoffs.push(handoff(Via::DockerCp, "Dockerfile.build"));
        outcome.handoffs[0].kept = vec!["build".to_owned()];
        outcome.files.remove(&path("a"));
        let expected = "folded: 2 hand-offs (artifacts, docker-cp) from job 'build', Dockerfile.build into Dockerfile; \
            job 'build' stays for others; 1 file written";
        assert_eq!(line(&outcome, Tense::Written), expected);
        outcome.handoffs = vec![handoff(Via::Cache, "build"), handoff(Via::Cache, "docs")];
        outcome.handoffs.iter_mut().for_each(|handoff| handoff.fallback = Some(Fallback::Artifacts));
        let expected = "folded: 2 hand-offs (cache) from job 'build', job 'docs' into Dockerfile; \
            no builder stage, but artifacts of job 'build', job 'docs'; 1 file written";
        assert_eq!(line(&outcome, Tense::Written), expected);
    }

    #[test]
    fn a_failure_names_its_codes() {
        let finding = Finding::new(Code::SelfCheckFailed, Location::File(path("a")), "x");
        assert_eq!(line(&Outcome::failed(finding), Tense::Shown), "failed: self-check-failed");
        let nothing = Outcome::unchanged(Verdict::NothingToFold, Vec::new(), Vec::new());
        assert_eq!(line(&nothing, Tense::Shown), "nothing to fold");
    }

    #[test]
    fn names_from_the_pipeline_keep_to_their_line() {
        let outcome = Outcome::unchanged(Verdict::Folded, vec![handoff(Via::Cache, "a\nb\u{1b}[2J")], Vec::new());
        assert!(line(&outcome, Tense::Shown).contains("job 'a b␛[2J'"), "{}", line(&outcome, Tense::Shown));
        let outcome = Outcome::unchanged(Verdict::Folded, vec![handoff(Via::Cache, "a\u{9b}2J\u{2028}b")], Vec::new());
        assert!(
            line(&outcome, Tense::Shown).contains("job 'a\u{fffd}2J\u{fffd}b'"),
            "{}",
            line(&outcome, Tense::Shown)
        );
    }
}
