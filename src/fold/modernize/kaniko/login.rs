//! The login of a registry goes from kaniko's own folder to that of the user whom BuildKit runs as.

use super::words_of;
use crate::docker::{BuildCommand, Step, StepWord};
use crate::fold::modernize::{Edit, Subject};
use crate::handoff::JobScript;

/// The folder in which BuildKit's client looks for logins.
const FOLDER: &str = "~/.docker";

/// The edits that move it.
///
/// # Errors
/// The line that may need kaniko's image, or root, as the end of a sentence.
pub(super) fn moved(subject: &Subject<'_>, command: &BuildCommand) -> Result<Vec<Edit>, String> {
    let mut edits = Vec::new();
    let mut has_folder = false;
    for (at, step) in subject.script.walk.steps.iter().enumerate().filter(|(at, _)| *at != command.step) {
        let unknown = || {
            let line = subject.text(step.item).get(step.span.start()..step.span.end()).unwrap_or_default();
            let first = line.lines().next().unwrap_or_default();
            format!("the command '{first}' may need kaniko's image or its user")
        };
        match moved_step(step).ok_or_else(unknown)? {
            Moved::Nothing => {}
            Moved::Folder(word) => {
                has_folder |= at < command.step;
                edits.push(Edit::Text(step.item, word.span, FOLDER.to_owned()));
            }
            Moved::File(word) => {
                if !has_folder {
                    edits.push(Edit::Line(step.item, format!("mkdir -p {FOLDER}")));
                    has_folder = true;
                }
                edits.push(Edit::Text(step.item, word.span, format!("{FOLDER}/config.json")));
            }
        }
    }
    let scripts = || subject.script.items.iter().filter_map(|item| item.text.as_deref());
    // kaniko's image has programs that ask clouds for a login, and asks by itself where it has none.
    let is_written = scripts().any(|text| text.contains("auths") && text.contains("/kaniko/.docker/config.json"));
    if !command.has_option("--no-push") && !is_written || scripts().any(|text| text.contains("cred")) {
        return Err("the script does not write its login down in full".to_owned());
    }
    let own = |text: &str| text.matches("/kaniko").count();
    let named: usize = scripts().map(own).sum();
    let after = JobScript::of_keyword(subject.job, "after_script").walk;
    let is_harmless = |step: &Step| matches!(moved_step(step), Some(Moved::Nothing));
    if !after.opaque.is_empty() || !after.steps.iter().all(is_harmless) {
        return Err("its after_script may need kaniko's image or its user".to_owned());
    }
    let known = edits.iter().filter(|edit| {
        matches!(edit, Edit::Text(item, span, _) if {
            own(subject.text(*item).get(span.start()..span.end()).unwrap_or_default()) > 0
        })
    });
    let in_command = own(subject.text(command.item).get(command.span.start()..command.span.end()).unwrap_or_default());
    if named > known.count() + in_command {
        return Err("the script names kaniko's folder in other places".to_owned());
    }
    Ok(edits)
}

/// What a command has to do with logins.
enum Moved<'a> {
    /// It goes on as it is.
    Nothing,
    /// This word is the folder that it makes.
    Folder(&'a StepWord),
    /// This word is the file that it writes.
    File(&'a StepWord),
}

/// What becomes of a command; `None` where that is not known.
fn moved_step(step: &Step) -> Option<Moved<'_>> {
    if let Some(words) = words_of(step, "mkdir") {
        let [option, folder] = words else { return None };
        let is_folder = matches!(folder.text(), Some("/kaniko/.docker" | "/root/.docker"));
        return (option.text() == Some("-p") && is_folder && step.redirections.is_empty())
            .then_some(Moved::Folder(folder));
    }
    match step.program()? {
        "cd" => (step.folder.is_some() && step.redirections.is_empty()).then_some(Moved::Nothing),
        "base64" | "printf" | "cat" | "echo" | "tr" => match step.redirections.as_slice() {
            [] => Some(Moved::Nothing),
            [(file, true)] if file.text() == Some("/kaniko/.docker/config.json") => Some(Moved::File(file)),
            _ => None,
        },
        "date" | "export" | "pwd" | "set" | "true" => Some(Moved::Nothing),
        _ => None,
    }
}
