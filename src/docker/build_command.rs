use super::build_options::{BuildOptions, OptionValue};
use super::builder::Builder;
use super::described::Description;
use super::script_walk::{ScriptWalk, place_in_repository};
use super::step::{Step, StepWord};
use super::turns::{Turn, TurnKind};
use crate::syntax::shell::Nesting;
use crate::text::{RepositoryPath, Span};

/// A command of a job's script that builds an image with a Dockerfile, such as `docker build .`.
#[derive(Clone, Debug)]
pub struct BuildCommand {
    /// The index of its step in the walk.
    pub step: usize,
    /// The item of the script, and the bytes of the command in it.
    pub item: usize,
    /// The bytes of the command in the item's text.
    pub span: Span,
    /// The place in the item's text where its options begin: the end of the word `build`, or of the program's name.
    pub options_at: usize,
    /// The program that builds.
    pub builder: Builder,
    /// Its name and the words in front of the options, as they are written.
    pub program: String,
    /// The folder that it runs in.
    pub folder: RepositoryPath,
    /// The folder that it builds from.
    pub context: CommandContext,
    /// The word that names that folder.
    pub(super) context_word: Option<WrittenWord>,
    /// The word that names the Dockerfile.
    pub(super) dockerfile_word: Option<WrittenWord>,
    /// The Dockerfile.
    pub dockerfile: RepositoryPath,
    /// The Dockerfile that the builder takes where there is no other, if it looks in two places.
    pub other_dockerfile: Option<RepositoryPath>,
    /// The stage to build (`--target`).
    pub target: Option<String>,
    /// Build arguments; `None` as a value for one that is taken from the environment or is not known.
    pub build_arguments: Vec<(String, Option<String>)>,
    /// The tags, as they are written.
    pub tags: Vec<String>,
    /// All options, each with its value as it is written.
    pub options: Vec<(String, Option<String>)>,
    /// The words that are no options, as they are written.
    pub operands: Vec<String>,
    /// Variables set in front of the command.
    pub environment: Vec<(String, Option<String>)>,
    /// What the script decides on the way to it.
    pub turns: Vec<Turn>,
    /// The item and the bytes of the call that leads to it, where it stands in a function.
    pub caller: Option<(usize, Span)>,
    /// Where it is said what is built, where the command only names that.
    pub described_in: Option<Description>,
    /// How many steps of the walk may run before it: in a loop also those behind it.
    pub steps_before: usize,
    /// Files that are surely removed before it runs.
    pub removed: Vec<RepositoryPath>,
}

/// A word of a command, or the value of an option.
#[derive(Clone, Debug)]
pub(super) struct WrittenWord {
    /// Its bytes in the item's text.
    pub(super) span: Span,
    /// As it is written.
    pub(super) raw: String,
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

/// The build commands of a script, and those that cannot be followed.
#[must_use]
pub fn build_commands(walk: &ScriptWalk) -> (Vec<BuildCommand>, Vec<BuildProblem>) {
    let mut commands = Vec::new();
    let mut problems = Vec::new();
    for (index, step) in walk.steps.iter().enumerate() {
        let Some((builder, words)) = Builder::of(step) else {
            continue;
        };
        match read(index, step, builder, words) {
            Ok(mut command) => {
                command.steps_before = steps_before(walk, index, &command.turns);
                command.removed = removed_before(walk, index);
                commands.push(command);
            }
            Err(what) => problems.push(BuildProblem { item: step.item, span: step.span, what }),
        }
    }
    (commands, problems)
}

fn read(index: usize, step: &Step, builder: Builder, words: &[StepWord]) -> Result<BuildCommand, String> {
    let grammar = builder.grammar();
    let options = builder.options(words)?;
    if let Some(reason) = why_not_there(step, builder) {
        return Err(reason.to_owned());
    }
    let folder = step.folder.as_ref().ok_or("runs in a folder that is not known")?;
    let context = (grammar.context)(&options, folder)?;
    let program = step.words.get(..step.words.len() - words.len()).unwrap_or_default();
    let (context_word, dockerfile_word) = places(builder, &options);
    let mut dockerfiles = (grammar.dockerfiles)(&options, folder, context.folder())?.into_iter();
    Ok(BuildCommand {
        step: index,
        item: step.item,
        span: step.span,
        builder,
        options_at: program.last().map_or(step.span.start(), |word| word.span.end()),
        program: written(program).join(" "),
        folder: folder.clone(),
        context_word,
        dockerfile_word,
        dockerfile: dockerfiles.next().ok_or("names a Dockerfile outside the repository")?,
        other_dockerfile: dockerfiles.next(),
        context,
        target: options.known("--target", "--target", "its target")?,
        build_arguments: build_arguments(&options)?,
        tags: builder_tags(builder, &options),
        operands: written(options.operands()),
        options: options.into_written(),
        environment: step.environment.clone(),
        turns: step.turns.clone(),
        caller: step.caller,
        described_in: None,
        steps_before: index,
        removed: Vec::new(),
    })
}

/// Why a build that stands where this step does cannot be followed. A build in a branch builds the same as one outside
/// of it, and one in a `for` builds the same again.
pub(super) fn why_not_there(step: &Step, builder: Builder) -> Option<&'static str> {
    let nesting = &step.place.nesting;
    let is_in = |kind: TurnKind| step.turns.iter().any(|turn| turn.kind == kind);
    let nested = |inner: fn(&Nesting) -> bool| nesting.iter().filter(|nesting| inner(nesting)).count();
    let chosen = step.turns.iter().filter(|turn| matches!(turn.kind, TurnKind::Branch { .. })).count();
    if step.place.is_in_function() {
        return Some("stands in a function that is not called once, by its name and nothing more");
    }
    if nesting.contains(&Nesting::Or) {
        return Some("stands behind '||', so that it runs only where something fails");
    }
    if is_in(TurnKind::While) {
        return Some("stands in a loop that has no list to go through");
    }
    if builder == Builder::Kaniko && step.turns.iter().any(Turn::repeats) {
        return Some("stands in a loop, where kaniko builds on in what the round before left");
    }
    let is_choice = |nesting: &Nesting| matches!(nesting, Nesting::Conditional | Nesting::Case);
    (nested(is_choice) != chosen).then_some("stands in the default of a variable")
}

/// How many steps may run before the one of number `index`, which these turns lead to.
pub(super) fn steps_before(walk: &ScriptWalk, index: usize, turns: &[Turn]) -> usize {
    let Some(round) = turns.iter().find(|turn| turn.repeats()) else {
        return index;
    };
    let last = walk.steps.iter().rposition(|step| step.turns.contains(round));
    last.map_or(index, |last| last + 1)
}

/// The files that a plain `rm` in front of the step of number `index` removes wherever that step runs.
pub(super) fn removed_before(walk: &ScriptWalk, index: usize) -> Vec<RepositoryPath> {
    let is_plain = |step: &&Step| {
        let is_alone = step.turns.is_empty() && step.caller.is_none() && step.place.is_top_level();
        step.program() == Some("rm") && is_alone
    };
    let removing = walk.steps.iter().take(index).filter(is_plain);
    let operands = removing.flat_map(|step| {
        let words = step.words.iter().skip(1).filter(|word| word.text() != Some("-f"));
        words.map(|word| place_in_repository(word.text()?, step.folder.as_ref()?))
    });
    operands.flatten().collect()
}

/// The words that name the context and the Dockerfile.
fn places(builder: Builder, options: &BuildOptions) -> (Option<WrittenWord>, Option<WrittenWord>) {
    let last = |long, short| options.all(long, short).next_back().and_then(OptionValue::word);
    match builder {
        Builder::Kaniko => return (last("--context", "-c"), last("--dockerfile", "-f")),
        Builder::Buildctl => return (last("--context", "--context"), None),
        _ => {}
    }
    let operand = options.operands().first();
    let operand = operand.map(|word| WrittenWord { span: word.span, raw: word.raw.clone() });
    (operand, last("--file", "-f"))
}

pub(super) fn written(words: &[StepWord]) -> Vec<String> {
    words.iter().map(|word| word.raw.clone()).collect()
}

fn builder_tags(builder: Builder, options: &BuildOptions) -> Vec<String> {
    let (long, short) = if builder == Builder::Kaniko { ("--destination", "-d") } else { ("--tag", "-t") };
    options.all(long, short).filter_map(|value| value.written.clone()).collect()
}

/// Every builder takes `--build-arg NAME=VALUE`, and `--build-arg NAME` for the variable of that name.
pub(super) fn build_arguments(options: &BuildOptions) -> Result<Vec<(String, Option<String>)>, String> {
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
    options.all("--build-arg", "--build-arg").map(argument).collect()
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

    /// The command that builds the stage `name` alone and publishes nothing, in the words of this one, with `more`
    /// options; `None` where a variable in front of it has a value that is not known, where it would not be one line, and
    /// where its words are those of a function, of the rounds of a loop, or of another file.
    #[must_use]
    pub fn of_stage(&self, name: &str, more: &[String]) -> Option<String> {
        let is_told_otherwise = self.described_in.is_some() || self.builder == Builder::Buildctl;
        if self.caller.is_some() || is_told_otherwise || self.turns.iter().any(Turn::repeats) {
            return None;
        }
        let grammar = self.builder.grammar();
        let variable = |(name, value): &(String, Option<String>)| Some(format!("{name}={}", value.as_deref()?));
        let variables: Option<Vec<_>> = self.environment.iter().map(variable).collect();
        let is_kept = |option: &&(String, Option<String>)| {
            option.0 != "--target" && !grammar.of_result.contains(&option.0.as_str())
        };
        let options = self.options.iter().filter(is_kept).map(|(name, value)| match value {
            None => name.clone(),
            Some(value) if grammar.without_value.contains(&name.as_str()) => format!("{name}={value}"),
            Some(value) => format!("{name} {value}"),
        });
        let publishes_nothing = (self.builder == Builder::Kaniko).then(|| "--no-push".to_owned());
        let context = matches!(self.context, CommandContext::Missing(_)).then(|| ".".to_owned());
        let words = variables?.into_iter().chain([self.program.clone(), format!("--target {name}")]);
        let words = words.chain(publishes_nothing).chain(more.iter().cloned()).chain(options);
        let line = words.chain(self.operands.iter().cloned()).chain(context).collect::<Vec<_>>().join(" ");
        (!line.contains('\n')).then_some(line)
    }
}

#[cfg(test)]
mod tests {
    use crate::docker::PROJECT_FOLDER;
    use crate::text::RepositoryPath;

    use super::{BuildCommand, Builder, CommandContext, ScriptWalk, build_commands};

    fn parse(items: &[&str]) -> Result<BuildCommand, String> {
        let walk = ScriptWalk::new(items.iter().map(|item| Some(*item)), &|name| match name {
            "NAME" => Some("web".to_owned()),
            "CI_PROJECT_DIR" => Some(PROJECT_FOLDER.to_owned()),
            _ => None,
        });
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
            ("f() { docker build .; }; f; f", "stands in a function"),
            ("test -f a || docker build .", "stands behind '||'"),
            ("while true; do docker build .; done", "stands in a loop"),
            ("for a in b; do executor -c . -d $a; done", "stands in a loop"),
            ("for a in b c; do docker build \"$a\"; done", "takes its context from \"$a\", whose value is not known"),
            ("for a in b c; do docker build .; cd web; done", "runs in a folder that is not known"),
            ("NAME=a; for a in b; do docker build \"$NAME\"; NAME=b; done", "takes its context from"),
            ("echo ${NAME:-$(docker build .)}", "stands in the default of a variable"),
            ("f() { docker build \"$1\"; }; f web", "takes its context from \"$1\", whose value is not known"),
            ("docker build - < Dockerfile", "takes its context from -"),
            ("docker build https://example.com/x.git", "takes its context from https"),
            ("cd $SOMEWHERE; docker build .", "runs in a folder that is not known"),
            ("docker build --surprise .", "has the option --surprise"),
            ("docker build --surprise=1 .", "has the option --surprise"),
            ("docker build /srv", "outside the project"),
            ("executor -d image", "names no context"),
            ("executor -c git://example.com/x.git -d image", "takes its context from git"),
            ("executor -c tar://context.tar.gz -d image", "takes its context from tar"),
            ("executor -c . --context-sub-path web -d image", "has --context-sub-path"),
            ("executor -c . --cache true -d image", "has the word true"),
            ("executor -c . --kaniko-dir /other -d image", "has the option --kaniko-dir"),
            ("executor -c $SOMEWHERE -d image", "takes its context from $SOMEWHERE, whose value is not known"),
            ("executor $OPTIONS -c .", "takes options from $OPTIONS"),
            ("podman build -t image -f ci/Dockerfile", "names no context"),
            ("buildah bud -f a -f b .", "names more than one Dockerfile"),
            ("buildah bud --from alpine .", "has the option --from"),
        ];
        for (script, reason) in reasons {
            let problem = parse(&[script]).unwrap_err();
            assert!(problem.starts_with(reason) || problem.contains(reason), "{script}: {problem}");
        }
    }

    #[test]
    fn a_function_that_is_called_once_runs_at_its_call() {
        let command = parse(&["build() { cd web; docker build -t $NAME .; }", "cd app", "NAME=b", "build"]).unwrap();
        assert_eq!((command.item, command.context.folder().as_str()), (0, "app/web"));
        let command = parse(&["f() { docker build .; }", "if a; then f; fi"]).unwrap();
        assert_eq!(command.turns.len(), 1);
        for script in [
            "f() { docker build .; }; f || true",
            "f() { docker build .; }; $F; f",
            "f() { test -f a && return; docker build .; }; f",
            "f; f() { docker build .; }",
            "f() { docker build .; }; trap f EXIT",
        ] {
            assert!(parse(&[script]).is_err(), "{script}");
        }
    }

    #[test]
    fn in_a_loop_what_stands_behind_comes_before() {
        let walk = ScriptWalk::new([Some("for a in b; do docker build .; make; done; ls")], &|_| None);
        assert_eq!(build_commands(&walk).0[0].steps_before, 2);
    }

    #[test]
    fn global_options_and_prefixes_are_passed_over() {
        let command = parse(&["DOCKER_BUILDKIT=1 sudo docker -H tcp://docker:2375 buildx build --load ."]).unwrap();
        assert_eq!(command.builder, Builder::Buildx);
        let command = parse(&["buildah --storage-driver vfs bud --layers -f Containerfile ."]).unwrap();
        assert_eq!((command.builder, command.dockerfile.as_str()), (Builder::Buildah, "Containerfile"));
    }

    #[test]
    fn kaniko_reads_its_own_options() {
        let command = parse(&[
            "cd ci",
            "/kaniko/executor -c dir://$CI_PROJECT_DIR --context-sub-path=web -f Dockerfile --destination $IMAGE --cache=true --build-arg A=1",
        ])
        .unwrap();
        assert_eq!(command.builder, Builder::Kaniko);
        assert_eq!(command.context, CommandContext::Folder(RepositoryPath::new("web").unwrap()));
        assert_eq!(command.dockerfile.as_str(), "ci/Dockerfile");
        assert_eq!(command.other_dockerfile, RepositoryPath::new("web/Dockerfile"));
        assert_eq!(command.tags, ["$IMAGE"]);
        assert_eq!(command.build_arguments, [("A".to_owned(), Some("1".to_owned()))]);
        assert_eq!(parse(&["/kaniko/executor version"]).unwrap_err(), "");
    }

    #[test]
    fn a_variable_may_hold_options_or_nothing() {
        let command = parse(&["OPTIONS='--no-push --target web'; executor $OPTIONS -c ."]).unwrap();
        assert!(command.has_option("--no-push"));
        assert_eq!(command.target.as_deref(), Some("web"));
        assert!(parse(&["OPTIONS=; executor $OPTIONS -c ."]).is_ok());
    }

    #[test]
    fn a_stage_is_built_alone_in_the_words_of_the_command() {
        let of_stage = |command: &str| parse(&[command]).unwrap().of_stage("builder", &[]).unwrap();
        assert_eq!(
            of_stage(
                "DOCKER_BUILDKIT=1 docker build --pull -t image --target web --build-arg \"A=$B\" -f ci/Dockerfile ."
            ),
            "DOCKER_BUILDKIT=1 docker build --target builder --pull --build-arg \"A=$B\" -f ci/Dockerfile ."
        );
        assert_eq!(
            of_stage("/kaniko/executor --context \"$CI_PROJECT_DIR\" -d image --cache=true --skip-unused-stages=true"),
            "/kaniko/executor --target builder --no-push --context \"$CI_PROJECT_DIR\" --skip-unused-stages=true"
        );
        assert_eq!(of_stage("docker build -t image"), "docker build --target builder .");
    }
}
