//! Which variables have to be given before anything is built, so that a missing one is asked for and not found out an hour later.

use std::collections::BTreeSet;

use super::course::jobs_before;
use super::session::Session;
use super::way::Tree;
use crate::docker::{BuildCommand, image_builds};
use crate::gitlab::{Job, VariableKind, kind_of_variable};
use crate::handoff::JobScript;
use crate::process::Trouble;
use crate::syntax::shell::{Script, Word};

/// Commands whose words are names that get a value.
const DECLARING: [&str; 6] = ["declare", "export", "local", "read", "readonly", "typeset"];

/// The names that the jobs for `consumer` read and that nobody gives a value.
pub(super) fn missing(session: &Session<'_>, tree: &Tree<'_>, consumer: &str) -> Result<BTreeSet<String>, Trouble> {
    let mut missing = BTreeSet::new();
    for name in jobs_before(tree.pipeline, tree.repository, consumer) {
        if let Some(job) = tree.pipeline.job(&name) {
            missing.extend(unknown(session, job, &names_of_script(job))?);
        }
    }
    if let Some(job) = tree.pipeline.job(consumer) {
        let script = JobScript::of_image_job(tree.repository, job);
        let commands = image_builds(tree.repository, &script.walk).0;
        let names: BTreeSet<_> = commands.iter().flat_map(names_of_build).collect();
        let set = set_by(&texts(job));
        missing.extend(unknown(session, job, &names)?.into_iter().filter(|name| !set.contains(name)));
    }
    Ok(missing)
}

/// Those of the names that neither the pipeline, GitLab, the user nor the job's image defines.
fn unknown(session: &Session<'_>, job: &Job, names: &BTreeSet<String>) -> Result<BTreeSet<String>, Trouble> {
    let environment = session.environment(job);
    let is_unknown = |name: &&String| {
        environment.get(name).is_none() && kind_of_variable(name) == VariableKind::Secret && !name.is_empty()
    };
    let unknown: BTreeSet<_> = names.iter().filter(is_unknown).cloned().collect();
    if unknown.is_empty() {
        return Ok(unknown);
    }
    let image = session.container_of(job, &environment)?.image;
    let of_image = session.names_of_image(&image)?;
    Ok(unknown.into_iter().filter(|name| !of_image.contains(name)).collect())
}

fn texts(job: &Job) -> Vec<String> {
    job.script().iter().filter_map(|item| Some(item.text.as_deref()?.to_owned())).collect()
}

/// The names that a build job's script reads, without those that it sets or has a value of its own for.
fn names_of_script(job: &Job) -> BTreeSet<String> {
    let texts = texts(job);
    let set = set_by(&texts);
    let reads = |text: &String| {
        let script = Script::parse(text);
        let needs = |name: &str| {
            let has_default =
                ["-", ":-", "+", ":+", "=", ":="].iter().any(|sign| text.contains(&format!("${{{name}{sign}")));
            !has_default
        };
        let names: Vec<_> =
            script.read_variables().into_iter().map(|found| found.name).filter(|name| needs(name)).collect();
        names
    };
    texts.iter().flat_map(reads).filter(|name| !set.contains(name)).collect()
}

/// The names that a script gives values: by assignments, loops, `read`, and the commands that declare.
fn set_by(texts: &[String]) -> BTreeSet<String> {
    let mut set = BTreeSet::new();
    for text in texts {
        let script = Script::parse(text);
        for command in &script.commands {
            // In front of a command they are for that command alone.
            let own = command.assignments.iter().filter(|_| command.words.is_empty());
            set.extend(own.map(|assignment| assignment.name.clone()));
            let raw = |word: &Word| text.get(word.span.start()..word.span.end()).unwrap_or_default();
            let words: Vec<_> =
                command.words.iter().map(|word| raw(word).trim_matches(['"', '\'']).to_owned()).collect();
            if let [program, arguments @ ..] = words.as_slice()
                && DECLARING.contains(&program.as_str())
            {
                let name = |word: &String| word.split('=').next().unwrap_or_default().to_owned();
                set.extend(arguments.iter().filter(|word| !word.starts_with('-')).map(name));
            }
        }
        let words: Vec<_> = text.split_whitespace().collect();
        let loops = words.windows(3).filter(|three| three.first() == Some(&"for") && three.last() == Some(&"in"));
        set.extend(loops.filter_map(|three| three.get(1)).map(|name| (*name).to_owned()));
    }
    set
}

/// The names that a build takes by `--build-arg NAME`, by a value, or as a secret. Tags and caches are not among them.
fn names_of_build(command: &BuildCommand) -> Vec<String> {
    let written = |option: &str| -> Vec<String> {
        let values = command.options.iter().filter(|(name, _)| name == option);
        values.filter_map(|(_, value)| value.as_deref()).map(|value| value.replace(['"', '\''], "")).collect()
    };
    let arguments = written("--build-arg").into_iter().flat_map(|value| match value.split_once('=') {
        None => vec![value],
        Some((_, given)) => crate::gitlab::names_in(given).into_iter().map(str::to_owned).collect(),
    });
    let secrets = written("--secret").into_iter().filter_map(|value| {
        let fields: Vec<_> = value.split(',').filter_map(|field| field.split_once('=')).collect();
        let field =
            |wanted: &str| fields.iter().find(|(name, _)| *name == wanted).map(|(_, value)| (*value).to_owned());
        let source = field("src").or_else(|| field("source"));
        let variable = source
            .as_deref()
            .and_then(|source| source.strip_prefix('$'))
            .map(|name| name.trim_matches(['{', '}']).to_owned());
        variable.or_else(|| field("env")).or_else(|| field("id").filter(|_| source.is_none()))
    });
    arguments.chain(secrets).collect()
}

#[cfg(test)]
mod tests {
    use super::{names_of_script, set_by};
    use crate::gitlab::Pipeline;
    use crate::source::MemoryRepository;
    use crate::text::RepositoryPath;

    #[test]
    fn only_what_the_script_cannot_have_by_itself_is_read() {
        let yaml = "build:\n  script:\n    - export A=$TOKEN\n    - for x in a b; do echo $x $A ${B:-none}; done\n    - V=$(cat v); echo $V ${URL}\n";
        let repository = MemoryRepository::new([(".gitlab-ci.yml", yaml)]);
        let pipeline = Pipeline::read(&repository, &RepositoryPath::new(".gitlab-ci.yml").unwrap()).unwrap();
        let names: Vec<_> = names_of_script(pipeline.job("build").unwrap()).into_iter().collect();
        assert_eq!(names, ["TOKEN", "URL"]);
        assert!(set_by(&["docker build --build-arg A=$A .; B=1 make; env C=1 x".to_owned()]).is_empty());
        assert!(set_by(&["while read -r line; do X=1 y; done".to_owned()]).contains("line"));
    }
}
