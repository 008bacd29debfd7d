//! `docker buildx bake`: the builds that files of targets describe (Docker docs: Bake file reference; docker/buildx: `bake/`).

mod definition;
mod overrides;
mod target;

use definition::Definition;
use overrides::Override;

use super::build_command::{BuildCommand, written};
use super::build_options::BuildOptions;
use super::builder::{Builder, Grammar};
use super::described::Asking;
use super::script_walk::{ScriptWalk, place_in_repository};
use super::step::{Step, StepWord};
use crate::source::Repository;
use crate::text::RepositoryPath;

/// Options of `docker buildx bake` (Docker CLI reference). Not among them are those that build nothing: `--call`, `--check`,
/// `--list`, `--print`; and `--var`, which an environment does as well.
pub(super) const GRAMMAR: Grammar = Grammar {
    with_value: &[
        "-f",
        "--allow",
        "--builder",
        "--file",
        "--metadata-file",
        "--progress",
        "--provenance",
        "--sbom",
        "--set",
    ],
    without_value: &["-D", "--debug", "--load", "--no-cache", "--pull", "--push"],
    of_result: &[],
    context: |_, _| Err("names no context".to_owned()),
    dockerfiles: |_, _, _| Err("names no Dockerfile".to_owned()),
};

/// The files that bake reads where none is named: all that are there (docker/buildx: `defaultFilenames`).
const NAMES: [&str; 8] = [
    "compose.yaml",
    "compose.yml",
    "docker-compose.yml",
    "docker-compose.yaml",
    "docker-bake.json",
    "docker-bake.hcl",
    "docker-bake.override.json",
    "docker-bake.override.hcl",
];

/// Options that make bake tell something instead of building.
const TELLING: [&str; 6] = ["--call", "--check", "--list", "--list-targets", "--list-variables", "--print"];

/// Those of them that read nothing but the files of targets.
const PRINTING: [&str; 4] = ["--list", "--list-targets", "--list-variables", "--print"];

/// Whether a step asks bake what it would build, and nothing more.
#[must_use]
pub fn asks_bake(step: &Step) -> bool {
    let asks = |word: &StepWord| match word.raw.split_once('=') {
        Some((name, value)) => name == "--list" && !value.is_empty(),
        None => PRINTING.contains(&word.raw.as_str()),
    };
    words_of_bake(step).is_some_and(|words| words.iter().any(asks))
}

/// The words behind `docker buildx bake`, unless it only tells something.
pub(super) fn build_words(step: &Step) -> Option<&[StepWord]> {
    let tells = |word: &StepWord| TELLING.contains(&word.raw.split('=').next().unwrap_or_default());
    words_of_bake(step).filter(|words| !words.iter().any(tells))
}

/// The words behind `docker buildx bake`, or `docker bake` for short.
fn words_of_bake(step: &Step) -> Option<&[StepWord]> {
    let (program, rest) = step.words.split_first()?;
    let is_docker = program.text()?.rsplit('/').next()? == "docker";
    let flags = rest.iter().take_while(|word| word.raw.starts_with('-')).count();
    let rest = rest.get(flags..).filter(|_| is_docker)?;
    let names: Vec<_> = rest.iter().take(2).map(StepWord::text).collect();
    match names.as_slice() {
        [Some("bake"), ..] => rest.get(1..),
        [Some("buildx"), Some("bake" | "f")] => rest.get(2..),
        _ => None,
    }
}

/// The variables that a file may read.
struct Environment<'a> {
    walk: &'a ScriptWalk,
    step: &'a Step,
}

/// What is known of a variable.
enum Known {
    /// Nothing here sets it.
    Unset,
    /// It has this value.
    Value(String),
    /// It may have any.
    Unknown,
}

impl Environment<'_> {
    /// What the command sees under this name, as far as the job tells. What GitLab or the image may set is not known.
    fn get(&self, name: &str) -> Known {
        let of_others = ["CI", "HOME", "HOSTNAME", "LANG", "PATH", "PWD", "SHELL", "TERM", "USER"];
        let in_front = self.step.environment.iter().rev().find(|(own, _)| own == name).map(|(_, value)| value);
        match in_front.or_else(|| self.walk.variables.get(name)) {
            Some(Some(value)) => Known::Value(value.clone()),
            Some(None) => Known::Unknown,
            None if of_others.contains(&name)
                || ["CI_", "DOCKER_", "GITLAB_"].iter().any(|it| name.starts_with(it)) =>
            {
                Known::Unknown
            }
            None if self.is_open() => Known::Unknown,
            None => Known::Unset,
        }
    }

    /// Whether the script may set variables that are not named in it.
    fn is_open(&self) -> bool {
        let reads = |step: &Step| !step.is_followed && matches!(step.program(), Some("." | "eval" | "source"));
        let is_name = |name: &str| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        self.walk.steps.iter().any(reads) || !self.walk.variables.keys().all(|name| is_name(name))
    }
}

/// The builds of the targets that a step names.
pub(super) fn read(
    repository: &dyn Repository,
    walk: &ScriptWalk,
    index: usize,
    step: &Step,
    folder: &RepositoryPath,
) -> Result<Vec<BuildCommand>, String> {
    let words = build_words(step).ok_or("builds nothing")?;
    let options = BuildOptions::read(words, &GRAMMAR)?;
    let environment = Environment { walk, step };
    let moved = ["BUILDX_BAKE_FILE", "BUILDX_BAKE_FILE_SEPARATOR", "BUILDX_BAKE_FILE_RELATIVE_PATHS"];
    let is_set =
        |name: &&str| walk.variables.contains_key(*name) || step.environment.iter().any(|(own, _)| own == *name);
    if let Some(name) = moved.into_iter().find(is_set) {
        return Err(format!("may read other files, as {name} is set"));
    }
    let definition = Definition::read(repository, folder, &files(repository, folder, &options)?)?;
    let sets = Override::all(&options, &definition)?;
    let named: Option<Vec<_>> = options.operands().iter().map(StepWord::text).collect();
    let named = named.ok_or("names a target by a variable whose value is not known")?;
    let named = if named.is_empty() { vec!["default"] } else { named };
    let targets = definition.targets(&named)?;
    let builds: Result<Vec<_>, _> =
        targets.iter().map(|name| target::described(&definition, name, &sets, &environment, folder)).collect();
    let program = step.words.get(..step.words.len() - words.len()).unwrap_or_default();
    let asking = Asking {
        builder: Builder::Bake,
        index,
        program,
        operands: written(options.operands()),
        options: options.into_written(),
        folder,
    };
    Ok(builds?.into_iter().map(|build| asking.command(walk, step, build)).collect())
}

/// The other targets that may be built of this Dockerfile, by the files that a step reads.
pub(super) fn built_of(
    repository: &dyn Repository,
    walk: &ScriptWalk,
    step: &Step,
    (folder, dockerfile, own): (&RepositoryPath, &RepositoryPath, &str),
) -> Result<Vec<String>, String> {
    let options = BuildOptions::read(build_words(step).ok_or("builds nothing")?, &GRAMMAR)?;
    let definition = Definition::read(repository, folder, &files(repository, folder, &options)?)?;
    let environment = Environment { walk, step };
    let may_build = |name: &&str| {
        let described = target::described(&definition, name, &[], &environment, folder);
        described.map_or(true, |build| build.dockerfile == *dockerfile)
    };
    let names = definition.names().into_iter().filter(|name| *name != own);
    Ok(names.filter(may_build).map(str::to_owned).collect())
}

/// The files that a command names, or those that bake looks for.
fn files(
    repository: &dyn Repository,
    folder: &RepositoryPath,
    options: &BuildOptions,
) -> Result<Vec<RepositoryPath>, String> {
    let is_there = |path: &RepositoryPath| repository.tracked().contains_key(path);
    if options.count("--file", "-f") == 0 {
        let found: Vec<_> = NAMES.iter().filter_map(|name| folder.join(name)).filter(is_there).collect();
        return if found.is_empty() {
            Err("reads a file that is not in the folder where it runs".to_owned())
        } else {
            Ok(found)
        };
    }
    let named = options.all("--file", "-f").map(|value| {
        let written = value.written.as_deref().unwrap_or_default();
        let path = value.known.as_deref().ok_or_else(|| format!("reads {written}, whose value is not known"))?;
        let path = path.strip_prefix("cwd://").unwrap_or(path);
        let place = place_in_repository(path, folder).filter(is_there);
        place.ok_or_else(|| format!("reads {path}, which is not in the repository"))
    });
    named.collect()
}

#[cfg(test)]
mod tests {
    use crate::docker::{ScriptWalk, image_builds};
    use crate::source::MemoryRepository;

    const FILE: &str = r#"
variable "TAG" {
  default = "latest"
}
variable "FOLDER" {
  default = "web"
}
group "default" {
  targets = ["web", "api"]
}
target "common" {
  context = "."
  args = {
    NODE = "22"
  }
}
target "web" {
  inherits   = ["common"]
  dockerfile = "${FOLDER}/Dockerfile"
  target     = "app"
  args = {
    TAG  = TAG
    NONE = null
  }
  tags = ["shop:${TAG}"]
}
target "api" {
  context = "api"
  secret = ["id=A,env=A"]
}
"#;

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
    fn a_question_is_told_from_a_build() {
        let asks = |line: &str| ScriptWalk::new([Some(line)], &|_| None).steps.iter().any(super::asks_bake);
        for line in ["docker buildx bake --print web", "docker bake --list=targets", "docker buildx bake web --print"] {
            assert!(asks(line), "{line}");
        }
        for line in [
            "docker buildx bake web",
            "docker buildx bake --print=false",
            "docker buildx bake --check",
            "docker build --print .",
        ] {
            assert!(!asks(line), "{line}");
        }
    }

    #[test]
    fn a_target_says_what_is_built() {
        let files = [("docker-bake.hcl", FILE)];
        let web = r#"web/Dockerfile . Some("app") [("NODE", Some("22")), ("TAG", Some("latest"))]"#;
        let api = "api/Dockerfile api None []";
        assert_eq!(builds("docker buildx bake web", &files).unwrap(), [web]);
        assert_eq!(builds("docker buildx bake --push", &files).unwrap(), [web, api]);
        assert_eq!(builds("docker bake web", &files).unwrap(), [web]);
        assert_eq!(builds("docker buildx bake --print", &files).unwrap(), [""; 0]);
        assert_eq!(
            builds(
                "docker buildx bake -f docker-bake.hcl --set '*.args.TAG=1' --set web.dockerfile=Dockerfile web",
                &files
            )
            .unwrap(),
            [r#"Dockerfile . Some("app") [("NODE", Some("22")), ("TAG", Some("1"))]"#]
        );
    }

    #[test]
    fn a_variable_of_the_job_wins_over_the_default() {
        let files = [("docker-bake.hcl", FILE)];
        let found = builds("FOLDER=site docker buildx bake web", &files).unwrap();
        assert!(found[0].starts_with("site/Dockerfile"), "{found:?}");
        let found = builds("export FOLDER=$X; docker buildx bake web", &files).unwrap_err();
        assert!(found.contains("FOLDER") && found.contains("docker-bake.hcl:19"), "{found}");
    }

    #[test]
    fn json_and_compose_files_are_read_as_well() {
        let json = r#"{"target": {"web": {"context": "web", "args": {"A": null, "B": "1"}}}}"#;
        let files =
            [("ci/bake.json", json), ("compose.yml", "services:\n  api:\n    build: ./api\n  db:\n    image: a\n")];
        assert_eq!(
            builds("docker buildx bake -f ci/bake.json web", &files).unwrap(),
            [r#"web/Dockerfile web None [("B", Some("1"))]"#]
        );
        assert_eq!(builds("docker buildx bake", &files).unwrap(), ["api/Dockerfile api None []"]);
    }

    #[test]
    fn what_is_not_told_for_certain_says_so() {
        for (line, body, reason) in [
            ("docker buildx bake web", "matrix = { a = [\"b\"] }", "docker-bake.hcl:2"),
            ("docker buildx bake web", "context = join(\"\", [\"a\"])", "docker-bake.hcl:2"),
            ("docker buildx bake web", "context = \"https://example.com/a.git\"", "https"),
            ("docker buildx bake web", "context = \"..\"", "outside the project"),
            ("docker buildx bake web", "dockerfile-inline = \"FROM a\"", "dockerfile-inline"),
            ("docker buildx bake web", "contexts = { base = \"target:base\" }", "target:base"),
            ("docker buildx bake web", "inherits = [\"web\"]", "inherits"),
            ("docker buildx bake web", "dockerfile = \"${UNKNOWN}/Dockerfile\"", "UNKNOWN"),
            (". ./build.env; docker buildx bake web", "dockerfile = TAG", "TAG"),
            ("export $(cat .env); docker buildx bake web", "dockerfile = TAG", "TAG"),
            ("docker buildx bake web", "contexts = { builder = \"docker-image://node\" }", "builder"),
            ("docker buildx bake web", "contexts = { src = \"web\" }", "src"),
            ("docker buildx bake gone", "context = \".\"", "gone"),
            ("docker buildx bake 'w*'", "context = \".\"", "w*"),
            ("docker buildx bake $TARGET", "context = \".\"", "$TARGET"),
            ("docker buildx bake --set web.contexts.a=b web", "context = \".\"", "web.contexts.a"),
            ("docker buildx bake --set $X web", "context = \".\"", "$X"),
            ("docker buildx bake --var A=b web", "context = \".\"", "--var"),
            ("docker buildx bake -f gone.hcl web", "context = \".\"", "gone.hcl"),
            ("BUILDX_BAKE_FILE=a docker buildx bake web", "context = \".\"", "BUILDX_BAKE_FILE"),
        ] {
            let text = format!("target \"web\" {{\n  {body}\n}}\nvariable \"TAG\" {{\n  default = \"a\"\n}}\n");
            let found = builds(line, &[("docker-bake.hcl", text.as_str())]).unwrap_err();
            assert!(found.contains(reason), "{line}, {body}: {found}");
        }
        let twice =
            [("docker-bake.hcl", "target \"web\" {\n}\n"), ("compose.yml", "services:\n  web:\n    build: .\n")];
        assert!(builds("docker buildx bake web", &twice).unwrap_err().contains("more than once"));
        assert!(
            builds("docker buildx bake web", &[("docker-bake.hcl", "target {")])
                .unwrap_err()
                .contains("docker-bake.hcl:1")
        );
    }
}
