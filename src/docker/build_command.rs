use super::script_walk::{ScriptWalk, Step, StepWord, place_in_repository};
use crate::text::{RepositoryPath, Span};

/// A command of a job's script that builds an image with a Dockerfile:
/// `docker build`, `docker image build`, `docker builder build` or `docker buildx build`.
#[derive(Clone, Debug)]
pub struct BuildCommand {
    /// The index of its step in the walk.
    pub step: usize,
    /// The item of the script, and the bytes of the command in it.
    pub item: usize,
    /// The bytes of the command in the item's text.
    pub span: Span,
    /// The place in the item's text where its options begin: the end of the word `build`.
    pub options_at: usize,
    /// The folder that it sends to the engine.
    pub context: CommandContext,
    /// The Dockerfile.
    pub dockerfile: RepositoryPath,
    /// The stage to build (`--target`).
    pub target: Option<String>,
    /// Build arguments; `None` as a value for one that is taken from the environment or is not known.
    pub build_arguments: Vec<(String, Option<String>)>,
    /// The tags, as they are written.
    pub tags: Vec<String>,
    /// All options, each with its value as it is written.
    pub options: Vec<(String, Option<String>)>,
    /// Whether BuildKit is asked for by name (`docker buildx build`).
    pub is_buildx: bool,
    /// Variables set in front of the command.
    pub environment: Vec<(String, Option<String>)>,
}

/// The folder that a build sends to the engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CommandContext {
    /// A folder of the repository.
    Folder(RepositoryPath),
    /// None is given, so that the command cannot have worked. The folder it runs in is the one that can be meant.
    Missing(RepositoryPath),
}

impl CommandContext {
    /// The folder, given or meant.
    #[must_use]
    pub const fn folder(&self) -> &RepositoryPath {
        match self {
            Self::Folder(folder) | Self::Missing(folder) => folder,
        }
    }
}

/// A build command that cannot be followed, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuildProblem {
    /// The item of the script.
    pub item: usize,
    /// The bytes of the command in the item's text.
    pub span: Span,
    /// What cannot be followed, as the end of the sentence "the build command …".
    pub what: String,
}

/// Options of `docker build` and `docker buildx build` that take a value (Docker CLI reference).
const WITH_VALUE: [&str; 46] = [
    "-c",
    "-f",
    "-m",
    "-o",
    "-t",
    "--add-host",
    "--allow",
    "--annotation",
    "--attest",
    "--build-arg",
    "--build-context",
    "--builder",
    "--cache-from",
    "--cache-to",
    "--call",
    "--cgroup-parent",
    "--cpu-period",
    "--cpu-quota",
    "--cpu-shares",
    "--cpuset-cpus",
    "--cpuset-mems",
    "--file",
    "--iidfile",
    "--isolation",
    "--label",
    "--memory",
    "--memory-swap",
    "--metadata-file",
    "--network",
    "--no-cache-filter",
    "--output",
    "--platform",
    "--policy",
    "--progress",
    "--provenance",
    "--sbom",
    "--secret",
    "--security-opt",
    "--shm-size",
    "--ssh",
    "--tag",
    "--target",
    "--ulimit",
    "--userns",
    "--cpus",
    "--runtime",
];

/// Those that take none.
const WITHOUT_VALUE: [&str; 16] = [
    "-D",
    "-q",
    "--check",
    "--compress",
    "--debug",
    "--disable-content-trust",
    "--force-rm",
    "--load",
    "--no-cache",
    "--pull",
    "--push",
    "--quiet",
    "--rm",
    "--squash",
    "--stream",
    "--use-http2",
];

/// Options of `docker` itself that take a value and stand before the subcommand.
const GLOBAL_WITH_VALUE: [&str; 9] =
    ["-H", "--host", "-c", "--context", "--config", "-l", "--log-level", "--tlscacert", "--tlskey"];

/// The build commands of a script, and those that cannot be followed.
#[must_use]
pub fn build_commands(walk: &ScriptWalk) -> (Vec<BuildCommand>, Vec<BuildProblem>) {
    let mut commands = Vec::new();
    let mut problems = Vec::new();
    for (index, step) in walk.steps.iter().enumerate() {
        let Some((arguments, is_buildx)) = build_arguments(step) else {
            continue;
        };
        match Parser::default().parse(index, step, arguments, is_buildx) {
            Ok(command) => commands.push(command),
            Err(what) => problems.push(BuildProblem { item: step.item, span: step.span, what }),
        }
    }
    (commands, problems)
}

/// The words behind `docker build`, and whether it is `docker buildx build`.
fn build_arguments(step: &Step) -> Option<(&[StepWord], bool)> {
    let (program, mut rest) = step.words.split_first()?;
    if program.text()?.rsplit('/').next() != Some("docker") {
        return None;
    }
    while let Some(option) = rest.first().and_then(StepWord::text).filter(|text| text.starts_with('-')) {
        let skipped = if GLOBAL_WITH_VALUE.contains(&option) { 2 } else { 1 };
        rest = rest.get(skipped..)?;
    }
    let words: Vec<_> = rest.iter().take(2).map(StepWord::text).collect();
    match words.as_slice() {
        [Some("build"), ..] => Some((rest.get(1..)?, false)),
        [Some("image" | "builder"), Some("build")] => Some((rest.get(2..)?, false)),
        [Some("buildx"), Some("build" | "b")] => Some((rest.get(2..)?, true)),
        _ => None,
    }
}

#[derive(Default)]
struct Parser {
    options: Vec<(String, OptionValue)>,
    positional: Vec<StepWord>,
}

/// The value of an option, as it is written and as far as it is known.
#[derive(Clone, Default)]
struct OptionValue {
    written: Option<String>,
    known: Option<String>,
}

impl Parser {
    fn parse(mut self, index: usize, step: &Step, words: &[StepWord], is_buildx: bool) -> Result<BuildCommand, String> {
        self.read(words)?;
        if !step.place.runs_once() {
            return Err("stands in a condition, a loop or a function".into());
        }
        let folder = step.folder.as_ref().ok_or("runs in a folder that is not known")?;
        let subcommand = step.words.len().checked_sub(words.len() + 1).and_then(|at| step.words.get(at));
        let options_at = subcommand.ok_or("names no subcommand")?.span.end();
        let context = self.context(folder)?;
        let dockerfile = match self.last("--file", "-f") {
            None => context.folder().join("Dockerfile").ok_or("names a Dockerfile outside the repository")?,
            Some(value) => {
                let path = value.known.as_deref().ok_or("names its Dockerfile through a variable that is not known")?;
                place_in_repository(path, folder).ok_or("names a Dockerfile outside the repository")?
            }
        };
        let target = match self.last("--target", "--target") {
            None => None,
            Some(value) => Some(value.known.ok_or("names its target through a variable that is not known")?),
        };
        Ok(BuildCommand {
            step: index,
            item: step.item,
            span: step.span,
            options_at,
            context,
            dockerfile,
            target,
            build_arguments: self.build_arguments()?,
            tags: self.all("--tag", "-t").filter_map(|value| value.written.clone()).collect(),
            options: self.options.into_iter().map(|(name, value)| (name, value.written)).collect(),
            is_buildx,
            environment: step.environment.clone(),
        })
    }

    fn read(&mut self, words: &[StepWord]) -> Result<(), String> {
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let head = word.raw.trim_start_matches(['"', '\'']);
            if !head.starts_with('-') || head == "-" {
                if !word.is_one_field && word.fields.is_none() {
                    return Err(format!("takes options from {}, whose value is not known", word.raw));
                }
                self.positional.push(word.clone());
                continue;
            }
            self.option(word, &mut words)?;
        }
        Ok(())
    }

    fn option<'a>(&mut self, word: &StepWord, rest: &mut impl Iterator<Item = &'a StepWord>) -> Result<(), String> {
        if let Some((name, written)) = word.raw.split_once('=').filter(|(name, _)| name.starts_with("--")) {
            let known = word.text().and_then(|text| text.split_once('=')).map(|(_, value)| value.to_owned());
            self.options.push((name.to_owned(), OptionValue { written: Some(written.to_owned()), known }));
            return Ok(());
        }
        let text = word.text().ok_or_else(|| format!("has the option {}, which cannot be read", word.raw))?;
        if WITHOUT_VALUE.contains(&text) {
            self.options.push((text.to_owned(), OptionValue::default()));
            return Ok(());
        }
        if WITH_VALUE.contains(&text) {
            let value = rest.next().ok_or_else(|| format!("ends with the option {text}"))?;
            let known = value.text().map(str::to_owned);
            self.options.push((text.to_owned(), OptionValue { written: Some(value.raw.clone()), known }));
            return Ok(());
        }
        let short = text.get(..2).filter(|short| !text.starts_with("--") && WITH_VALUE.contains(short));
        let Some((short, value)) = short.zip(text.get(2..)) else {
            return Err(format!("has the option {text}, which is not known here"));
        };
        let value = OptionValue { written: Some(value.to_owned()), known: Some(value.to_owned()) };
        self.options.push((short.to_owned(), value));
        Ok(())
    }

    fn context(&self, folder: &RepositoryPath) -> Result<CommandContext, String> {
        let word = match self.positional.as_slice() {
            [] => return Ok(CommandContext::Missing(folder.clone())),
            [word] => word,
            _ => return Err("names more than one context".into()),
        };
        let path =
            word.text().ok_or_else(|| format!("takes its context from {}, whose value is not known", word.raw))?;
        if path == "-" || path.contains("://") || path.starts_with("git@") {
            return Err(format!("takes its context from {path}"));
        }
        let place = place_in_repository(path, folder)
            .ok_or_else(|| format!("takes its context from {path}, outside the project"))?;
        Ok(CommandContext::Folder(place))
    }

    fn build_arguments(&self) -> Result<Vec<(String, Option<String>)>, String> {
        let argument = |value: &OptionValue| {
            let written = value.written.as_deref().unwrap_or_default();
            let known = value.known.as_deref();
            let (name, given) = match known.unwrap_or_else(|| written.trim_matches(['"', '\''])).split_once('=') {
                Some((name, given)) => (name, known.map(|_| given.to_owned())),
                None => (known.unwrap_or(written), None),
            };
            if name.contains('$') {
                return Err(format!("has the build argument {written}, whose name is not known"));
            }
            Ok((name.to_owned(), given))
        };
        self.all("--build-arg", "--build-arg").map(argument).collect()
    }

    fn all<'a>(&'a self, long: &'a str, short: &'a str) -> impl DoubleEndedIterator<Item = &'a OptionValue> {
        self.options.iter().filter(move |(name, _)| name == long || name == short).map(|(_, value)| value)
    }

    fn last(&self, long: &str, short: &str) -> Option<OptionValue> {
        self.all(long, short).next_back().cloned()
    }
}

impl BuildCommand {
    /// Whether the option is given, with or without a value.
    #[must_use]
    pub fn has_option(&self, name: &str) -> bool {
        self.options.iter().any(|(option, _)| option == name)
    }

    /// The value of an option as it is written.
    #[must_use]
    pub fn option(&self, name: &str) -> Option<&str> {
        self.options.iter().rev().find(|(option, _)| option == name)?.1.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::{BuildCommand, CommandContext, ScriptWalk, build_commands};

    fn parse(items: &[&str]) -> Result<BuildCommand, String> {
        let walk =
            ScriptWalk::new(items.iter().map(|item| Some(*item)), &|name| (name == "NAME").then(|| "web".to_owned()));
        let (commands, problems) = build_commands(&walk);
        match commands.into_iter().next() {
            Some(command) => Ok(command),
            None => Err(problems.into_iter().next().map_or(String::new(), |problem| problem.what)),
        }
    }

    #[test]
    fn the_context_and_the_dockerfile_are_found() {
        let command = parse(&[
            "cd app && docker image build --tag=$CI_REGISTRY_IMAGE:$TAG -f ../ci/Dockerfile --force-rm=true .",
        ])
        .unwrap();
        assert_eq!(command.context.folder().to_string(), "app");
        assert_eq!(command.dockerfile.to_string(), "ci/Dockerfile");
        assert_eq!(command.tags, ["$CI_REGISTRY_IMAGE:$TAG"]);
        assert_eq!(parse(&["docker build -tx $NAME"]).unwrap().dockerfile.to_string(), "web/Dockerfile");
    }

    #[test]
    fn a_missing_context_is_the_folder_it_runs_in() {
        let command = parse(&["docker build -t user/image:latest"]).unwrap();
        assert!(matches!(command.context, CommandContext::Missing(_)));
    }

    #[test]
    fn build_arguments_are_known_or_not() {
        let command =
            parse(&["docker build --build-arg A=1 --build-arg B=$UNKNOWN --build-arg C --build-arg D=${NAME} ."])
                .unwrap();
        let expected = [("A", Some("1")), ("B", None), ("C", None), ("D", Some("web"))];
        let found: Vec<_> =
            command.build_arguments.iter().map(|(name, value)| (name.as_str(), value.as_deref())).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn what_cannot_be_followed_says_so() {
        let reasons = [
            ("docker build $OPTIONS .", "takes options from $OPTIONS"),
            ("if true; then docker build .; fi", "stands in a condition"),
            ("docker build - < Dockerfile", "takes its context from -"),
            ("docker build https://example.com/x.git", "takes its context from https"),
            ("cd $SOMEWHERE; docker build .", "runs in a folder that is not known"),
            ("docker build --surprise .", "has the option --surprise"),
            ("docker build /srv", "outside the project"),
        ];
        for (script, reason) in reasons {
            let problem = parse(&[script]).unwrap_err();
            assert!(problem.starts_with(reason) || problem.contains(reason), "{script}: {problem}");
        }
    }

    #[test]
    fn global_options_and_prefixes_are_passed_over() {
        assert!(
            parse(&["DOCKER_BUILDKIT=1 sudo docker -H tcp://docker:2375 buildx build --load ."]).unwrap().is_buildx
        );
    }
}
