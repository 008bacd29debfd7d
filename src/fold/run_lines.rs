//! The script of the build job as instructions of the builder stage.
//!
//! What reads best is one `RUN` for each statement, as a person would write it. That is the same program only
//! where the statements share no shell state and where nothing but a plain failure ends them; the shell tree
//! has to prove it. From the first statement on for which it cannot, all that is left becomes one `RUN`, with
//! the runner's own error handling in front (semantics: GitLab Runner, `shells/bash.go`).

mod shell_construct;
mod statements;
mod working_folder;

use super::environment::{RunPrefix, RunPrefixes};
use crate::ecosystem::{self, DependencyLayer, Split};
use crate::handoff::{JobScript, writes};
use crate::outcome::{Layers, Policy};
use crate::source::Repository;
use crate::syntax::shell::{Command, Nesting, Reason, Script};
use crate::text::RepositoryPath;
pub(super) use shell_construct::shell_construct;
use statements::Statement;
use working_folder::WorkingFolder;

/// The build job's script, cut into statements.
pub(super) struct BuildScript {
    statements: Vec<Statement>,
    layer: Layer,
    /// How many statements at the beginning need not even the manifests.
    early: usize,
    has_bash: Option<bool>,
    written: Vec<RepositoryPath>,
}

/// The instructions of a script.
pub(super) struct Instructions {
    /// Those that need nothing of the project.
    pub(super) early: Vec<String>,
    /// Those that need the manifests.
    pub(super) install: Vec<String>,
    /// Those that need the sources.
    pub(super) rest: Vec<String>,
    /// Where the sources are to be copied, as a `COPY` between the second and the third says it.
    pub(super) sources_at: String,
    /// The folder of the project that the last one runs in.
    pub(super) last_folder: RepositoryPath,
}

/// Whether the dependencies get a layer of their own.
pub(super) enum Layer {
    /// They do: this statement installs them, and reads only these files.
    Split(usize, DependencyLayer),
    /// They cannot, for this reason.
    Whole(String),
    /// There is no such statement.
    None,
}

/// The shell that the builder stage needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shell {
    /// Any: `/bin/sh`, as the builder has it.
    Any,
    /// That of the runner, with `pipefail`: this program.
    Of(&'static str),
    /// That of the runner, which is not known.
    Unknown,
}

impl BuildScript {
    /// `is_set` tells which variables the job's environment has.
    pub(super) fn new(
        repository: &dyn Repository,
        policy: &Policy,
        script: &JobScript,
        has_bash: Option<bool>,
        is_set: &dyn Fn(&str) -> bool,
    ) -> Self {
        let texts = script.items.iter().filter_map(|item| item.text.as_deref());
        let mut statements = statements::of_items(repository, texts, is_set);
        let (mut layer, mut early) = (Layer::None, 0);
        if policy.layers == Layers::Auto {
            layer = find_layer(repository, &statements, is_set);
            // `npm ci && npm run build` is one statement, and two where that gives the first a layer of its own.
            let apart = statements::apart(&statements).filter(|_| matches!(layer, Layer::None));
            let split = apart.map(|apart| (find_layer(repository, &apart, is_set), apart));
            if let Some((found, apart)) = split.filter(|(found, _)| matches!(found, Layer::Split(..))) {
                (layer, statements) = (found, apart);
            }
            let is_early =
                |statement: &&Statement| plain_words(statement).is_some_and(|words| reads_nothing(repository, &words));
            early = statements.iter().take_while(is_early).count();
        }
        let written = script.walk.steps.iter().flat_map(|step| writes(step).0).collect();
        Self { statements, layer, early, has_bash, written }
    }

    /// The layer for the dependencies, where there is one.
    pub(super) fn dependency_layer(&self) -> Option<&DependencyLayer> {
        match &self.layer {
            Layer::Split(_, layer) => Some(layer),
            Layer::Whole(_) | Layer::None => None,
        }
    }

    /// The folder of the project in which the dependencies are installed.
    pub(super) fn layer_folder(&self) -> RepositoryPath {
        let statement = match &self.layer {
            Layer::Split(at, _) => self.statements.get(*at),
            Layer::Whole(_) | Layer::None => None,
        };
        statement.map_or_else(RepositoryPath::root, |statement| statement.folder.clone())
    }

    pub(super) const fn layer(&self) -> &Layer {
        &self.layer
    }

    /// Takes the layer that `prove` finds for the statement that installs the dependencies, where the manifest
    /// proved nothing and nothing before that statement reads the sources.
    pub(super) fn take_evidence(
        &mut self,
        repository: &dyn Repository,
        prove: impl Fn(&[String]) -> Option<DependencyLayer>,
    ) {
        let Layer::Whole(_) = self.layer else {
            return;
        };
        let mut alone = self.statements.iter().take(self.first_joined());
        let first = alone.position(|statement| !is_harmless(repository, statement));
        let at_top = |at: &usize| self.statements.get(*at).is_some_and(|statement| statement.folder.is_root());
        let words = first.filter(at_top).and_then(|at| Some((at, plain_words(self.statements.get(at)?)?)));
        if let Some((at, layer)) = words.and_then(|(at, words)| Some((at, prove(&words)?))) {
            self.layer = Layer::Split(at, layer);
        }
    }

    /// Gives up the layer for the dependencies, where there is one.
    pub(super) fn keep_whole(&mut self, reason: String) {
        if matches!(self.layer, Layer::Split(..)) {
            self.layer = Layer::Whole(reason);
        }
    }

    /// The statements of the script, parsed.
    pub(super) fn statements(&self) -> impl Iterator<Item = &Script> {
        self.statements.iter().map(|statement| &statement.script)
    }

    /// Whether the script itself writes this file of the project.
    pub(super) fn writes(&self, path: &str) -> bool {
        self.written.iter().any(|written| written.as_str() == path)
    }

    /// Whether it may leave files that belong to somebody else than root.
    pub(super) fn may_change_owners(&self) -> bool {
        self.statements.iter().any(|statement| names_owner_change(&statement.text))
    }

    /// The shell that it needs.
    pub(super) fn shell(&self) -> Shell {
        match (self.statements().any(|script| shell_construct(script).is_some()), self.has_bash) {
            (false, _) => Shell::Any,
            (true, Some(true)) => Shell::Of("/bin/bash"),
            (true, Some(false)) => Shell::Of("/bin/sh"),
            (true, None) => Shell::Unknown,
        }
    }

    /// Whether the statement that installs the dependencies is the last one.
    pub(super) fn ends_with_layer(&self) -> bool {
        matches!(&self.layer, Layer::Split(at, _) if at + 1 == self.statements.len())
    }

    /// The instructions of the script in the folder `project`; `prefixes` tells what stands around each `RUN`.
    pub(super) fn instructions(&self, project: &str, prefixes: &mut RunPrefixes<'_>) -> Instructions {
        let split = match &self.layer {
            Layer::Split(at, _) => at + 1,
            Layer::Whole(_) | Layer::None => 0,
        };
        let joined_from = self.first_joined();
        let mut folders = WorkingFolder { project, at: RepositoryPath::root() };
        let mut alone = |folders: &mut WorkingFolder<'_>, range: std::ops::Range<usize>, is_behind: bool| {
            let statements = self.statements.get(range).unwrap_or_default();
            let mut lines = Vec::new();
            for statement in statements.iter().filter(|statement| !statement.only_enters) {
                lines.extend(folders.enter(&statement.folder));
                let prefix = prefixes.next(&[&statement.script], is_behind);
                lines.extend(prefix.around(statement.text.clone()));
            }
            lines
        };
        let first = self.early.min(joined_from);
        let early = alone(&mut folders, 0..first, false);
        let install = alone(&mut folders, first..split.max(first), false);
        let sources_at = if folders.at.is_root() { ".".to_owned() } else { project.to_owned() };
        let mut after = alone(&mut folders, split.max(first)..joined_from, true);
        let rest = self.statements.get(joined_from..).unwrap_or_default();
        if let Some(first) = rest.first() {
            let scripts: Vec<_> = rest.iter().map(|statement| &statement.script).collect();
            after.extend(folders.enter(&first.folder));
            after.extend(joined(rest, self.shell(), prefixes.next(&scripts, true)));
        }
        Instructions { early, install, rest: after, sources_at, last_folder: folders.at }
    }

    /// The first statement from which on all must stay in one shell.
    fn first_joined(&self) -> usize {
        let last = self.statements.len().saturating_sub(1);
        let stays =
            |(at, statement): &(usize, &Statement)| !statement.only_enters && !stands_alone(statement, *at == last);
        self.statements.iter().enumerate().find(stays).map_or(self.statements.len(), |(at, _)| at)
    }
}

/// Whether a script names a program that makes files of another owner: those that set one, those that work as
/// somebody else, and those that unpack or copy with owners.
pub(super) fn names_owner_change(script: &str) -> bool {
    const PROGRAMS: [&str; 9] = ["chown", "su", "sudo", "gosu", "su-exec", "tar", "useradd", "adduser", "rsync"];
    let mut words = script.split(|character: char| character.is_whitespace() || ";&|()".contains(character));
    let copies_owners =
        |words: &str| words.contains("cp -a") || words.contains("cp -p") || words.contains("cp --preserve");
    words.any(|word| PROGRAMS.contains(&word)) || copies_owners(script)
}

/// Whether a statement is the same program in a `RUN` of its own.
///
/// Nothing comes behind the last statement that could find another working directory.
/// The exit status of its last command must be all that decides: `a && b` that fails at `a` ends no script
/// unless it is the last statement, and what stands in a compound command relies on `errexit`.
fn stands_alone(statement: &Statement, is_last: bool) -> bool {
    let script = &statement.script;
    let is_plain = |command: &Command| {
        command.place.nesting.iter().all(|nesting| match nesting {
            Nesting::Or | Nesting::Tested | Nesting::Substitution | Nesting::Pipeline => true,
            Nesting::And | Nesting::Negated => is_last,
            _ => false,
        })
    };
    script.opaque.is_none()
        && script.statements.len() == 1
        && script.state_changes().iter().all(|change| is_last && change.reason == Reason::WorkingDirectory)
        && script.commands.iter().all(is_plain)
        && (is_last || !script.commands.iter().any(|command| makes_hard_links(&statement.text, command)))
        && is_safe_in_run(statement)
}

/// Whether a command may give a file two names. Two layers later they would be two files, so that what changes one
/// would leave the other as it was (Docker docs: "OverlayFS", hard links are broken when a file is copied up).
fn makes_hard_links(text: &str, command: &Command) -> bool {
    let mut words = command.words.iter().map(|word| word.span.slice(text).trim_matches(['"', '\'']));
    let program = words.next().unwrap_or_default().rsplit('/').next().unwrap_or_default();
    let is_short = |word: &str, letter: char| word.starts_with('-') && !word.starts_with("--") && word.contains(letter);
    match program {
        "ln" => !words.any(|word| word == "--symbolic" || is_short(word, 's')),
        "cp" => words.any(|word| word == "--link" || is_short(word, 'l')),
        _ => false,
    }
}

/// Whether the builder hands the text to the shell as it is: one line, or lines that both continue by a
/// backslash; no here-document, which BuildKit would read as its own; no bracket that looks like JSON.
fn is_safe_in_run(statement: &Statement) -> bool {
    let text = &statement.text;
    let lines: Vec<_> = text.lines().collect();
    let continued = lines.iter().rev().skip(1).all(|line| line.ends_with('\\'));
    let is_comment = |line: &&str| line.trim_start().starts_with('#') || line.trim().is_empty();
    continued
        && !lines.iter().any(is_comment)
        && !text.contains("<<")
        && !text.starts_with(['[', '-'])
        && !text.ends_with('\\')
}

/// Several statements as one `RUN` that ends at the first failure, and what stands in front of it.
fn joined(statements: &[Statement], shell: Shell, mut prefix: RunPrefix) -> Vec<String> {
    let fits_on_lines = statements.iter().all(|statement| {
        statement.script.opaque.is_none()
            && !statement.text.contains(['\n', '#'])
            && !statement.text.contains("<<")
            && !statement.text.ends_with(['&', ';', '\\'])
    });
    if fits_on_lines {
        let lines: Vec<_> = statements.iter().map(|statement| statement.text.as_str()).collect();
        return prefix.around(format!("set -o errexit; \\\n    {}", lines.join("; \\\n    ")));
    }
    let texts = statements.iter().map(|statement| statement.text.clone());
    let body = std::mem::take(&mut prefix.commands).into_iter().chain(texts).collect::<Vec<_>>().join("\n");
    let words = match shell {
        Shell::Of(program) => vec![program, "-o", "pipefail", "-o", "errexit", "-c", &body],
        Shell::Any | Shell::Unknown => vec!["/bin/sh", "-o", "errexit", "-c", &body],
    };
    let strings: Vec<_> = words.into_iter().map(|word| serde_json::Value::from(word).to_string()).collect();
    prefix.around(format!("[{}]", strings.join(", ")))
}

fn find_layer(repository: &dyn Repository, statements: &[Statement], is_set: &dyn Fn(&str) -> bool) -> Layer {
    let last = statements.len().saturating_sub(1);
    for (at, statement) in statements.iter().enumerate().filter(|(_, statement)| !statement.only_enters) {
        if !stands_alone(statement, at == last) {
            return Layer::None;
        }
        let words = plain_words(statement).unwrap_or_default();
        let words: Vec<_> = words.iter().map(String::as_str).collect();
        match ecosystem::split(repository, &statement.folder, &words, is_set) {
            Split::Legal(layer) => return Layer::Split(at, layer),
            Split::NotLegal { reason, .. } => return Layer::Whole(reason),
            Split::NotAnInstall if is_harmless(repository, statement) => {}
            Split::NotAnInstall => return Layer::None,
        }
    }
    Layer::None
}

/// The words of a statement that is one plain command.
fn plain_words(statement: &Statement) -> Option<Vec<String>> {
    let [command] = statement.script.commands.as_slice() else {
        return None;
    };
    command.literal_words().filter(|_| is_bare(command))
}

/// Whether a command needs nothing of the project, neither sources nor manifests.
fn reads_nothing(repository: &dyn Repository, words: &[String]) -> bool {
    let words: Vec<_> = words.iter().map(String::as_str).collect();
    ecosystem::reads_no_settings(repository, &RepositoryPath::root(), &words)
}

/// Whether nothing stands around the words: a variable in front of them may make any program read a file.
fn is_bare(command: &Command) -> bool {
    command.assignments.is_empty() && command.redirections.is_empty()
}

/// Whether a statement before the install may stay before it: it reads no source and makes none.
fn is_harmless(repository: &dyn Repository, statement: &Statement) -> bool {
    statement.script.commands.iter().all(|command| {
        let Some(words) = command.literal_words().filter(|_| is_bare(command)) else {
            return false;
        };
        let words: Vec<_> = words.iter().map(String::as_str).collect();
        matches!(words.as_slice(), ["echo" | "date" | "whoami" | "pwd" | "uname" | "true", ..])
            || ecosystem::is_harmless(repository, &statement.folder, &words)
    })
}

#[cfg(test)]
mod tests {
    use super::{BuildScript, RunPrefixes, Shell, names_owner_change};
    use crate::docker::SecretMounts;
    use crate::gitlab::Pipeline;
    use crate::handoff::JobScript;
    use crate::outcome::Policy;
    use crate::source::MemoryRepository;
    use crate::text::RepositoryPath;

    fn script(items: &str, has_bash: Option<bool>) -> BuildScript {
        let text = format!("job:\n  script:\n{items}");
        let repository = MemoryRepository::new([
            (".gitlab-ci.yml", text.as_str()),
            ("package.json", "{}"),
            ("package-lock.json", "{}"),
        ]);
        let pipeline = Pipeline::read(&repository, &RepositoryPath::new(".gitlab-ci.yml").unwrap()).unwrap();
        let job = pipeline.job("job").unwrap();
        BuildScript::new(&repository, &Policy::default(), &JobScript::new(job), has_bash, &|_| false)
    }

    fn instructions(script: &BuildScript) -> (Vec<String>, Vec<String>) {
        let found = script.instructions("/src", &mut RunPrefixes::new(&[], SecretMounts::None));
        ([found.early, found.install].concat(), found.rest)
    }

    fn after(items: &str) -> Vec<String> {
        instructions(&script(items, Some(true))).1
    }

    #[test]
    fn statements_that_share_nothing_stand_alone() {
        assert_eq!(
            after("    - make all\n    - |\n      make docs\n      X=1 make check || true\n"),
            ["RUN make all", "RUN make docs", "RUN X=1 make check || true"]
        );
    }

    /// The instructions for a script in a repository with `web/package.json`, its lock file and `api/main.c`.
    fn in_folders(items: &str) -> Vec<String> {
        let text = format!("job:\n  script:\n{items}");
        let files = [("web/package.json", "{}"), ("web/package-lock.json", "{}"), ("api/main.c", "")];
        let repository = MemoryRepository::new([(".gitlab-ci.yml", text.as_str())].into_iter().chain(files));
        let pipeline = Pipeline::read(&repository, &RepositoryPath::new(".gitlab-ci.yml").unwrap()).unwrap();
        let script = JobScript::new(pipeline.job("job").unwrap());
        let script = BuildScript::new(&repository, &Policy::default(), &script, None, &|_| false);
        let found = script.instructions("/src", &mut RunPrefixes::new(&[], SecretMounts::None));
        let sources = vec![format!("COPY . {}", found.sources_at)];
        [found.early, found.install, sources, found.rest].concat()
    }

    #[test]
    fn a_folder_of_the_repository_is_where_the_next_statements_work() {
        let expected = ["WORKDIR /src/web", "RUN npm ci", "COPY . /src", "RUN npm run build"];
        for script in [
            "    - cd web\n    - npm ci\n    - npm run build\n",
            "    - cd web && npm ci && npm run build\n",
            "    - (cd web && npm ci && npm run build)\n",
            "    - cd $CI_PROJECT_DIR/web && npm ci\n    - npm run build\n",
            "    - |\n      cd \"./web/\"\n      npm ci\n      npm run build\n      cd ..\n",
        ] {
            assert_eq!(in_folders(script), expected, "{script}");
        }
        assert_eq!(
            in_folders("    - (cd api && cc main.c && ./a.out)\n    - ls\n"),
            ["COPY . .", "WORKDIR /src/api", "RUN cc main.c", "RUN ./a.out", "WORKDIR /src", "RUN ls"]
        );
        assert_eq!(
            in_folders("    - cd api\n    - export X=1\n    - make\n"),
            ["COPY . .", "WORKDIR /src/api", "RUN set -o errexit; \\\n    export X=1; \\\n    make"]
        );
    }

    #[test]
    fn a_cd_that_may_fail_or_be_taken_back_stays_in_the_script() {
        for line in ["cd dist", "cd ../web", "cd $FOLDER", "cd web/package.json", "cd"] {
            let found = in_folders(&format!("    - {line}\n    - make\n")).join("\n");
            assert!(!found.contains("WORKDIR"), "{line}: {found}");
        }
        for script in [
            "    - cd web\n    - make\n    - cd -\n    - make\n",
            "    - export CDPATH=api\n    - cd web\n    - make\n",
            "    - cd web || exit 1\n    - make\n",
            "    - (cd web && X=1 && make)\n",
            "    - (cd web && make) || true\n    - ls\n",
            "    - '! cd web'\n    - ls\n",
        ] {
            let found = in_folders(script).join("\n");
            assert!(!found.contains("WORKDIR"), "{script}: {found}");
        }
    }

    #[test]
    fn a_list_that_fails_in_the_middle_ends_no_script() {
        let found = in_folders("    - cd web && npm ci && npm run build\n    - ls dist\n");
        let run = "RUN set -o errexit; \\\n    npm ci && npm run build; \\\n    ls dist";
        assert_eq!(found, ["COPY . .", "WORKDIR /src/web", run]);
        let found = in_folders("    - (cd web && npm ci && npm run build)\n    - ls web/dist\n");
        assert_eq!(found.last().unwrap(), "RUN ls web/dist");
    }

    #[test]
    fn a_folder_or_a_variable_keeps_the_rest_together() {
        assert_eq!(
            after("    - make\n    - cd web\n    - npm ci\n    - cd ..\n"),
            ["RUN make", "RUN set -o errexit; \\\n    cd web; \\\n    npm ci; \\\n    cd .."]
        );
        assert_eq!(after("    - export X=1\n    - make\n"), ["RUN set -o errexit; \\\n    export X=1; \\\n    make"]);
    }

    #[test]
    fn what_runs_in_the_background_stays_with_the_rest() {
        let expected = r#"RUN ["/bin/sh", "-o", "errexit", "-c", "serve &\nmake"]"#;
        assert_eq!(after("    - serve &\n    - make\n"), [expected]);
    }

    #[test]
    fn a_failing_and_list_ends_no_script_unless_it_is_the_last() {
        assert_eq!(after("    - a && b\n"), ["RUN a && b"]);
        assert_eq!(after("    - a && b\n    - c\n"), ["RUN set -o errexit; \\\n    a && b; \\\n    c"]);
    }

    #[test]
    fn compound_commands_keep_the_script_as_it_is() {
        let run =
            after("    - |\n      if [ -f x ]; then\n        cat <<EOF\n      hi\n      EOF\n      fi\n    - make\n");
        assert_eq!(
            run,
            [r#"RUN ["/bin/sh", "-o", "errexit", "-c", "if [ -f x ]; then\n  cat <<EOF\nhi\nEOF\nfi\nmake"]"#]
        );
    }

    #[test]
    fn the_shell_of_the_runner_is_asked_for_where_it_matters() {
        assert_eq!(script("    - make\n", None).shell(), Shell::Any);
        assert_eq!(script("    - make | tee log\n", Some(true)).shell(), Shell::Of("/bin/bash"));
        assert_eq!(script("    - make | tee log\n", Some(false)).shell(), Shell::Of("/bin/sh"));
        assert_eq!(script("    - make | tee log\n", None).shell(), Shell::Unknown);
        assert_eq!(script("    - '[[ -f x ]]'\n", None).shell(), Shell::Unknown);
    }

    #[test]
    fn dependencies_get_a_layer_where_nothing_before_reads_the_sources() {
        let (before, rest) = instructions(&script("    - npm -v\n    - npm ci\n    - npm run build\n", None));
        assert_eq!(
            (before, rest),
            (vec!["RUN npm -v".to_owned(), "RUN npm ci".to_owned()], vec!["RUN npm run build".to_owned()])
        );
        let (before, _) = instructions(&script("    - npm install -g bower grunt-cli\n    - npm ci\n", None));
        assert_eq!(before, ["RUN npm install -g bower grunt-cli", "RUN npm ci"]);
        for reading in ["NODE_OPTIONS=-r./hook.js npm -v", "npm i -g a ./tool", "npm config set cafile ci/ca.pem"] {
            assert!(
                script(&format!("    - {reading}\n    - npm ci\n"), None).dependency_layer().is_none(),
                "{reading}"
            );
        }
        assert!(script("    - make prepare\n    - npm ci\n", None).dependency_layer().is_none());
        assert!(script("    - cd web\n    - npm ci\n", None).dependency_layer().is_none());
    }

    #[test]
    fn programs_that_change_owners_are_known() {
        assert!(names_owner_change("make && chown -R 1000 dist"));
        assert!(names_owner_change("cp -a a b"));
        assert!(!names_owner_change("make target"));
    }
}
