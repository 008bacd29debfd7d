//! What runs in a container of the first image, as instructions at the end of its stage.
//!
//! ```yaml
//! - docker run --name build -e MODE=fast app-build
//! ```
//! with `CMD make` in the Dockerfile becomes
//! ```dockerfile
//! ENV MODE=fast
//! RUN make
//! ```

use crate::docker::{Base, ImageName, StepWord, is_root};
use crate::fold::environment::quoted;
use crate::handoff::{Container, ImageBuild};
use crate::syntax::dockerfile::{Arguments, Instruction, Keyword};

/// Options of `docker run` that say nothing of what its command finds and makes.
const OF_NO_MEANING: [&str; 10] =
    ["-i", "-q", "-t", "--cidfile", "--init", "--interactive", "--name", "--pull", "--quiet", "--tty"];

/// What a program is started with.
enum Program {
    /// By a shell.
    Shell(String),
    /// As it is.
    Words(Vec<String>),
}

/// The instructions that do at the end of the stage what the container did.
///
/// # Errors
/// Why none do, as a sentence.
pub(super) fn instructions(first: &ImageBuild, container: &Container) -> Result<Vec<String>, String> {
    let mut lines = Vec::new();
    if let Some(user) = ImageName::new(&container.image).default_user().filter(|_| container.mounted.is_some()) {
        return Err(format!("{} works as {user}, and the sources of a stage are root's", container.image));
    }
    for (option, value) in &container.options {
        let value = value.as_deref().unwrap_or_default();
        let is_known = !value.contains(['$', '`']);
        match option.as_str() {
            option if OF_NO_MEANING.contains(&option) => {}
            "-v" | "-w" | "--rm" | "--volume" | "--workdir" if container.mounted.is_some() => {}
            "--entrypoint" if is_known && !value.contains(' ') => {}
            "-e" | "--env" => match value.split_once('=') {
                Some((name, value)) if is_known => lines.push(format!("ENV {name}={}", quoted(value))),
                _ => return Err(format!("the container gets {value} from the job, and a stage does not")),
            },
            "-u" | "--user" if container.mounted.is_some() && !is_root(value) => {
                return Err(format!("the container works as {value}, and the sources of a stage are root's"));
            }
            "-w" | "--workdir" if is_known => lines.push(format!("WORKDIR {value}")),
            "-u" | "--user" if is_known => lines.push(format!("USER {value}")),
            "-d" | "--detach" => return Err("the container works in the background, and may not be done".to_owned()),
            "--rm" => return Err("the container is removed before anything is copied out of it".to_owned()),
            option => return Err(format!("a container with {option} is another one than a stage")),
        }
    }
    lines.push(format!("RUN {}", command(first, container)?));
    Ok(lines)
}

/// What the container runs, as a `RUN` has it (Dockerfile reference: how CMD and ENTRYPOINT interact).
fn command(first: &ImageBuild, container: &Container) -> Result<String, String> {
    let told = told_entrypoint(container);
    let entrypoint = match told {
        Some(_) => None,
        None => last(first, Keyword::Entrypoint).and_then(program),
    };
    let given: Option<Vec<_>> = container.arguments.iter().map(|word| word.text().map(str::to_owned)).collect();
    let given = given.ok_or_else(|| {
        let unknown = container.arguments.iter().find(|word| word.text().is_none()).map(|word: &StepWord| &*word.raw);
        format!("the value of {} is not known here", unknown.unwrap_or_default())
    })?;
    let given: Vec<_> = told.filter(|told| !told.is_empty()).map(str::to_owned).into_iter().chain(given).collect();
    let arguments = match &entrypoint {
        None if given.is_empty() && told.is_some() => None,
        _ if given.is_empty() => last(first, Keyword::Cmd).and_then(program),
        None => Some(plain(given)),
        Some(_) => Some(Program::Words(given)),
    };
    match (entrypoint, arguments) {
        (Some(Program::Shell(text)), _) => Ok(text),
        (Some(Program::Words(words)), None) => Ok(json(&words)),
        (Some(Program::Words(_)), Some(Program::Shell(_))) if last(first, Keyword::Shell).is_some() => {
            Err("the shell of the Dockerfile would be an argument of its ENTRYPOINT".to_owned())
        }
        (Some(Program::Words(words)), Some(arguments)) => {
            let more = match arguments {
                Program::Words(words) => words,
                Program::Shell(text) => vec!["/bin/sh".to_owned(), "-c".to_owned(), text],
            };
            Ok(json(&words.into_iter().chain(more).collect::<Vec<_>>()))
        }
        (None, None) => Err("what the image runs is told by the image that it starts from".to_owned()),
        (None, Some(Program::Shell(text))) => Ok(text),
        (None, Some(Program::Words(words))) => Ok(json(&words)),
    }
}

/// Whether the container may start what the image that its stages begin with says, which no file here tells.
pub(super) fn may_have_entrypoint(first: &ImageBuild, container: &Container) -> bool {
    told_entrypoint(container).is_none() && last(first, Keyword::Entrypoint).is_none() && !starts_plainly(first)
}

/// What the command says in the place of the image's `ENTRYPOINT` and `CMD` (Docker CLI reference: `docker run --entrypoint`).
fn told_entrypoint(container: &Container) -> Option<&str> {
    let told = container.options.iter().rev().find(|(option, _)| option == "--entrypoint");
    told.map(|(_, value)| value.as_deref().unwrap_or_default())
}

/// Words as a person would write them behind `RUN`, where they are the same for a shell.
fn plain(words: Vec<String>) -> Program {
    let is_plain = |word: &String| {
        !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_./:,@%+".contains(&byte))
    };
    if let [shell, flag, script] = words.as_slice()
        && matches!(shell.as_str(), "sh" | "/bin/sh")
        && flag == "-c"
        && !script.contains(['\n', '\\'])
        && !script.contains("<<")
        && !script.starts_with(['[', '-', '#'])
    {
        return Program::Shell(script.clone());
    }
    if words.iter().all(is_plain) && !words.iter().any(|word| word.starts_with("--mount")) {
        return match words.first().map(|first| first.starts_with('-')) {
            Some(false) => Program::Shell(words.join(" ")),
            _ => Program::Words(words),
        };
    }
    Program::Words(words)
}

/// The last instruction of this kind in the stage, or in those that it starts from.
fn last(first: &ImageBuild, keyword: Keyword) -> Option<&Instruction> {
    let mut stage = first.stages.stages.get(first.target?)?;
    loop {
        let own = first.dockerfile.instructions.get(stage.from..stage.end).unwrap_or_default();
        if let Some(found) = own.iter().rev().find(|instruction| instruction.keyword == keyword) {
            return Some(found);
        }
        let Base::Stage(base) = stage.base else {
            return None;
        };
        stage = first.stages.stages.get(base)?;
    }
}

fn program(instruction: &Instruction) -> Option<Program> {
    match &instruction.arguments {
        Arguments::Json(words) => Some(Program::Words(words.iter().map(|word| word.value.clone()).collect())),
        Arguments::Shell(text) => Some(Program::Shell(text.text().to_owned())),
        _ => None,
    }
}

/// Whether the stage starts from an official image: these start what they are told to.
fn starts_plainly(first: &ImageBuild) -> bool {
    let mut stage = first.target.and_then(|target| first.stages.stages.get(target));
    while let Some(Base::Stage(base)) = stage.map(|stage| &stage.base) {
        stage = first.stages.stages.get(*base);
    }
    match stage.map(|stage| &stage.base) {
        Some(Base::Image(Some(image))) => ImageName::new(image).is_official(),
        _ => false,
    }
}

fn json(words: &[String]) -> String {
    let strings: Vec<_> = words.iter().map(|word| serde_json::Value::from(word.as_str()).to_string()).collect();
    format!("[{}]", strings.join(", "))
}
