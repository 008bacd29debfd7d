//! `docker compose build` and `docker-compose build`: the builds that a Compose file describes (Compose specification: build).

mod file;
mod passing;

pub(super) use file::ComposeFile;
pub(super) use passing::compose_with_context;
pub use passing::compose_with_passed;

use super::build_command::{BuildCommand, build_arguments, why_not_there, written};
use super::build_options::BuildOptions;
use super::builder::{Builder, Grammar};
use super::described::{Asking, DescribedBuild};
use super::script_walk::{ScriptWalk, place_in_repository};
use super::step::{Step, StepWord};
use crate::source::Repository;
use crate::text::RepositoryPath;

/// Options of `docker compose build` (Docker CLI reference). Not among them are those that build nothing: `--check`,
/// `--print`; and `--with-dependencies`, which builds more than is named.
pub(super) const GRAMMAR: Grammar = Grammar {
    with_value: &["-m", "--build-arg", "--builder", "--memory", "--progress", "--provenance", "--sbom", "--ssh"],
    without_value: &[
        "-q",
        "--compress",
        "--force-rm",
        "--no-cache",
        "--no-rm",
        "--parallel",
        "--pull",
        "--push",
        "--quiet",
    ],
    of_result: &[],
    context: |_, _| Err("names no context".to_owned()),
    dockerfiles: |_, _, _| Err("names no Dockerfile".to_owned()),
};

/// Options of `docker compose` itself that take a value and stand before the subcommand.
const GLOBAL_WITH_VALUE: [&str; 7] =
    ["--ansi", "--env-file", "--parallel", "--progress", "--project-name", "--log-level", "-p"];

/// The same that take none.
const GLOBAL_WITHOUT_VALUE: [&str; 4] = ["--compatibility", "--no-ansi", "--verbose", "--all-resources"];

/// The names that Compose looks for, and of which there may be one.
const NAMES: [&str; 4] = ["compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml"];

/// The words behind `docker compose`, where they ask for a build, or may do so.
pub(super) fn build_words(step: &Step) -> Option<&[StepWord]> {
    compose_words(step).filter(|words| match Call::read(words, "build") {
        Ok(call) => call.is_some(),
        Err(_) => words.iter().any(|word| word.text() == Some("build")),
    })
}

/// The words behind `docker compose` or `docker-compose`.
fn compose_words(step: &Step) -> Option<&[StepWord]> {
    let (program, rest) = step.words.split_first()?;
    match program.text()?.rsplit('/').next()? {
        "docker-compose" => Some(rest),
        "docker" => rest.split_first().filter(|(word, _)| word.text() == Some("compose")).map(|(_, rest)| rest),
        _ => None,
    }
}

/// A call of `compose build` or `compose up`, told apart.
struct Call<'a> {
    /// The Compose file that it names.
    file: Option<&'a str>,
    /// How many words stand up to the subcommand, that included.
    head: usize,
    words: &'a [StepWord],
}

impl<'a> Call<'a> {
    /// The call in these words; `None` where it is another subcommand than `wanted`.
    fn read(words: &'a [StepWord], wanted: &str) -> Result<Option<Self>, String> {
        let mut file = None;
        let mut at = 0;
        while let Some(word) = words.get(at) {
            let Some(text) = word.text() else {
                return Err(format!("has the word {}, whose value is not known", word.raw));
            };
            let (name, joined) = text.split_once('=').map_or((text, None), |(name, value)| (name, Some(value)));
            at += 1;
            match name {
                "-f" | "--file" => {
                    if file.is_some() {
                        return Err("names several Compose files".to_owned());
                    }
                    let next = words.get(at).and_then(StepWord::text);
                    file = Some(joined.or(next).ok_or("names a Compose file whose path is not known")?);
                    at += usize::from(joined.is_none());
                }
                _ if GLOBAL_WITH_VALUE.contains(&name) => at += usize::from(joined.is_none()),
                _ if GLOBAL_WITHOUT_VALUE.contains(&name) => {}
                _ if name == wanted => {
                    return Ok(Some(Self { file, head: at, words: words.get(at..).unwrap_or_default() }));
                }
                _ if name.starts_with('-') => return Err(format!("has the option {name}, which is not known here")),
                _ => return Ok(None),
            }
        }
        Ok(None)
    }
}

/// The builds of the services that a step names.
pub(super) fn read(
    repository: &dyn Repository,
    walk: &ScriptWalk,
    index: usize,
    step: &Step,
    folder: &RepositoryPath,
) -> Result<Vec<BuildCommand>, String> {
    let words = build_words(step).ok_or("builds nothing")?;
    let call = Call::read(words, "build")?.ok_or("builds nothing")?;
    let options = BuildOptions::read(call.words, &GRAMMAR)?;
    let file = ComposeFile::read(repository, &compose_file(repository, folder, call.file)?)?;
    let named: Option<Vec<_>> = options.operands().iter().map(StepWord::text).collect();
    let services = file.built(&named.ok_or("names a service by a variable whose value is not known")?)?;
    let given = build_arguments(&options)?;
    let at = step.words.len() - words.len() + call.head;
    let asking = Asking {
        builder: Builder::Compose,
        index,
        program: step.words.get(..at).unwrap_or_default(),
        operands: written(options.operands()),
        options: options.into_written(),
        folder,
    };
    let command = |mut service: DescribedBuild| {
        service.arguments.extend(given.iter().cloned());
        asking.command(walk, step, service)
    };
    Ok(services.into_iter().map(command).collect())
}

/// All that the step of this index may build by `compose up`, and the Compose file that says so: of the services that it starts
/// it builds those whose images are not there, and those which they depend on.
///
/// # Errors
/// Why that is not known.
pub fn builds_of_up(
    repository: &dyn Repository,
    walk: &ScriptWalk,
    index: usize,
) -> Result<(RepositoryPath, Vec<BuildCommand>), String> {
    let step = walk.steps.get(index).ok_or("builds nothing")?;
    if let Some(reason) = why_not_there(step, Builder::Compose) {
        return Err(reason.to_owned());
    }
    let folder = step.folder.as_ref().ok_or("runs in a folder that is not known")?;
    let words = compose_words(step).ok_or("is no call of Compose")?;
    let call = Call::read(words, "up")?.ok_or("is no 'up'")?;
    let path = compose_file(repository, folder, call.file)?;
    let services = ComposeFile::read(repository, &path)?.built_by_any_profile()?;
    let at = step.words.len() - words.len() + call.head;
    let asking = Asking {
        builder: Builder::Compose,
        index,
        program: step.words.get(..at).unwrap_or_default(),
        operands: Vec::new(),
        options: Vec::new(),
        folder,
    };
    Ok((path, services.into_iter().map(|service| asking.command(walk, step, service)).collect()))
}

/// The one Compose file that is read.
fn compose_file(
    repository: &dyn Repository,
    folder: &RepositoryPath,
    named: Option<&str>,
) -> Result<RepositoryPath, String> {
    let is_there = |path: &RepositoryPath| repository.tracked().contains_key(path);
    if let Some(named) = named {
        let path = place_in_repository(named, folder).filter(is_there);
        return path.ok_or_else(|| format!("reads {named}, which is not in the repository"));
    }
    let mut found = NAMES.iter().filter_map(|name| folder.join(name)).filter(is_there);
    let path = found.next().ok_or("reads a Compose file that is not in the folder where it runs")?;
    if found.next().is_some() {
        return Err(format!("may read {path} or another Compose file beside it"));
    }
    let stem = path.as_str().rsplit_once('.').map_or(path.as_str(), |(stem, _)| stem);
    let overrides =
        ["yml", "yaml"].iter().filter_map(|ending| RepositoryPath::new(&format!("{stem}.override.{ending}")));
    match overrides.into_iter().find(is_there) {
        Some(other) => Err(format!("reads {other} on top of {path}, which is not followed")),
        None => Ok(path),
    }
}

#[cfg(test)]
mod tests {
    use crate::docker::{ScriptWalk, image_builds};
    use crate::source::MemoryRepository;

    /// Dockerfile, context, target and arguments of each build, or why it is not followed.
    fn builds(line: &str, files: &[(&str, &str)]) -> Result<Vec<String>, String> {
        let repository = MemoryRepository::new(files.iter().copied());
        let walk = ScriptWalk::new([Some(line)], &|_| None);
        let (commands, problems) = image_builds(&repository, &walk);
        match problems.into_iter().next() {
            Some(problem) => Err(problem.what),
            None => Ok(commands
                .iter()
                .map(|it| format!("{} {} {:?} {:?}", it.dockerfile, it.context.folder(), it.target, it.build_arguments))
                .collect()),
        }
    }

    #[test]
    fn a_service_says_what_is_built() {
        let text = "x-log: &log\n  logging: {driver: none}\nservices:\n  web:\n    <<: *log\n    build: &build\n      context: ./web\n      dockerfile: ../ci/Dockerfile\n      target: app\n      args: [A=1, B, 'C=$C']\n  api:\n    build: .\n  db:\n    image: postgres\n";
        let files = [("docker-compose.yml", text)];
        let web = "ci/Dockerfile web Some(\"app\") [(\"A\", Some(\"1\")), (\"B\", None), (\"C\", None)]";
        assert_eq!(builds("docker compose build web", &files).unwrap(), [web]);
        assert_eq!(
            builds("docker-compose -p x build --pull --build-arg D=2 api", &files).unwrap(),
            ["Dockerfile . None [(\"D\", Some(\"2\"))]"]
        );
        assert_eq!(builds("docker compose build", &files).unwrap().len(), 2);
        assert_eq!(builds("docker compose up --build", &files).unwrap(), [""; 0]);
    }

    #[test]
    fn starting_services_builds_what_their_file_describes() {
        let text =
            "services:\n  web:\n    image: web\n    profiles: [ci]\n  api:\n    build: ./api\n    profiles: [ci]\n";
        let repository = MemoryRepository::new([("docker-compose.yml", text)]);
        let contexts = |line: &str| {
            let walk = ScriptWalk::new([Some(line)], &|_| None);
            let (_, builds) = super::builds_of_up(&repository, &walk, 0)?;
            Ok::<_, String>(builds.iter().map(|build| build.context.folder().to_string()).collect::<Vec<_>>())
        };
        for line in
            ["docker compose up -d", "docker compose --env-file a up web-$X --pull always", "docker-compose up web"]
        {
            assert_eq!(contexts(line).unwrap(), ["api"], "{line}");
        }
        for line in ["docker compose down", "docker compose -f a.yml -f b.yml up", "docker compose $FLAGS up", "make"] {
            assert!(contexts(line).is_err(), "{line}");
        }
    }

    #[test]
    fn what_is_not_told_for_certain_says_so() {
        let file = |service: &str| format!("services:\n  web:\n{service}");
        for (line, service, reason) in [
            ("docker compose build", "    build: $DIR\n", "$DIR"),
            ("docker compose build", "    build: {context: ., dockerfile_inline: FROM a}\n", "dockerfile_inline"),
            ("docker compose build", "    build: .\n    extends: {file: a.yml, service: b}\n", "extends"),
            ("docker compose build", "    build: https://example.com/a.git\n", "https"),
            ("docker compose build", "    build: ..\n", "outside the project"),
            ("docker compose build", "    build: .\n    profiles: [ci]\n", "profiles"),
            ("docker compose build gone", "    build: .\n", "gone"),
            ("docker compose -f a.yml build", "    build: .\n", "a.yml"),
            ("docker compose -f compose.yml -f b.yml build", "    build: .\n", "several Compose files"),
            ("docker compose --profile ci build", "    build: .\n", "--profile"),
            ("docker compose build $SERVICE", "    build: .\n", "$SERVICE"),
        ] {
            let text = file(service);
            let found = builds(line, &[("compose.yml", text.as_str())]).unwrap_err();
            assert!(found.contains(reason), "{line}, {service}: {found}");
        }
        let text = file("    build: .\n");
        let files = [("compose.yml", text.as_str()), ("compose.override.yml", "services: {}\n")];
        assert!(builds("docker compose build", &files).unwrap_err().contains("compose.override.yml"));
    }
}
