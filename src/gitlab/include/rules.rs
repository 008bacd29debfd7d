//! `include:rules`, as far as the files of the repository decide them (GitLab docs: ci/yaml#includerules).

use globset::GlobBuilder;

use crate::gitlab::value::Value;
use crate::source::Repository;

/// Whether an include is taken in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    /// In every pipeline.
    Taken,
    /// In none.
    Left,
    /// In some: it hangs on variables or on what a commit changes.
    Open,
}

/// What `rules` come to; the first that holds counts, and where none does, the file is left.
///
/// `repository` is the one that `exists` looks into; `None` where that is not here.
pub(super) fn decide(rules: Option<&Value>, repository: Option<&dyn Repository>) -> Decision {
    let Some(rules) = rules.filter(|rules| !rules.is_null()) else {
        return Decision::Taken;
    };
    let mut possible = Vec::new();
    for rule in rules.one_or_many() {
        let holds = holds(rule, repository);
        if holds == Some(false) {
            continue;
        }
        let is_left = rule.get("when").and_then(Value::text).as_deref() == Some("never");
        possible.push(if is_left { Decision::Left } else { Decision::Taken });
        if holds == Some(true) {
            return agreed(&possible);
        }
    }
    possible.push(Decision::Left);
    agreed(&possible)
}

fn agreed(possible: &[Decision]) -> Decision {
    match possible.split_first() {
        Some((first, others)) if others.iter().all(|other| other == first) => *first,
        _ => Decision::Open,
    }
}

/// Whether a rule holds; `None` where that is not known. All its conditions must.
fn holds(rule: &Value, repository: Option<&dyn Repository>) -> Option<bool> {
    let exists = rule.get("exists").map(|exists| exists_any(exists, repository));
    if exists == Some(Some(false)) {
        return Some(false);
    }
    let is_open = rule.get("if").is_some() || rule.get("changes").is_some() || exists == Some(None);
    (!is_open).then_some(true)
}

/// Whether a file of the repository matches one of the patterns of `exists`.
fn exists_any(exists: &Value, repository: Option<&dyn Repository>) -> Option<bool> {
    let repository = repository?;
    if exists.get("project").is_some() {
        return None;
    }
    let patterns = exists.get("paths").unwrap_or(exists);
    let matches = |pattern: &Value| {
        let pattern = pattern.text().filter(|pattern| !pattern.contains('$'))?;
        let glob = GlobBuilder::new(pattern.trim_start_matches('/')).literal_separator(true).build().ok()?;
        let matcher = glob.compile_matcher();
        Some(repository.tracked().keys().any(|path| matcher.is_match(path.as_str())))
    };
    let found: Vec<_> = patterns.one_or_many().iter().map(matches).collect();
    if found.contains(&Some(true)) {
        return Some(true);
    }
    (!found.contains(&None)).then_some(false)
}
