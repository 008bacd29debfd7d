//! What an image job runs out of the repository's own files, one level deep: a shell script, or recipes of a Makefile that
//! build an image. Whatever else the job runs stays a program of which nothing is known.

use super::makefile;
use super::unclear::speaks_of_a_build;
use crate::docker::{Failure, Part, Program, Step, StepWord, place_in_repository};
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
            let path = arguments.get(flags.len())?.text()?;
            let is_plain = |flag: &&str| flag.trim_start_matches('-').bytes().all(|it| b"eux".contains(&it));
            let ends = flags.iter().any(|flag| is_flag_to_end(flag));
            flags.iter().all(is_plain).then(|| shell_script(repository, folder, path, Some(ends)))??
        }
        _ if name.contains('/') => shell_script(repository, folder, name, None)?,
        _ => return None,
    };
    program.parts.iter().any(|part| speaks_of_a_build(&part.text)).then_some(program)
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
    let part = Part { span: Span::new(0, text.len()), source, text, failure };
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
