//! What a command may do with the files of the project, as far as its name and its operands tell.
//!
//! The tables hold only programs whose manual settles it. Everything else may read any file of the project
//! by itself, as `npm test` or `./deploy.sh` do.

use super::programs::{ProgramKind, kind, takes_whole_folders};
use super::written::written_operands;
use crate::docker::{Step, StepWord, place_in_repository};
use crate::gitlab::PathPattern;
use crate::handoff::JobScript;
use crate::handoff::copies::relation_to_all;
use crate::text::RepositoryPath;

/// What a command does with some files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TreeUse {
    /// It leaves them alone.
    None,
    /// This word of it names them.
    Touches(String),
    /// This program may read any file.
    Unknown(String),
}

/// What `step` does with the files of `patterns`.
#[must_use]
pub fn tree_use(step: &Step, patterns: &[PathPattern]) -> TreeUse {
    let words: Vec<_> = step.words.iter().chain(step.redirections.iter().map(|(target, _)| target)).collect();
    let Some(program) = step.words.first() else {
        return touched(step, &words, patterns);
    };
    let Some(name) = program.text() else {
        return TreeUse::Unknown(program.raw.clone());
    };
    let redirected: Vec<_> = step.redirections.iter().map(|(target, _)| target).collect();
    match kind(step, name) {
        ProgramKind::WithoutFiles => touched(step, &redirected, patterns),
        ProgramKind::OperandsOnly => match touched(step, &operands(step), patterns) {
            TreeUse::None if sends_what_is_not_known(step, name) => TreeUse::Unknown(name.to_owned()),
            found => found,
        },
        ProgramKind::Any => match touched(step, &without_tasks(name, words), patterns) {
            TreeUse::None => TreeUse::Unknown(name.to_owned()),
            touches => touches,
        },
    }
}

/// The words that may be files: `cli:test` is a task of the project `cli` to Gradle (Gradle manual: "Command-Line Interface").
fn without_tasks<'a>(name: &str, mut words: Vec<&'a StepWord>) -> Vec<&'a StepWord> {
    if matches!(name, "gradle" | "gradlew" | "./gradlew") {
        words.retain(|word| word.raw.starts_with('-') || !word.raw.contains(':'));
    }
    words
}

/// Whether a program sends files to another machine, and a variable says which.
fn sends_what_is_not_known(step: &Step, name: &str) -> bool {
    let has = |verb: &str| step.words.iter().any(|word| word.text() == Some(verb));
    let sends = match name {
        "rsync" | "scp" => true,
        "aws" | "gsutil" => ["cp", "mv", "rsync", "sync"].into_iter().any(has),
        _ => false,
    };
    let is_variable = |word: &StepWord| {
        let bare = word.raw.trim_matches('"');
        word.pattern.is_none() && bare.starts_with('$') && !bare.contains([':', '@'])
    };
    let sources = step.words.get(1..step.words.len().saturating_sub(1)).unwrap_or_default();
    sends && sources.iter().any(is_variable)
}

/// The places of the project that `step` may write, and whether there may be others.
#[must_use]
pub fn writes(step: &Step) -> (Vec<RepositoryPath>, bool) {
    let redirected = step.redirections.iter().filter(|(_, is_written)| *is_written).map(|(target, _)| target);
    let mut targets: Vec<_> = redirected.collect();
    let name = step.program().unwrap_or_default();
    match kind(step, name) {
        ProgramKind::WithoutFiles => {}
        ProgramKind::OperandsOnly => targets.extend(written_operands(step, name)),
        ProgramKind::Any => return (Vec::new(), !step.words.is_empty()),
    }
    let mut is_unclear = false;
    let mut places = Vec::new();
    for target in targets {
        match (&target.pattern, &step.folder) {
            (Some(pattern), Some(folder)) => {
                let value = if pattern.starts_with('-') {
                    pattern.split_once('=').map(|(_, value)| value)
                } else {
                    Some(pattern.as_str())
                };
                places.extend(value.and_then(|value| place_in_repository(value, folder)));
            }
            (Some(pattern), None) if pattern.starts_with('/') => {}
            // A folder that is made changes no source, wherever it lies.
            _ if name == "mkdir" => {}
            _ => is_unclear |= !target.raw.starts_with(['~', '/', '-']) && !is_elsewhere(&target.raw),
        }
    }
    (places, is_unclear)
}

/// Whether a path begins with a variable that names a folder outside the project wherever it is set: Go takes no relative
/// path for its own (Go command: `GOPATH`).
fn is_elsewhere(raw: &str) -> bool {
    let bare = raw.trim_start_matches('"');
    ["$HOME", "${HOME}", "$GOPATH/", "${GOPATH}/"].iter().any(|folder| bare.starts_with(folder))
}

/// Whether a script certainly makes no files in the project: it prints, removes, or installs packages of the system.
#[must_use]
pub(super) fn makes_nothing(script: &JobScript) -> bool {
    const MAKE_NONE: [&str; 8] = ["apk", "apt", "apt-get", "dnf", "microdnf", "rm", "rmdir", "yum"];
    let texts = script.items.iter().filter_map(|item| item.text.as_deref());
    let is_redirected = texts.into_iter().any(|text| text.contains(['>', '|']) || text.contains("trap "));
    let is_plain = |step: &Step| {
        let name = step.program().unwrap_or_default();
        MAKE_NONE.contains(&name) || matches!(kind(step, name), ProgramKind::WithoutFiles)
    };
    let steps = &script.walk.steps;
    !steps.is_empty() && script.walk.opaque.is_empty() && !is_redirected && steps.iter().all(is_plain)
}

/// Whether a script item speaks of the files where no word of a command does: in what a loop runs over or reads
/// from, in a `[[ ... ]]`, or in the action of a trap.
#[must_use]
pub fn names_beside_commands(text: &str, patterns: &[PathPattern]) -> bool {
    let constructs = ["for ", "while ", "until ", "case ", "[[", "trap "];
    let is_named = constructs.iter().any(|construct| text.contains(construct))
        && patterns.iter().any(|pattern| mentions(text, &pattern.text));
    let lists = text.match_indices("for ").filter_map(|(at, _)| text.get(at..)?.split_once(" in "));
    let looped_over = lists.map(|(_, list)| list.split([';', '\n']).next().unwrap_or_default());
    let tested = text.match_indices("[[").filter_map(|(at, _)| text.get(at..)?.split("]]").next());
    let names = |word: &str| {
        let word = word.trim_matches(['"', '\'', ';']).trim_start_matches("./");
        let is_path = word.starts_with(|letter: char| letter.is_alphanumeric() || "._*".contains(letter));
        let relations = relation_to_all(patterns, word);
        is_path && (relations.covers || relations.overlaps || relations.below && !word.starts_with('.'))
    };
    is_named || looped_over.chain(tested).flat_map(str::split_whitespace).any(names)
}

/// The words of a command that may be files, and what it is redirected to. Those behind a subcommand of Compose are services.
fn operands(step: &Step) -> Vec<&StepWord> {
    const OF_SERVICES: [&str; 6] = ["down", "images", "logs", "ps", "pull", "push"];
    let is_compose = step.words.iter().take(2).any(|word| matches!(word.text(), Some("compose" | "docker-compose")));
    let is_subcommand = |word: &StepWord| word.text().is_some_and(|text| OF_SERVICES.contains(&text));
    let end = step.words.iter().position(is_subcommand).filter(|_| is_compose).unwrap_or(step.words.len());
    let redirected = step.redirections.iter().map(|(target, _)| target);
    step.words.get(1..end).unwrap_or_default().iter().chain(redirected).collect()
}

fn touched(step: &Step, words: &[&StepWord], patterns: &[PathPattern]) -> TreeUse {
    let touching = words.iter().find(|word| names_one_of(word, step, patterns));
    touching.map_or(TreeUse::None, |word| TreeUse::Touches(word.raw.clone()))
}

fn names_one_of(word: &StepWord, step: &Step, patterns: &[PathPattern]) -> bool {
    let Some(text) = &word.pattern else {
        let is_here = ["$(pwd)", "`pwd`"].contains(&word.raw.trim_matches('"').trim_end_matches("/."));
        if is_here && takes_whole_folders(step) {
            return true;
        }
        let is_listed = |path: &str| {
            let parts = word.raw.split(['{', '}', ',', ':', '"']);
            let mut values = parts.map(|part| part.rsplit_once('=').map_or(part, |(_, value)| value));
            values.any(|part| part == path || part.strip_prefix(path).is_some_and(|rest| rest.starts_with('/')))
        };
        // `target/$name` may be any file of that folder.
        let known = word.raw.trim_matches('"').split(['$', '`']).next().unwrap_or_default().trim_start_matches("./");
        let is_below = |path: &str| known.contains('/') && path.starts_with(known);
        let names = |path: &str| mentions(&word.raw, path) || is_listed(path) || is_below(path);
        return patterns.iter().any(|pattern| names(&pattern.text));
    };
    let may_be_paths = text.split(['=', '@', ',', ':']).chain([text.as_str()]);
    may_be_paths.map(|part| part.trim_matches(['{', '}'])).filter(|part| !part.is_empty()).any(|part| {
        let part = part.strip_prefix("//").unwrap_or(part);
        let Some(folder) = &step.folder else {
            return names_from_somewhere(part, step, patterns);
        };
        place_in_repository(part, folder).is_some_and(|place| is_used(part, &place, step, patterns))
    })
}

/// Whether a command that names this place of the project uses some of the files.
fn is_used(part: &str, place: &RepositoryPath, step: &Step, patterns: &[PathPattern]) -> bool {
    let relations = relation_to_all(patterns, place.as_str());
    // Where a folder is that holds more than the files, one may still go.
    match step.program() {
        Some("cd" | "mkdir" | "pushd") => relations.covers,
        _ if place.is_root() || matches!(part, "." | ".." | "./" | "../") => {
            relations.covers || relations.overlaps || relations.below && takes_whole_folders(step)
        }
        _ => relations.covers_some(),
    }
}

/// Whether a path may name the files in a command that runs in a folder which is not known: by the name of one of their
/// folders, or as the folder itself.
fn names_from_somewhere(part: &str, step: &Step, patterns: &[PathPattern]) -> bool {
    if part.starts_with(['/', '~', '-']) {
        return place_in_repository(part, &RepositoryPath::root())
            .is_some_and(|place| is_used(part, &place, step, patterns));
    }
    let first = part.split('/').find(|name| !matches!(*name, "" | "." | ".."));
    let Some(first) = first else {
        return takes_whole_folders(step);
    };
    let is_part = |pattern: &PathPattern| pattern.text.split('/').any(|name| name == first);
    !matches!(step.program(), Some("cd" | "pushd")) && patterns.iter().any(is_part)
}

/// Whether a text that is not known in full speaks of the path, as `"$DIR/dist/app"` does of `dist`.
fn mentions(raw: &str, path: &str) -> bool {
    let literal = path.split(['*', '?', '[']).next().unwrap_or_default().trim_end_matches('/');
    if literal.is_empty() {
        return false;
    }
    // The default of an expansion: `${FOLDER:-dist}`.
    if raw.contains(&format!("-{literal}}}")) || raw.contains(&format!("={literal}}}")) {
        return true;
    }
    raw.match_indices(literal).any(|(at, found)| {
        let before = raw.get(..at).and_then(|text| text.chars().next_back());
        let after = raw.get(at + found.len()..).and_then(|text| text.chars().next());
        let is_edge =
            |edge: Option<char>| edge.is_none_or(|edge| !edge.is_alphanumeric() && !matches!(edge, '-' | '_'));
        is_edge(before) && is_edge(after) && (before == Some('/') || after == Some('/'))
    })
}

#[cfg(test)]
mod tests {
    use super::{TreeUse, names_beside_commands, tree_use, writes};
    use crate::gitlab::Pipeline;
    use crate::handoff::JobScript;
    use crate::source::MemoryRepository;
    use crate::text::RepositoryPath;

    /// What the commands of a line do with `dist`, the first that does something.
    fn use_of_dist(line: &str) -> TreeUse {
        let text = format!("job:\n  artifacts: {{paths: [dist]}}\n  script:\n    - |\n      {line}\n");
        let repository = MemoryRepository::new([(".gitlab-ci.yml", text.as_str())]);
        let path = RepositoryPath::new(".gitlab-ci.yml").unwrap();
        let pipeline = Pipeline::read(&repository, &path).map_err(|finding| finding.message).unwrap();
        let job = pipeline.job("job").unwrap();
        let patterns = job.artifacts().paths;
        if names_beside_commands(line, &patterns) {
            return TreeUse::Touches(line.to_owned());
        }
        let uses = JobScript::new(job).walk.steps.iter().map(|step| tree_use(step, &patterns)).collect::<Vec<_>>();
        uses.into_iter().find(|found| *found != TreeUse::None).unwrap_or(TreeUse::None)
    }

    #[test]
    fn a_command_leaves_the_files_alone() {
        for line in [
            "docker push app",
            "command -v ssh-agent || apk add openssh-client",
            "corepack enable",
            "npm i -g lighthouse @scope/dist",
            "aws s3 cp chart/$FILE s3://bucket",
            "scp compose.yml $ACCOUNT@host:",
            "kubectl get pods -l dist=$NAME",
            "(cd chart && helm lint .)",
            "[[ -n $TAG ]] && docker push app",
            "docker image prune -f",
            "docker image ls",
            "apk add --no-cache jq",
            "docker compose -f compose.yml down",
            "git push --tags",
            "trivy image app",
            "scp compose.yml host:",
            "rsync -a chart/ host:/chart",
            "ls -la .",
            "kubectl apply -f .",
            "for tag in 1 latest; do docker push app:$tag; done",
            "for i in $(seq 3); do docker push app && break; done",
            "for file in *.md; do echo $file; done",
            "docker compose push",
            "curl -F token=$TOKEN https://example.com/distribution",
        ] {
            assert_eq!(use_of_dist(line), TreeUse::None, "{line}");
        }
    }

    /// The places that the commands of a line write, and whether there may be others.
    fn written(line: &str) -> (Vec<String>, bool) {
        let walk = crate::docker::ScriptWalk::new([Some(line)], &|_| None);
        let all: Vec<_> = walk.steps.iter().map(writes).collect();
        let places = all.iter().flat_map(|(places, _)| places).map(ToString::to_string).collect();
        (places, all.iter().any(|(_, is_unclear)| *is_unclear))
    }

    #[test]
    fn a_command_writes_what_its_operands_name() {
        for (line, expected) in [
            ("cp a b/c", &["b/c"][..]),
            ("scp host:/etc/app.env .env", &[".env"]),
            ("rsync -a conf/ host:/conf", &[]),
            ("aws s3 cp s3://bucket/app.env .env", &[".env"]),
            ("sed -Ei s/a/b/ src/x.js", &["src/x.js"]),
            ("sed -i -e s/a/b/ src/x.js", &["src/x.js"]),
            ("curl -sSLo bin/tool https://example.com/tool", &["bin/tool"]),
            ("curl https://example.com", &[]),
            ("wget -O bin/tool https://example.com/tool", &["bin/tool"]),
            ("pip install -t vendor -r requirements.txt", &["vendor"]),
            ("trivy image --output=report.json app", &["report.json"]),
            ("ln -s a b", &["b"]),
        ] {
            assert_eq!(written(line).0, expected, "{line}");
        }
        assert!(written("./configure").1);
    }

    #[test]
    fn tasks_of_gradle_are_no_files() {
        assert_eq!(use_of_dist("gradle dist:test"), TreeUse::Unknown("gradle".to_owned()));
        assert_eq!(use_of_dist("npm i -g ./dist"), TreeUse::Touches("./dist".to_owned()));
        assert_eq!(use_of_dist("corepack prepare"), TreeUse::Unknown("corepack".to_owned()));
    }

    #[test]
    fn services_of_compose_are_no_files() {
        assert_eq!(use_of_dist("docker compose -f a.yml push dist"), TreeUse::None);
        assert_eq!(use_of_dist("docker-compose pull dist"), TreeUse::None);
        assert_ne!(use_of_dist("docker compose -f dist/a.yml push dist"), TreeUse::None);
        assert_ne!(use_of_dist("docker compose logs web > dist/log"), TreeUse::None);
    }

    #[test]
    fn a_command_takes_the_files_or_may_take_them() {
        for line in [
            "ls dist",
            "cat */index.html",
            "cp -r . /srv",
            "aws s3 sync \"$FOLDER\" s3://bucket",
            "aws s3 cp dist/$FILE s3://bucket",
            "(cd $FOLDER && aws s3 sync dist s3://bucket)",
            "(cd web && aws s3 sync ../dist s3://bucket)",
            "for folder in dist docs; do aws s3 sync $folder s3://bucket; done",
            "[[ -d dist ]] || exit 1",
            "aws s3 sync \"${FOLDER:-dist}\" s3://bucket",
            "scp -r {dist,docs} host:",
            "docker run -itv $PWD:/w app",
            "cp --archive . /srv",
            "oc start-build app --from-dir=.",
            "gcloud builds submit",
            "docker image load -i dist/app.tar",
            "docker container run -v $PWD/dist:/srv app",
            "docker compose -f dist/compose.yml pull",
            "apt-get install ./dist/app.deb",
            "pip install .",
            "cp -r \"$(pwd)\" /srv",
            "aws s3 sync . s3://bucket",
            "rsync -a ./ host:/srv",
            "scp -r . host:/srv",
            "docker cp . box:/srv",
            "chmod -R 755 .",
            "for file in *; do curl -T $file https://example.com; done",
            "for file in ./dist/*; do echo $file; done",
            "trivy fs .",
            "git add .",
            "./deploy.sh",
            "docker compose up -d",
        ] {
            assert_ne!(use_of_dist(line), TreeUse::None, "{line}");
        }
    }
}
