//! Where the commands of a script go.

use super::programs::below_own_folder;
use super::{PROJECT_FOLDER, Walker, place_in_repository};
use crate::syntax::shell::{Command, Destination, Place, Word};
use crate::text::RepositoryPath;

impl Walker<'_> {
    /// The folder in which the next command runs.
    pub(super) fn working_folder(&self) -> Option<String> {
        let folder = self.folder.as_ref()?;
        Some(if folder.is_root() { PROJECT_FOLDER.to_owned() } else { format!("{PROJECT_FOLDER}/{folder}") })
    }

    /// The value of `$(pwd)`, where a word is nothing else.
    pub(super) fn folder_asked_for(&self, raw: &str) -> Option<String> {
        let bare = raw.trim_matches('"');
        if matches!(bare, "$(pwd)" | "`pwd`") { self.working_folder() } else { None }
    }

    /// Notes where a command goes that has this place in the innermost subshell.
    pub(super) fn note_folder(&mut self, text: &str, command: &Command, place: &Place) {
        let Some(destination) = command.change_directory() else {
            return;
        };
        if place.is_confined() {
            return;
        }
        let folder = self.own_folder.take();
        let beside = match destination {
            Destination::Folder(word) => folder.and_then(|folder| below_own_folder(word.raw(text), &folder)),
            _ => None,
        };
        let target = match destination {
            Destination::Folder(word) if place.runs_once() => self.word("", word).fields,
            _ => None,
        };
        if !place.runs_once() {
            self.pushed.clear();
        }
        let earlier = self.earlier(command, &destination).filter(|_| place.runs_once());
        let next = match (target.as_deref(), &self.folder) {
            _ if earlier.is_some() => earlier,
            (Some([path]), Some(folder)) => place_in_repository(path, folder),
            (Some([path]), None) => path.strip_prefix(PROJECT_FOLDER).and_then(RepositoryPath::new),
            _ => beside.filter(|_| place.runs_once()),
        };
        self.left = std::mem::replace(&mut self.folder, next).filter(|_| place.runs_once());
    }

    /// The folder that `popd` and `cd -` go back to. `pushd` notes the one that it leaves.
    fn earlier(&mut self, command: &Command, destination: &Destination<'_>) -> Option<RepositoryPath> {
        let words = command.effective_words();
        let is_stack = |name: &str| words.first().and_then(Word::literal).as_deref() == Some(name);
        let is_back = words.last().and_then(Word::literal).as_deref() == Some("-");
        match destination {
            Destination::Folder(_) if is_stack("pushd") => self.pushed.push(self.folder.clone()),
            Destination::Earlier if is_stack("popd") => {
                return self.pushed.pop().flatten().filter(|_| words.len() == 1);
            }
            Destination::Earlier if is_stack("cd") && is_back => return self.left.clone(),
            Destination::Earlier => self.pushed.clear(),
            _ => {}
        }
        None
    }
}
