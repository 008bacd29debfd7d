//! Files that `artifacts:exclude` leaves out are deleted at the end of the builder stage.
//!
//! ```yaml
//! artifacts:
//!     paths: [dist]
//!     exclude: ["dist/**/*.map"]
//! ```
//! becomes
//! ```dockerfile
//! RUN find dist ! -type d -name '*.map' -exec rm {} +
//! ```
//! so that a copy of `dist` takes what it took before. GitLab Runner matches these patterns against files and folders alike,
//! and an excluded folder loses its entry but not what lies in it (GitLab docs: ci/yaml#artifactsexclude).

use super::situation::Situation;
use crate::gitlab::{PathPattern, Relation, folder_before_glob, is_glob, relation_of_paths};
use crate::outcome::Via;

/// The commands that delete what the job leaves out of its artifacts.
///
/// # Errors
/// The first pattern for which there is no such command.
pub(super) fn deletions<'a>(situation: &'a Situation<'_>) -> Result<Vec<String>, &'a PathPattern> {
    let own = || situation.handoff.flows.iter().filter(|flow| flow.producer == situation.producer.name);
    let uploaded = own().filter(|flow| flow.via == Via::Artifacts);
    let is_cached_too = own().any(|flow| flow.via == Via::Cache);
    let used = situation.used_patterns();
    let mut commands = Vec::new();
    for pattern in uploaded.flat_map(|flow| &flow.exclude).filter(|pattern| meets(pattern, &used)) {
        let command = deletion(pattern, &used).filter(|_| pattern.is_known && !is_cached_too).ok_or(pattern)?;
        if !commands.contains(&command) {
            commands.push(command);
        }
    }
    let needs_find = commands.iter().any(|command| command.contains("find "));
    let has_find = situation.has_usual_programs();
    match own().flat_map(|flow| &flow.exclude).find(|_| needs_find && !has_find) {
        Some(pattern) => Err(pattern),
        None => Ok(commands),
    }
}

fn meets(pattern: &PathPattern, used: &[PathPattern]) -> bool {
    let apart = |one: &str, other: &str| relation_of_paths(one, other) == Relation::Apart;
    used.iter().any(|used| !apart(&pattern.text, &used.text) || !apart(&used.text, &pattern.text))
}

fn deletion(pattern: &PathPattern, used: &[PathPattern]) -> Option<String> {
    let text = pattern.text.as_str();
    if !text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_./*?[]@+".contains(&byte)) || text.starts_with('-')
    {
        return None;
    }
    if !is_glob(text) {
        return Some(format!("test -d {text} || rm -f {text}"));
    }
    let (folder, name) = text.rsplit_once('/').unwrap_or(("", text));
    if let Some(folder) = folder.strip_suffix("**").filter(|_| !name.contains("**")) {
        let folder = folder.trim_end_matches('/');
        if is_glob(folder) {
            return None;
        }
        return below(folder, name, used);
    }
    if is_glob(folder) {
        return None;
    }
    match name {
        "**" if !folder.is_empty() => Some(format!("rm -rf {folder}")),
        _ if name.contains("**") => None,
        _ => {
            let guard = guard(folder, used);
            Some(format!("{guard}find {} -maxdepth 1 ! -type d -name '{name}' -exec rm {{}} +", here(folder)))
        }
    }
}

/// The command for `folder/**/name`: only where the job hands something on.
fn below(folder: &str, name: &str, used: &[PathPattern]) -> Option<String> {
    if name == "*" {
        let is_whole = !folder.is_empty();
        return is_whole
            .then(|| format!("test ! -d {folder} || find {folder} -mindepth 1 -maxdepth 1 -exec rm -rf {{}} +"));
    }
    let mut roots: Vec<&str> = Vec::new();
    for pattern in used {
        let own = folder_before_glob(&pattern.text);
        let root = [(own, folder), (folder, own)].into_iter().find(|(inner, outer)| is_within(inner, outer));
        if let Some((root, _)) = root.filter(|(root, _)| !roots.contains(root)) {
            roots.push(root);
        }
    }
    let guard = if let [root] = roots.as_slice() { guard(root, used) } else { String::new() };
    let roots: Vec<_> = roots.into_iter().map(here).collect();
    Some(format!("{guard}find {} ! -type d -name '{name}' -exec rm {{}} +", roots.join(" ")))
}

/// What passes over a folder that the build may not make: what the image takes itself must be there anyway.
fn guard(folder: &str, used: &[PathPattern]) -> String {
    let is_taken = folder.is_empty() || used.iter().any(|used| used.copied() == Some(folder));
    if is_taken { String::new() } else { format!("test ! -d {folder} || ") }
}

fn is_within(inner: &str, outer: &str) -> bool {
    outer.is_empty() || inner.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn here(folder: &str) -> &str {
    if folder.is_empty() { "." } else { folder }
}

#[cfg(test)]
mod tests {
    use super::deletion;
    use crate::gitlab::{PathPattern, Pipeline};
    use crate::source::MemoryRepository;
    use crate::text::RepositoryPath;

    /// The command for a pattern of a job that hands on `paths`.
    fn command(exclude: &str, paths: &str) -> Option<String> {
        let text = format!("job:\n  artifacts:\n    paths: [{paths}]\n    exclude: [\"{exclude}\"]\n");
        let repository = MemoryRepository::new([(".gitlab-ci.yml", text.as_str())]);
        let path = RepositoryPath::new(".gitlab-ci.yml").unwrap();
        let pipeline = Pipeline::read(&repository, &path).unwrap();
        let artifacts = pipeline.jobs().first().unwrap().artifacts();
        let used: Vec<PathPattern> = artifacts.paths;
        deletion(artifacts.exclude.first().unwrap(), &used)
    }

    #[test]
    fn each_form_has_its_command() {
        for (exclude, expected) in [
            ("dist/**/*.map", Some("find dist ! -type d -name '*.map' -exec rm {} +")),
            ("**/*.map", Some("find dist docs/a.html ! -type d -name '*.map' -exec rm {} +")),
            ("dist/js/**/*.map", Some("test ! -d dist/js || find dist/js ! -type d -name '*.map' -exec rm {} +")),
            ("dist/*.map", Some("find dist -maxdepth 1 ! -type d -name '*.map' -exec rm {} +")),
            ("dist/stats.json", Some("test -d dist/stats.json || rm -f dist/stats.json")),
            ("dist/tmp/**", Some("rm -rf dist/tmp")),
            ("dist/tmp/**/*", Some("test ! -d dist/tmp || find dist/tmp -mindepth 1 -maxdepth 1 -exec rm -rf {} +")),
            ("docs/**/*.map", Some("find docs/a.html ! -type d -name '*.map' -exec rm {} +")),
            ("dist/*/a/*.map", None),
            ("dist/**/a/*.map", None),
            ("dist/my file", None),
        ] {
            assert_eq!(command(exclude, "dist, docs/a.html").as_deref(), expected, "{exclude}");
        }
    }
}
