//! What an image job runs out of the repository's own files, one level deep: a shell script, or recipes of a Makefile that
//! build an image. Whatever else the job runs stays a program of which nothing is known.

use super::makefile;
use super::unclear::speaks_of_a_build;
use crate::docker::{
    BuildProblem, Builder, Failure, Part, PartOrigin, Program, ScriptWalk, Step, StepWord, is_described_build,
    place_in_repository,
};
use crate::source::{FileKind, Repository};
use crate::syntax::shell::{Command, Script};
use crate::text::{RepositoryPath, Span};

/// Variables whose value make takes for options (GNU make manual: "Communicating Options to a Sub-make").
pub(super) const MAKE_FLAGS: [&str; 2] = ["GNUMAKEFLAGS", "MAKEFLAGS"];

/// The commands that a step runs, where they build an image and can be read.
pub(super) fn program(repository: &dyn Repository, step: &Step) -> Option<Program> {
    let folder = step.folder.as_ref()?;
    let (name, arguments) = step.words.split_first()?;
    let name = name.text()?;
    let program = match name.rsplit('/').next()? {
        // Flags from the environment may let it go on behind a failure.
        "make" | "gmake" if step.environment.iter().any(|(name, _)| MAKE_FLAGS.contains(&name.as_str())) => {
            return None;
        }
        "make" | "gmake" => makefile::program(repository, folder, arguments)?,
        "ash" | "bash" | "dash" | "sh" if !name.contains('/') || name.starts_with("/bin/") => {
            let flags: Vec<_> =
                arguments.iter().map_while(StepWord::text).take_while(|word| word.starts_with('-')).collect();
            let is_plain = |flag: &&str| flag.trim_start_matches('-').bytes().all(|it| b"ceux".contains(&it));
            let rest = arguments.get(flags.len()..)?;
            let ends = flags.iter().any(|flag| is_flag_to_end(flag));
            let is_text = flags.iter().any(|flag| flag.contains('c'));
            match (flags.iter().all(is_plain), rest) {
                (true, [word]) if is_text => text_of_word(step, folder, word, ends)?,
                (true, [path, ..]) if !is_text => shell_script(repository, folder, path.text()?, Some(ends))?,
                _ => return None,
            }
        }
        _ if name.contains('/') => shell_script(repository, folder, name, None)?,
        _ => return None,
    };
    program.parts.iter().any(|part| speaks_of_a_build(&part.text)).then_some(program)
}

/// Builds that a step runs out of the repository's own files, in a way that is not followed.
pub(super) fn unfollowed(repository: &dyn Repository, walk: &ScriptWalk) -> Vec<BuildProblem> {
    let problem = |step: &Step| {
        let file = within(step).iter().chain([step]).find_map(|step| built_by(repository, step))?;
        let what = format!("stands in {file}, and what runs it there is not followed");
        Some(BuildProblem { item: step.item, span: step.span, what })
    };
    walk.steps.iter().filter(|step| !step.is_followed).filter_map(problem).collect()
}

/// The commands that another one runs, as `env A=b make` and `sh -c "make"` do.
fn within(step: &Step) -> Vec<Step> {
    let is_of_prefix = |word: &&StepWord| {
        word.raw.starts_with(['-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9']) || word.raw.contains('=')
    };
    match step.program().and_then(|program| program.rsplit('/').next()) {
        Some("env" | "ionice" | "nice" | "stdbuf" | "timeout" | "xargs") => {
            let words = step.words.iter().skip(1).skip_while(is_of_prefix).cloned().collect();
            vec![Step { words, ..step.clone() }]
        }
        Some("ash" | "bash" | "dash" | "eval" | "sh") => {
            let texts = step.words.iter().skip(1).filter(|word| !word.raw.starts_with('-'));
            let walks = texts.filter_map(StepWord::text).map(|text| ScriptWalk::new([Some(text)], &|_| None));
            let folder = |inner: &Step| if inner.folder.as_ref()?.is_root() { step.folder.clone() } else { None };
            walks.flat_map(|walk| walk.steps).map(|inner| Step { folder: folder(&inner), ..inner }).collect()
        }
        _ => Vec::new(),
    }
}

/// The file of the repository that a step runs and that builds an image then, as far as its text tells.
fn built_by(repository: &dyn Repository, step: &Step) -> Option<RepositoryPath> {
    let folder = step.folder.as_ref()?;
    let (name, arguments) = step.words.split_first()?;
    let path = match name.text()?.rsplit('/').next()? {
        "make" | "gmake" => return makefile::building(repository, folder, arguments),
        "." | "ash" | "bash" | "dash" | "sh" | "source" => {
            arguments.iter().find(|word| !word.raw.starts_with('-'))?.text()?
        }
        _ => name.text().filter(|name| name.contains('/'))?,
    };
    let place = place_in_repository(path, folder)?;
    repository.tracked().get(&place).filter(|kind| matches!(kind, FileKind::Regular | FileKind::Executable))?;
    let source = repository.read(&place).ok()?;
    builds(source.text()).then_some(place)
}

/// Whether a script builds an image.
pub(super) fn builds(text: &str) -> bool {
    if !speaks_of_a_build(text) {
        return false;
    }
    let walk = ScriptWalk::new([Some(text)], &|_| None);
    let is_build = |step: &Step| Builder::of(step).is_some() || is_described_build(step);
    !walk.opaque.is_empty() || walk.steps.iter().any(is_build)
}

/// The text behind `sh -c`, where it is one that nothing expands or that is known in full.
fn text_of_word(step: &Step, folder: &RepositoryPath, word: &StepWord, ends: bool) -> Option<Program> {
    let text = word.text()?.to_owned();
    let quote = word.raw.get(..1).filter(|quote| ["\"", "'"].contains(quote)).unwrap_or_default();
    let span = Span::new(word.span.start() + quote.len(), word.span.end().checked_sub(quote.len())?);
    let is_exact = word.raw.strip_prefix(quote).and_then(|raw| raw.strip_suffix(quote)) == Some(text.as_str());
    let failure = if ends { Failure::Ends } else { Failure::GoesOn };
    let is_read = !may_stop_early(&text) && span.start() <= span.end();
    let origin = PartOrigin::Word { item: step.item, span, is_exact };
    let part = Part { origin, text, places: Vec::new(), failure };
    is_read.then(|| Program { folder: folder.clone(), parts: vec![part], variables: Vec::new(), changed: Vec::new() })
}

/// A script of the repository; `ends` tells whether the shell that is called ends at a failure. Where the file itself is
/// executed, its first line says so.
fn shell_script(
    repository: &dyn Repository,
    folder: &RepositoryPath,
    path: &str,
    ends: Option<bool>,
) -> Option<Program> {
    let place = place_in_repository(path, folder)?;
    let kind = repository.tracked().get(&place)?;
    let source = repository.read(&place).ok().filter(|_| matches!(kind, FileKind::Regular | FileKind::Executable))?;
    let text = source.text().to_owned();
    let first = text.lines().next().unwrap_or_default();
    let is_of_shell = |line: &str| {
        let mut words = line.split_whitespace().flat_map(|word| word.rsplit('/').next());
        words.any(|word| matches!(word, "ash" | "bash" | "dash" | "sh"))
    };
    let interpreter = first.strip_prefix("#!");
    let by_itself = || interpreter.is_some_and(|line| line.split_whitespace().skip(1).any(is_flag_to_end));
    let ends = ends.unwrap_or_else(by_itself);
    let is_read = interpreter.is_none_or(is_of_shell) && !may_stop_early(&text);
    let failure = if ends { Failure::Ends } else { Failure::GoesOn };
    let origin = PartOrigin::File { span: Span::new(0, text.len()), source };
    let part = Part { origin, text, places: Vec::new(), failure };
    is_read.then(|| Program { folder: folder.clone(), parts: vec![part], variables: Vec::new(), changed: Vec::new() })
}

/// Whether a word is a flag such as `-e` or `-eux`.
fn is_flag_to_end(word: &str) -> bool {
    word.starts_with('-') && !word.starts_with("--") && word.contains('e')
}

/// Whether a script may end before its last command without a failure: then the build may not be reached.
fn may_stop_early(text: &str) -> bool {
    let script = Script::parse(text);
    let fails = |command: &Command| {
        let status = command.words.get(1).and_then(|word| word.literal());
        status.is_some_and(|status| status.parse::<u8>().is_ok_and(|status| status != 0))
    };
    let ends = |command: &Command| matches!(command.name().as_deref(), Some("exit" | "exec" | "return"));
    let last = script.commands.last().map(|command| command.span);
    script.commands.iter().any(|command| ends(command) && !fails(command) && Some(command.span) != last)
}
