mod folders;
mod loops;
mod programs;
mod subshells;

use std::collections::{BTreeMap, HashMap, HashSet};

use subshells::Subshells;

use super::followed::{Part, Program};
use super::functions::{Called, called_once};
use super::step::{Step, StepWord};
use super::turns::{Turn, turns_to};
use crate::syntax::shell::{Assignment, Command, Nesting, Place, RedirectionKind, Script, Word};
use crate::text::{RepositoryPath, Span};

/// What stands for the project's folder while a script is walked; no real path is written so.
pub const PROJECT_FOLDER: &str = "/builds/./project";

/// The commands of a job's script in their order, each with the folder it runs in and its words expanded.
///
/// A job's items are one program: what one of them assigns or where it goes holds for the next. The commands of a
/// function that is called once stand where that is.
#[derive(Clone, Debug, Default)]
pub struct ScriptWalk {
    /// The commands, those in conditions, loops and functions included.
    pub steps: Vec<Step>,
    /// The items that cannot be read, with what the parser says.
    pub opaque: Vec<(usize, String)>,
    /// Texts of other files that it runs. Their items come behind those of the script.
    pub parts: Vec<Part>,
    /// Variables to which programs of other files give values of their own.
    pub changed: Vec<String>,
    /// Variables that the script sets, and those of the job, for files that say what is built; `None` for one whose value
    /// changes on the way or is not known.
    pub variables: BTreeMap<String, Option<String>>,
}

/// What a command runs out of another file of the repository, where its own commands can be followed.
pub(super) type Follow<'a> = &'a dyn Fn(&Step) -> Option<Program>;

impl ScriptWalk {
    /// Walks the items of a script; `None` stands for one without a command. `lookup` knows the variables
    /// that are set before it begins; [`PROJECT_FOLDER`] stands for the project's folder.
    #[must_use]
    pub fn new<'a>(items: impl IntoIterator<Item = Option<&'a str>>, lookup: &dyn Fn(&str) -> Option<String>) -> Self {
        Self::following(items, lookup, &|_| None)
    }

    /// As [`ScriptWalk::new`], with the commands of the programs that `follow` finds.
    #[must_use]
    pub fn following<'a>(
        items: impl IntoIterator<Item = Option<&'a str>>,
        lookup: &dyn Fn(&str) -> Option<String>,
        follow: Follow<'_>,
    ) -> Self {
        let items: Vec<_> = items.into_iter().collect();
        let scripts = items.iter().enumerate().filter_map(|(index, text)| Some((index, Script::parse((*text)?))));
        let scripts: Vec<_> = scripts.collect();
        let called = called_once(&scripts);
        let mut walker = Walker {
            walk: Self::default(),
            lookup,
            follow: Some((follow, items.len())),
            assigned: HashMap::new(),
            exported: HashSet::new(),
            folder: Some(RepositoryPath::root()),
            left: None,
            pushed: Vec::new(),
            subshell: None,
            own_folder: None,
            scripts: &scripts,
            called: &called,
        };
        for (index, script) in &scripts {
            walker.item(*index, script, &Caller::default());
        }
        walker.note_variables();
        walker.walk
    }
}

/// The place that a path of a script names from `folder`: within the repository, or `None` outside of it.
#[must_use]
pub fn place_in_repository(path: &str, folder: &RepositoryPath) -> Option<RepositoryPath> {
    if let Some(below) = path.strip_prefix(PROJECT_FOLDER) {
        return RepositoryPath::new(below);
    }
    if path.starts_with(['/', '~']) { None } else { folder.join(path) }
}

struct Walker<'a> {
    walk: ScriptWalk,
    lookup: &'a dyn Fn(&str) -> Option<String>,
    /// Finds what a command runs out of another file, and the number of the first item that this becomes.
    follow: Option<(Follow<'a>, usize)>,
    /// Variables that the script sets; `None` where the value is not known.
    assigned: HashMap<String, Option<String>>,
    /// Those of them that its programs get to see.
    exported: HashSet<String>,
    folder: Option<RepositoryPath>,
    /// The folder before that, and those that `pushd` left.
    left: Option<RepositoryPath>,
    pushed: Vec<Option<RepositoryPath>>,
    /// The innermost subshell of the item.
    subshell: Option<Span>,
    /// The folder of the file that is run, as long as a path from where it began is one from here.
    own_folder: Option<RepositoryPath>,
    /// The items that hold commands.
    scripts: &'a [(usize, Script)],
    /// The functions whose commands run where they are called.
    called: &'a [Called],
}

/// From where the commands of a function run.
#[derive(Default)]
struct Caller {
    /// What stands around the call.
    nesting: Vec<Nesting>,
    turns: Vec<Turn>,
    /// Where it stands.
    place: Option<(usize, Span)>,
    /// How many of the nestings in the definition are not those of the call.
    skipped: usize,
}

impl<'a> Walker<'a> {
    fn item(&mut self, index: usize, script: &Script, caller: &Caller) {
        if let Some(opaque) = &script.opaque {
            self.walk.opaque.push((index, opaque.message.to_owned()));
            return;
        }
        let is_moved = |command: &&Command| {
            let mut definitions = self.called.iter().map(|called| called.defined);
            definitions.any(|(item, span)| item == index && span.covers(command.span))
        };
        let commands: Vec<_> = script.commands.iter().filter(|command| !is_moved(command)).collect();
        self.commands(index, script, &commands, caller);
    }

    fn commands(&mut self, index: usize, script: &Script, commands: &[&Command], caller: &Caller) {
        let is_confined = |command: &Command| command.place.within_subshell().is_confined();
        let goes = |command: &Command| is_confined(command) && command.change_directory().is_some();
        let is_confined_folder_lost = script.commands.iter().any(goes);
        let mut entered: Vec<Span> = Vec::new();
        let mut subshells = Subshells::default();
        for command in commands {
            self.follow_subshells(script, Some(command), &mut subshells);
            self.enter_loops(script, command, &mut entered);
            if let Some(defined) = self.defined(index, command) {
                self.step(index, script, command, caller, true);
                self.call((index, script), command, defined, caller);
                continue;
            }
            let before = self.folder.clone();
            let is_lost = is_confined_folder_lost && is_confined(command);
            if is_lost {
                // A part of a pipeline or a substitution of this item goes somewhere, and where its commands run is not followed.
                self.folder = None;
            }
            self.step(index, script, command, caller, false);
            if is_lost {
                self.folder = before;
            }
        }
        self.follow_subshells(script, None, &mut subshells);
    }

    /// The definition of the function that a command calls.
    fn defined(&self, index: usize, command: &Command) -> Option<(usize, Span)> {
        self.called.iter().find(|called| called.called == (index, command.span)).map(|called| called.defined)
    }

    /// Walks the function that a command calls.
    fn call(
        &mut self,
        (index, script): (usize, &Script),
        command: &Command,
        (item, span): (usize, Span),
        caller: &Caller,
    ) {
        let own = command.place.nesting.iter();
        let caller = Caller {
            nesting: caller.nesting.iter().chain(own).cloned().collect(),
            turns: caller.turns.iter().cloned().chain(turns_to(index, script, command)).collect(),
            place: caller.place.or(Some((index, command.span))),
            skipped: 1,
        };
        let scripts = self.scripts;
        for (_, script) in scripts.iter().filter(|(other, _)| *other == item) {
            let own: Vec<_> = script.commands.iter().filter(|command| span.covers(command.span)).collect();
            self.commands(item, script, &own, &caller);
        }
    }

    fn step(&mut self, item: usize, script: &Script, command: &Command, caller: &Caller, is_followed: bool) {
        let text = script.text();
        let own = command.place.nesting.iter().skip(caller.skipped);
        let place = Place { nesting: caller.nesting.iter().chain(own).cloned().collect() };
        let statement = script.statements.get(command.statement).map_or(command.span, |statement| statement.span);
        let words = self.words(text, &command.words);
        let program = words.first().and_then(StepWord::text).map(str::to_owned);
        let redirections = command.redirections.iter().filter_map(|redirection| {
            let writes = match redirection.kind {
                RedirectionKind::Read => false,
                RedirectionKind::Write
                | RedirectionKind::Append
                | RedirectionKind::ReadWrite
                | RedirectionKind::Both => true,
                RedirectionKind::Duplicate | RedirectionKind::HereString | RedirectionKind::Heredoc => return None,
            };
            Some((self.word(text, redirection.target.as_ref()?), writes))
        });
        let redirections = redirections.collect();
        let environment = command.assignments.iter().map(|assignment| self.assignment(text, assignment)).collect();
        let step = Step {
            item,
            span: command.span,
            statement,
            words,
            redirections,
            environment,
            folder: self.folder.clone(),
            subshell: self.subshell,
            turns: caller.turns.iter().cloned().chain(turns_to(item, script, command)).collect(),
            place,
            outer: caller.nesting.len(),
            caller: caller.place,
            is_followed,
        };
        self.note_assignments(&step, &program);
        self.note_folder(text, command, &step.place.within_subshell());
        if !step.words.is_empty() || !step.redirections.is_empty() {
            let followed = self.followed(&step);
            self.walk.steps.push(Step { is_followed: is_followed || followed.is_some(), ..step.clone() });
            followed.into_iter().for_each(|program| self.program(program, &step));
        }
    }

    /// The words behind those that run the rest of the line as it is.
    fn words(&self, text: &str, words: &[Word]) -> Vec<StepWord> {
        let mut all: Vec<_> = words.iter().map(|word| self.word(text, word)).collect();
        // A variable in the place of the program may hold its first options as well, or nothing.
        while let Some(fields) = all.first().and_then(|word| word.fields.clone()).filter(|fields| fields.len() != 1) {
            let variable = all.remove(0);
            all.splice(0..0, fields.iter().map(|field| StepWord::of_field(field, variable.span)));
        }
        let prefixes = ["sudo", "time", "command", "exec", "nohup"];
        // `command -v` runs nothing: it tells where a program is (POSIX shell and utilities: `command`).
        let asks = |at: usize| {
            let next = all.get(at + 1).and_then(StepWord::text);
            all.get(at).and_then(StepWord::text) == Some("command") && matches!(next, Some("-v" | "-V"))
        };
        let is_prefix = |word: &StepWord| word.text().is_some_and(|text| prefixes.contains(&text));
        let prefixed = all.iter().enumerate().take_while(|(at, word)| is_prefix(word) && !asks(*at));
        let skipped = prefixed.count();
        all.into_iter().skip(skipped).collect()
    }

    fn word(&self, text: &str, word: &Word) -> StepWord {
        let lookup = |name: &str| self.value(name);
        let is_known = word.variables().iter().all(|name| self.value(name).is_some());
        let fields = if is_known { word.fields(&lookup) } else { None };
        let pattern = match fields.as_deref() {
            Some([field]) => Some(field.clone()),
            _ => word.pattern(),
        };
        let is_one_field = !word.splits || word.pieces.iter().all(|piece| piece.quoted) || word.literal().is_some();
        StepWord { span: word.span, raw: word.raw(text).to_owned(), fields, pattern, is_one_field }
    }

    fn value(&self, name: &str) -> Option<String> {
        match self.assigned.get(name) {
            Some(value) => value.clone(),
            None if name == "PWD" => self.working_folder(),
            None => (self.lookup)(name),
        }
    }

    fn assignment(&self, text: &str, assignment: &Assignment) -> (String, Option<String>) {
        let value = assignment.value.as_ref().filter(|_| !assignment.appends);
        let is_known = |word: &&Word| word.variables().iter().all(|name| self.value(name).is_some());
        let value = value.filter(is_known).and_then(|word| word.expand(&|name| self.value(name)));
        (assignment.name.clone(), value.or_else(|| self.folder_asked_for(assignment.value.as_ref()?.raw(text))))
    }

    /// Remembers what the shell itself sets; in a condition or a loop the value is no longer known.
    fn note_assignments(&mut self, step: &Step, program: &Option<String>) {
        let declares = program.as_deref().is_some_and(|name| {
            matches!(name, "export" | "readonly" | "declare" | "typeset" | "local" | "read" | "unset" | "getopts")
        });
        let mut set: Vec<(String, Option<String>)> = Vec::new();
        if step.words.is_empty() {
            set.extend(step.environment.clone());
        } else if declares {
            for word in step.words.iter().skip(1) {
                let (name, value) = match word.raw.split_once('=') {
                    Some((name, _)) => {
                        let value =
                            word.text().and_then(|text| text.split_once('=')).map(|(_, value)| value.to_owned());
                        let asked = word.raw.split_once('=').and_then(|(_, value)| self.folder_asked_for(value));
                        let value = value.or(asked);
                        (name.to_owned(), value)
                    }
                    None if program.as_deref() == Some("export") => {
                        self.exported.insert(word.raw.clone());
                        continue;
                    }
                    None => (word.raw.clone(), None),
                };
                set.push((name, value));
            }
        }
        let place = step.place.within_subshell();
        let is_certain = place.runs_once() && !place.is_confined();
        if program.as_deref() == Some("export") {
            self.exported.extend(set.iter().map(|(name, _)| name.clone()));
        }
        for (name, value) in set {
            self.assigned.insert(name, value.filter(|_| is_certain));
        }
    }

    /// What it has set may have had another value at any step.
    fn note_variables(&mut self) {
        let names = self.assigned.keys().chain(&self.exported);
        self.walk.variables.extend(names.map(|name| (name.clone(), None)));
    }
}

#[cfg(test)]
mod tests {
    use super::{PROJECT_FOLDER, ScriptWalk};

    fn walk(items: &[&str]) -> ScriptWalk {
        ScriptWalk::new(items.iter().map(|item| Some(*item)), &|name| match name {
            "CI_PROJECT_DIR" => Some(PROJECT_FOLDER.to_owned()),
            "NAME" => Some("web".to_owned()),
            _ => None,
        })
    }

    fn folders(items: &[&str]) -> Vec<Option<String>> {
        walk(items).steps.iter().map(|step| step.folder.as_ref().map(ToString::to_string)).collect()
    }

    #[test]
    fn the_folder_holds_from_item_to_item() {
        let known = |text: &str| Some(text.to_owned());
        assert_eq!(folders(&["cd app", "make", "cd ..", "ls"]), [known("."), known("app"), known("app"), known(".")]);
        assert_eq!(folders(&["cd $CI_PROJECT_DIR/app && make"]), [known("."), known("app")]);
        assert_eq!(folders(&["cd /tmp", "make", "cd $CI_PROJECT_DIR", "ls"]), [known("."), None, None, known(".")]);
        assert_eq!(folders(&["cd $WHERE", "make"]), [known("."), None]);
        assert_eq!(folders(&["cd app", "cd $PWD/web", "make"]).last(), Some(&known("app/web")));
    }

    #[test]
    fn a_subshell_keeps_its_folder_to_itself() {
        assert_eq!(folders(&["(cd app && true)", "ls"]).last(), Some(&Some(".".to_owned())));
        let known = |text: &str| Some(text.to_owned());
        assert_eq!(folders(&["(cd app && make)", "ls"]), [known("."), known("app"), known(".")]);
        assert_eq!(folders(&["(cd a; (cd b; make); ls); ls"])[2..], [known("a/b"), known("a"), known(".")]);
        assert_eq!(folders(&["(cd app && make) | tee log; ls"])[1..], [known("app"), known("."), known(".")]);
        assert_eq!(folders(&["for a in b; do (cd app; make); ls; done"])[1..], [known("app"), known(".")]);
        assert_eq!(folders(&["f() { (cd app; make); ls; }; f"])[2..], [known("app"), known(".")]);
    }

    #[test]
    fn what_a_subshell_sets_ends_with_it() {
        let walk = walk(&["X=a; (X=b; echo $X); echo $X"]);
        let texts: Vec<_> = walk.steps.iter().filter_map(|step| step.words.get(1)).map(|word| word.text()).collect();
        assert_eq!(texts, [Some("b"), Some("a")]);
    }

    #[test]
    fn a_shell_goes_back_to_where_it_was() {
        let known = |text: &str| Some(text.to_owned());
        assert_eq!(folders(&["pushd app", "make", "popd", "ls"])[1..], [known("app"), known("app"), known(".")]);
        assert_eq!(folders(&["cd app/web", "cd ..", "cd -", "ls"])[3..], [known("app/web")]);
        assert_eq!(
            folders(&["pushd app", "pushd web", "popd", "ls", "popd", "ls"])[3..],
            [known("app"), known("app"), known(".")]
        );
        assert_eq!(folders(&["popd", "ls"])[1..], [None]);
        assert_eq!(folders(&["test -d a && pushd a || true", "popd", "ls"])[3..], [known("a"), known(".")]);
    }

    #[test]
    fn a_variable_may_hold_a_program_and_its_options() {
        let walk = walk(&["B='docker build --pull'; $B -t a ."]);
        let words: Vec<_> = walk.steps.iter().flat_map(|step| &step.words).filter_map(|word| word.text()).collect();
        assert_eq!(words, ["docker", "build", "--pull", "-t", "a", "."]);
    }

    #[test]
    fn where_a_part_of_a_pipeline_goes_is_not_known() {
        assert_eq!(folders(&["cd app | make", "ls"]), [None, None, Some(".".to_owned())]);
        assert_eq!(folders(&["(make)"]), [Some(".".to_owned())]);
    }

    #[test]
    fn assignments_are_followed_and_forgotten_where_they_may_not_happen() {
        let walk = walk(&["X=$NAME", "echo $X", "if true; then X=b; fi", "echo $X"]);
        let texts: Vec<_> = walk.steps.iter().filter_map(|step| step.words.get(1)).map(|word| word.text()).collect();
        assert_eq!(texts, [Some("web"), None]);
    }
}
