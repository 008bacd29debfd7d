//! The recipes that `make` runs, where a Makefile is written without conditions, patterns and functions (GNU make manual).

mod building;

use std::sync::Arc;

pub(super) use building::building;

use crate::docker::{Failure, Part, PartOrigin, Program, StepWord, place_in_repository};
use crate::source::{Repository, SourceFile};
use crate::text::{RepositoryPath, Span};

/// The names that make looks for (GNU make manual: "What Name to Give Your Makefile").
const NAMES: [&str; 3] = ["GNUmakefile", "makefile", "Makefile"];

/// Words at the beginning of a line after which it is not read here what the file says.
const DIRECTIVES: [&str; 16] = [
    "-include", "define", "else", "endef", "endif", "ifdef", "ifeq", "ifndef", "ifneq", "include", "load", "override",
    "sinclude", "undefine", "unexport", "vpath",
];

/// Targets and variables that change what a recipe is.
const SETTINGS: [&str; 9] = [
    ".DEFAULT",
    ".DEFAULT_GOAL",
    ".IGNORE",
    ".ONESHELL",
    ".SECONDEXPANSION",
    ".SHELLFLAGS",
    "GNUMAKEFLAGS",
    "MAKEFLAGS",
    "SHELL",
];

/// What `make` runs with these arguments in `folder`; `None` where it cannot be told.
pub(super) fn program(repository: &dyn Repository, folder: &RepositoryPath, arguments: &[StepWord]) -> Option<Program> {
    let call = Call::read(folder, arguments)?;
    let places = match &call.file {
        Some(file) => vec![place_in_repository(file, &call.folder)?],
        None => NAMES.iter().filter_map(|name| call.folder.join(name)).collect(),
    };
    let place = places.into_iter().find(|place| repository.tracked().contains_key(place))?;
    let source = repository.read(&place).ok()?;
    let makefile = Makefile::read(source.text())?;
    let mut run = Run {
        repository,
        folder: &call.folder,
        makefile: &makefile,
        source: &source,
        done: Vec::new(),
        recipes: 0,
        parts: Vec::new(),
    };
    run.parts.extend(makefile.asked.iter().map(|(span, text)| Part {
        origin: PartOrigin::File { source: Arc::clone(&source), span: *span },
        text: text.clone(),
        places: Vec::new(),
        failure: Failure::IsIgnored,
    }));
    for goal in makefile.goals(&call.goals)? {
        run.goal(goal)?;
    }
    // What comes behind a failure in another recipe is not known then.
    if call.keeps_going && run.recipes > 1 {
        return None;
    }
    let own = makefile.variables.iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
    let given = call.variables.iter().map(|(name, _)| name.clone());
    let changed = makefile.changed.iter().map(|name| (*name).to_owned()).chain(given).collect();
    let variables = own.chain(call.variables).collect();
    Some(Program { parts: run.parts, variables, changed, folder: call.folder })
}

/// The words behind `make`.
struct Call {
    /// Whether it goes on with other targets where one fails.
    keeps_going: bool,
    folder: RepositoryPath,
    file: Option<String>,
    goals: Vec<String>,
    variables: Vec<(String, Option<String>)>,
}

impl Call {
    fn read(folder: &RepositoryPath, arguments: &[StepWord]) -> Option<Self> {
        let mut call =
            Self { keeps_going: false, folder: folder.clone(), file: None, goals: Vec::new(), variables: Vec::new() };
        let mut words = arguments.iter();
        while let Some(word) = words.next() {
            let value = word.text().and_then(|text| text.split_once('=')).map(|(_, value)| value.to_owned());
            match word.text().unwrap_or(&word.raw) {
                "-C" | "--directory" => call.folder = place_in_repository(words.next()?.text()?, &call.folder)?,
                "-f" | "--file" | "--makefile" => call.file = Some(words.next()?.text()?.to_owned()),
                "-s" | "--silent" | "--no-print-directory" | "--quiet" => {}
                "-k" | "--keep-going" => call.keeps_going = true,
                text if text.starts_with('-') => return None,
                text => match text.split_once('=') {
                    Some((name, _)) if !name.contains('$') && !SETTINGS.contains(&name) => {
                        call.variables.push((name.to_owned(), value))
                    }
                    Some(_) => return None,
                    None => call.goals.push(word.text()?.to_owned()),
                },
            }
        }
        Some(call)
    }
}

/// The rules and variables of a Makefile.
#[derive(Default)]
struct Makefile<'a> {
    rules: Vec<Rule<'a>>,
    /// Variables with their values; `None` where these are not known.
    variables: Vec<(&'a str, Option<String>)>,
    /// Those that do not keep what the environment has for them; make hands their values on (GNU make manual:
    /// "Communicating Variables to a Sub-make").
    changed: Vec<&'a str>,
    /// The lines of those that a shell makes, each with the commands for that.
    asked: Vec<(Span, String)>,
}

struct Rule<'a> {
    targets: Vec<&'a str>,
    prerequisites: Vec<&'a str>,
    /// The lines of the recipe, without the tab in front, those that go on joined.
    recipe: Vec<Span>,
}

impl<'a> Makefile<'a> {
    /// Reads all of it; `None` where something in it may change what a rule does.
    fn read(text: &'a str) -> Option<Self> {
        let mut found = Self::default();
        let mut at = 0;
        while at < text.len() {
            let line = logical_line(text, at);
            let written = line.slice(text);
            at = line.end() + 1;
            match written.strip_prefix('\t') {
                Some(command) if command.trim().is_empty() => {}
                Some(_) => found.rules.last_mut()?.recipe.push(Span::new(line.start() + 1, line.end())),
                None => found.line(line, written)?,
            }
        }
        Some(found)
    }

    fn line(&mut self, span: Span, line: &'a str) -> Option<()> {
        let line = line.split('#').next().unwrap_or_default().trim();
        let first = line.split_whitespace().next().unwrap_or_default();
        if line.is_empty() {
            return Some(());
        }
        if DIRECTIVES.contains(&first) || line.contains('\\') {
            return None;
        }
        let assigned = line.strip_prefix("export ").unwrap_or(line);
        if assigned == "export" || first == "export" && !assigned.contains('=') {
            return Some(());
        }
        let colon = assigned.find(':').unwrap_or(assigned.len());
        let equals = assigned.find('=').unwrap_or(assigned.len());
        let is_assignment = equals < colon
            || assigned.get(colon..).is_some_and(|rest| rest.starts_with(":=") || rest.starts_with("::="));
        if is_assignment { self.assignment(span, assigned) } else { self.rule(line) }
    }

    fn assignment(&mut self, span: Span, line: &'a str) -> Option<()> {
        let (left, value) = line.split_once('=')?;
        let asked = as_shell_gets_it(value)?;
        if left.ends_with('!') {
            self.asked.push((span, asked));
        } else if asked.contains("$(") {
            self.asked.push((span, format!(": {asked}")));
        }
        let name = left.trim_end_matches([':', '?', '+', '!']).trim();
        if SETTINGS.contains(&name) || name.is_empty() || name.contains(char::is_whitespace) {
            return None;
        }
        if !left.ends_with('?') {
            self.changed.push(name);
        }
        // The environment wins over `?=`, and what it holds is not known.
        let is_plain = !left.ends_with(['?', '+', '!']) && !value.contains('$');
        let value = is_plain.then(|| value.trim().to_owned());
        match self.variables.iter_mut().find(|(other, _)| *other == name) {
            Some((_, known)) => *known = None,
            None => self.variables.push((name, value)),
        }
        Some(())
    }

    fn rule(&mut self, line: &'a str) -> Option<()> {
        let (targets, rest) = line.split_once(':')?;
        let is_plain = !rest.contains([':', ';', '=', '|']) && !line.contains(['%', '$', '*']);
        let targets: Vec<_> = targets.split_whitespace().collect();
        if !is_plain || targets.iter().any(|target| SETTINGS.contains(target)) {
            return None;
        }
        self.rules.push(Rule { targets, prerequisites: rest.split_whitespace().collect(), recipe: Vec::new() });
        Some(())
    }

    /// The goals that are made: those that are named, or the first target.
    fn goals<'b>(&'b self, named: &'b [String]) -> Option<Vec<&'b str>> {
        if !named.is_empty() {
            return Some(named.iter().map(String::as_str).collect());
        }
        let mut targets = self.rules.iter().flat_map(|rule| &rule.targets);
        targets.find(|target| !target.starts_with('.')).map(|target| vec![*target])
    }

    fn is_phony(&self, target: &str) -> bool {
        let mut phony = self.rules.iter().filter(|rule| rule.targets.contains(&".PHONY"));
        phony.any(|rule| rule.prerequisites.contains(&target))
    }
}

/// What a run of `make` comes to.
struct Run<'a> {
    repository: &'a dyn Repository,
    folder: &'a RepositoryPath,
    makefile: &'a Makefile<'a>,
    source: &'a Arc<SourceFile>,
    done: Vec<String>,
    /// How many recipes it runs.
    recipes: usize,
    parts: Vec<Part>,
}

impl Run<'_> {
    /// The recipes of a goal, those of its prerequisites first.
    fn goal(&mut self, goal: &str) -> Option<()> {
        if self.done.iter().any(|done| done == goal) {
            return Some(());
        }
        self.done.push(goal.to_owned());
        let makefile = self.makefile;
        let rules: Vec<_> = makefile.rules.iter().filter(|rule| rule.targets.contains(&goal)).collect();
        let is_there = self.folder.join(goal).is_some_and(|place| self.repository.tracks(&place));
        // A file that is there is made again or not, as its age tells.
        if is_there && !rules.is_empty() && !makefile.is_phony(goal) {
            return None;
        }
        if rules.is_empty() {
            return is_there.then_some(());
        }
        for prerequisite in rules.iter().flat_map(|rule| &rule.prerequisites) {
            self.goal(prerequisite)?;
        }
        let recipes: Vec<_> = rules.iter().filter(|rule| !rule.recipe.is_empty()).collect();
        if recipes.len() > 1 {
            return None;
        }
        self.recipes += recipes.len();
        for line in recipes.iter().flat_map(|rule| &rule.recipe) {
            let part = self.part(*line)?;
            self.parts.push(part);
        }
        Some(())
    }

    fn part(&self, line: Span) -> Option<Part> {
        let written = line.slice(self.source.text());
        let command = written.trim_start_matches(['@', '-', '+', ' ', '\t']);
        let prefix = written.get(..written.len() - command.len()).unwrap_or_default();
        // `make` calls a shell without `-e`.
        let failure = if prefix.contains('-') { Failure::IsIgnored } else { Failure::GoesOn };
        let span = Span::new(line.start() + prefix.len(), line.end());
        let origin = PartOrigin::File { source: Arc::clone(self.source), span };
        let (text, places) = with_places(command)?;
        Some(Part { origin, text, places, failure })
    }
}

/// The line at `start`, with those that it goes on in.
fn logical_line(text: &str, start: usize) -> Span {
    let mut end = start;
    loop {
        let rest = text.get(end..).unwrap_or_default();
        end += rest.find('\n').unwrap_or(rest.len());
        let goes_on = text.get(start..end).is_some_and(|line| line.ends_with('\\'));
        if !goes_on || end >= text.len() {
            return Span::new(start, end);
        }
        end += 1;
    }
}

/// A line of a recipe with the variables of make as those of the shell; `None` where it calls a function of make.
fn as_shell_gets_it(line: &str) -> Option<String> {
    with_places(line).map(|(text, _)| text)
}

/// The same, and where in the line each byte of it was written.
fn with_places(line: &str) -> Option<(String, Vec<usize>)> {
    let (mut text, mut places) = (String::new(), Vec::new());
    let mut push = |part: &str, at: Option<usize>| {
        text.push_str(part);
        // What stands for something else is all written in one place.
        let at = |offset: usize| at.map_or_else(|| line.len(), |at| at + offset);
        places.extend((0..part.len()).map(at));
    };
    let mut at = 0;
    while let Some((before, behind)) = line.get(at..)?.split_once('$') {
        push(before, Some(at));
        at += before.len() + 1;
        let first = behind.chars().next()?;
        let rest = behind.get(first.len_utf8()..)?;
        at += first.len_utf8();
        match first {
            '$' => push("$", Some(at - 1)),
            '(' | '{' => {
                let close = if first == '(' { ')' } else { '}' };
                if first == '(' && rest.starts_with("shell ") {
                    push("$(", None);
                    at += "shell ".len();
                    continue;
                }
                let (name, _) = rest.split_once(close)?;
                let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
                if name.is_empty() || !name.bytes().all(is_name) {
                    return None;
                }
                push(&format!("${{{name}}}"), Some(at - 2));
                at += name.len() + 1;
            }
            // An automatic variable, or one of a single letter, has a value that is not known here.
            _ => push("${_of_make}", None),
        }
    }
    push(line.get(at..)?, Some(at));
    Some((text, places))
}

#[cfg(test)]
mod tests {
    use super::{as_shell_gets_it, program, with_places};
    use crate::docker::ScriptWalk;
    use crate::source::MemoryRepository;
    use crate::text::RepositoryPath;

    fn run(makefile: &str, arguments: &[&str]) -> Option<Vec<String>> {
        let repository = MemoryRepository::new([("Makefile", makefile), ("lib/a.c", "")]);
        let line = format!("make {}", arguments.join(" "));
        let walk = ScriptWalk::new([Some(line.as_str())], &|_| None);
        let program = program(&repository, &RepositoryPath::root(), &walk.steps[0].words[1..])?;
        Some(program.parts.into_iter().map(|part| part.text).collect())
    }

    #[test]
    fn a_goal_runs_what_it_needs_first() {
        let text = "IMAGE := shop\n.PHONY: image login\nimage: login lib/a.c\n\t@docker build \\\n\t  -t $(IMAGE) .\n\tdocker push $(IMAGE)\n\nlogin:\n\t-docker login\n";
        let recipe = ["docker login", "docker build \\\n\t  -t ${IMAGE} .", "docker push ${IMAGE}"];
        assert_eq!(run(text, &["image"]).unwrap(), recipe);
        assert_eq!(run(text, &["-s", "IMAGE=x"]).unwrap(), recipe);
        assert_eq!(run(text, &["login"]).unwrap(), ["docker login"]);
    }

    #[test]
    fn what_may_change_a_recipe_is_not_read() {
        for text in [
            "include a.mk\nimage:\n\tdocker build .\n",
            "ifdef X\nimage:\n\tdocker build .\nendif\n",
            ".ONESHELL:\nimage:\n\tdocker build .\n",
            "image: X = 1\nimage:\n\tdocker build .\n",
            "image: gone\n\tdocker build .\n",
            "lib:\n\tmake\nimage: lib\n\tdocker build .\n",
            "image:\n\tdocker build $(patsubst a,b,c)\n",
            "SHELL := /bin/zsh\nimage:\n\tdocker build .\n",
        ] {
            assert_eq!(run(text, &["image"]), None, "{text}");
        }
        assert_eq!(run("image:\n\tdocker build .\n", &["-B", "image"]), None);
        assert_eq!(run("image: login\n\tdocker build .\nlogin:\n\tdocker login\n", &["-k", "image"]), None);
        assert_eq!(run("image:\n\tdocker build .\n", &["-k", "image"]).unwrap(), ["docker build ."]);
        assert_eq!(run("A := $(wildcard dist/*)\nimage:\n\tdocker build .\n", &["image"]), None);
    }

    #[test]
    fn what_a_variable_asks_a_shell_for_is_run_first() {
        let text = "A := v$(shell cat a)\nB != cat b\nC = x$(A)\nimage:\n\tdocker build .\n";
        assert_eq!(run(text, &[]).unwrap(), [":  v$(cat a)", " cat b", "docker build ."]);
    }

    #[test]
    fn variables_of_make_become_those_of_the_shell() {
        assert_eq!(
            as_shell_gets_it("a $(X) ${Y} $$Z $$(b) $(shell c) $@ $x").unwrap(),
            "a ${X} ${Y} $Z $(b) $(c) ${_of_make} ${_of_make}"
        );
        assert_eq!(as_shell_gets_it("a $(X:a=b)"), None);
    }

    #[test]
    fn what_is_written_into_the_text_has_its_place_in_the_line() {
        let line = "a $$b ${C} $@ $(shell d) e";
        let (text, places) = with_places(line).unwrap();
        for word in ["a ", "b ", "${C}", " e"] {
            let (here, there) = (text.find(word).unwrap(), line.find(word).unwrap());
            assert_eq!(places[here], there, "{word}");
        }
        assert_eq!(places[text.find("_of").unwrap()], line.len());
    }
}
