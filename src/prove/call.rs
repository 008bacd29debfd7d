//! What a call of a stand-in asks for: read as the fold reads the commands of a script, but with every word known.

use std::collections::BTreeMap;

use super::job_shell::quoted;
use crate::docker::{BuildCommand, Builder, PROJECT_FOLDER, ScriptWalk, Step, StepWord, image_builds};
use crate::handoff::Container;
use crate::source::Repository;

/// A call, as a stand-in wrote it down.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Call {
    /// The name of the program and its arguments.
    pub(super) words: Vec<String>,
    /// The variables that the program would have seen.
    pub(super) environment: BTreeMap<String, String>,
    /// The folder that it ran in.
    pub(super) folder: String,
}

/// What has to be done for it.
#[derive(Debug)]
pub(super) enum Request {
    /// Images are to be built; `prints` says that the command prints the image's name.
    Builds { commands: Vec<BuildCommand>, prints: bool },
    /// A container is to be made, and run where it `runs`.
    Container(Box<Container>),
    /// Files are to be copied out of a container: its name, the path in it, and where to; `follows` a link at that path.
    CopyOut { container: String, path: String, to: String, follows: bool },
    /// An image gets a further name.
    Name { image: String, name: String },
    /// Nothing that makes a difference to the images; the exit status.
    Nothing(i32),
    /// Something that no stand-in can do; what, as the end of the sentence "the image job …".
    Impossible(String),
}

/// Subcommands that bring files, images or commands which no stand-in has.
const IMPOSSIBLE: [&str; 8] = ["attach", "commit", "diff", "exec", "export", "import", "load", "save"];

impl Call {
    /// Reads what the stand-in wrote: words and variables end with a NUL each.
    pub(super) fn read(arguments: &[u8], environment: &[u8], folder: &str) -> Self {
        let texts = |bytes: &[u8]| -> Vec<String> {
            let ended = bytes.strip_suffix(&[0]).unwrap_or(bytes);
            ended.split(|byte| *byte == 0).map(|text| String::from_utf8_lossy(text).into_owned()).collect()
        };
        let pair = |text: String| text.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
        let environment = texts(environment).into_iter().filter_map(pair).collect();
        Self { words: texts(arguments), environment, folder: folder.trim_end_matches('\n').to_owned() }
    }

    /// Whether it may build an image, so that what lies in the project's folder matters.
    pub(super) fn may_build(&self) -> bool {
        let is_program = matches!(self.words.first().map(String::as_str), Some("executor" | "docker-compose"));
        let builds = |word: &String| matches!(word.as_str(), "b" | "bake" | "bud" | "build" | "compose");
        is_program || self.words.iter().any(builds)
    }

    /// What it asks for; `project` is the folder of the project in the job's container, and `repository` what lies in it now.
    pub(super) fn request(&self, project: &str, repository: &dyn Repository) -> Request {
        let line = self.line(project);
        let walk = ScriptWalk::new([Some(line.as_str())], &|_| None);
        let (commands, problems) = image_builds(repository, &walk);
        if let Some(problem) = problems.into_iter().next() {
            return Request::Impossible(format!("has a build that {}", problem.what));
        }
        if !commands.is_empty() {
            let prints = commands.iter().any(|command| command.has_option("-q") || command.has_option("--quiet"));
            return Request::Builds { commands, prints };
        }
        let step = walk.steps.iter().find(|step| step.program() != Some("cd"));
        if let Some(container) = step.and_then(Container::of_step) {
            return Request::Container(Box::new(container));
        }
        step.map_or(Request::Nothing(0), |step| of_engine(step, &self.words))
    }

    /// It as a line of a script that begins in the project's folder.
    fn line(&self, project: &str) -> String {
        let own = |word: &str| quoted(&to_project(word, project, PROJECT_FOLDER));
        let words: Vec<_> = self.words.iter().map(|word| own(word)).collect();
        format!("cd {} && {}", own(&self.folder), words.join(" "))
    }
}

/// A text in which the project's folder is called otherwise.
pub(super) fn to_project(text: &str, from: &str, to: &str) -> String {
    let mut found = String::new();
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once(from) {
        let is_whole = behind.is_empty() || behind.starts_with(['/', ',', ':']);
        found.push_str(before);
        found.push_str(if is_whole { to } else { from });
        rest = behind;
    }
    found + rest
}

/// A value of an option as [`Call::line`] writes it, read back.
pub(super) fn unquoted(written: &str) -> String {
    let inner = written.strip_prefix('\'').and_then(|text| text.strip_suffix('\''));
    inner.map_or_else(|| written.trim_start_matches('\'').to_owned(), |text| text.replace(r"'\''", "'"))
}

/// What a command of an engine asks for that builds nothing and makes no container.
fn of_engine(step: &Step, words: &[String]) -> Request {
    let rest: Vec<_> = words.iter().skip(1).map(String::as_str).skip_while(|word| word.starts_with('-')).collect();
    let rest = match rest.as_slice() {
        ["container" | "image", rest @ ..] => rest,
        rest => rest,
    };
    match rest {
        ["cp", arguments @ ..] => copy_out(step, arguments),
        ["tag", image, name] => Request::Name { image: (*image).to_owned(), name: (*name).to_owned() },
        ["create" | "run", ..] => Request::Impossible("makes a container with options that are not known here".into()),
        ["inspect" | "manifest", ..] => Request::Nothing(1),
        ["compose", "run" | "up" | "exec", ..] => Request::Impossible("works with Compose's containers".into()),
        [verb, ..] if IMPOSSIBLE.contains(verb) => {
            let program = words.first().map_or("", String::as_str);
            Request::Impossible(format!("calls '{program} {verb}'"))
        }
        _ if Builder::of(step).is_some() => Request::Impossible("has a build that cannot be read".into()),
        _ => Request::Nothing(0),
    }
}

fn copy_out(step: &Step, arguments: &[&str]) -> Request {
    let paths: Vec<_> = arguments.iter().filter(|word| !word.starts_with('-') || **word == "-").collect();
    let follows = arguments.iter().any(|word| matches!(*word, "-L" | "--follow-link"));
    let last = step.words.last().and_then(StepWord::text).unwrap_or_default();
    match paths.as_slice() {
        [from, _] => match from.split_once(':') {
            Some((container, path)) => Request::CopyOut {
                container: container.to_owned(),
                path: path.to_owned(),
                to: last.to_owned(),
                follows,
            },
            None => Request::Impossible("copies files into a container".into()),
        },
        _ => Request::Impossible("copies out of a container in a way that is not known here".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::{Call, Request, to_project, unquoted};
    use crate::source::MemoryRepository;

    const PROJECT: &str = "/builds/g/p";

    fn request(folder: &str, words: &[&str]) -> Request {
        let words = words.iter().map(|word| (*word).to_owned()).collect();
        let call = Call { words, folder: folder.to_owned(), ..Call::default() };
        call.request(PROJECT, &MemoryRepository::default())
    }

    #[test]
    fn what_a_stand_in_wrote_is_read_back() {
        let call = Call::read(b"docker\0build\0\0it's\0", b"A=1\0B=x\ny=z\0bad\0", "/builds/g/p\n");
        assert_eq!(call.words, ["docker", "build", "", "it's"]);
        assert_eq!(call.environment.get("B").map(String::as_str), Some("x\ny=z"));
        assert_eq!((call.environment.len(), call.folder.as_str()), (2, PROJECT));
    }

    #[test]
    fn a_build_is_read_with_the_project_where_it_lies_in_the_container() {
        let words = ["docker", "build", "--build-arg", "TEXT=it's $HOME", "-f", "/builds/g/p/ci/Dockerfile", ".."];
        let Request::Builds { commands, prints } = request("/builds/g/p/sub", &words) else { panic!("no build") };
        let [command] = commands.as_slice() else { panic!("{} builds", commands.len()) };
        assert_eq!(command.dockerfile.as_str(), "ci/Dockerfile");
        assert!(command.context.folder().is_root() && !prints);
        assert_eq!(command.build_arguments, [("TEXT".to_owned(), Some("it's $HOME".to_owned()))]);
        let kaniko = ["executor", "--context", "dir:///builds/g/p", "--dockerfile=/builds/g/p/D", "--no-push"];
        assert!(
            matches!(request(PROJECT, &kaniko), Request::Builds { commands, .. } if commands[0].dockerfile.as_str() == "D")
        );
    }

    #[test]
    fn containers_and_copies_are_told_apart_from_what_makes_no_difference() {
        let container = request(PROJECT, &["docker", "run", "--name", "x", "-v", "/builds/g/p:/src", "app", "make"]);
        assert!(matches!(container, Request::Container(it) if it.runs && it.name == "x" && it.image == "app"));
        let copy = request(PROJECT, &["docker", "cp", "x:/app/.", "dist"]);
        assert!(
            matches!(copy, Request::CopyOut { container, path, to, .. } if (container.as_str(), path.as_str(), to.as_str()) == ("x", "/app/.", "dist"))
        );
        let name = request(PROJECT, &["docker", "image", "tag", "a", "b"]);
        assert!(matches!(name, Request::Name { image, name } if (image.as_str(), name.as_str()) == ("a", "b")));
        assert!(matches!(request(PROJECT, &["docker", "rm", "-f", "x"]), Request::Nothing(0)));
        assert!(matches!(request(PROJECT, &["docker", "manifest", "inspect", "x"]), Request::Nothing(1)));
        assert!(matches!(request(PROJECT, &["docker", "exec", "x", "ls"]), Request::Impossible(_)));
        assert!(matches!(request("/tmp", &["docker", "build", "."]), Request::Impossible(_)));
    }

    #[test]
    fn what_may_build_is_told_by_its_words() {
        let may = |words: &[&str]| {
            Call { words: words.iter().map(ToString::to_string).collect(), ..Call::default() }.may_build()
        };
        assert!(may(&["docker", "buildx", "build", "."]) && may(&["executor"]) && may(&["buildctl", "build"]));
        assert!(!may(&["docker", "cp", "x:/a", "dist"]) && !may(&["docker", "create", "x"]));
    }

    #[test]
    fn only_whole_paths_are_the_projects() {
        assert_eq!(to_project("dir:///builds/g/p/a", PROJECT, "X"), "dir://X/a");
        assert_eq!(to_project("/builds/g/project", PROJECT, "X"), "/builds/g/project");
        assert_eq!(unquoted(r"'a'\''b'"), "a'b");
        assert_eq!(unquoted("plain"), "plain");
    }
}
