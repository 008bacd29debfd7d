use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::address::{Address, AddressError, is_clear};
use super::list::{Entry, Exported, read_list};
use super::{CloneBy, Origin, SourceError};
use crate::campaign::git::without_password;
use crate::campaign::project::{Place, Project};
use crate::repo::PIPELINE;
use crate::text::RepositoryPath;

/// How many faults of one list are told one by one. A file that is no list at all has one in each line.
const MOST_FAULTS: usize = 20;

/// The longest words of the user's that a message repeats, in characters.
const MOST_REPEATED: usize = 200;

/// All that the user has named, before anything is looked for.
pub(super) struct Gathered {
    clone_by: CloneBy,
    /// What lies on this machine, and where it was named.
    pub(super) paths: Vec<(PathBuf, Origin)>,
    /// What does not.
    pub(super) remotes: Vec<Project>,
    /// Other names of some remotes, each with the name that they have here.
    pub(super) aliases: Vec<(String, String)>,
    /// Names that are left out, and why.
    pub(super) left_out: Vec<(String, &'static str)>,
    pub(super) errors: Vec<SourceError>,
}

impl Gathered {
    pub(super) const fn new(clone_by: CloneBy) -> Self {
        Self {
            clone_by,
            paths: Vec::new(),
            remotes: Vec::new(),
            aliases: Vec::new(),
            left_out: Vec::new(),
            errors: Vec::new(),
        }
    }

    /// Takes a path or an address as the user wrote it.
    pub(super) fn add_word(&mut self, word: &str, origin: Origin) {
        let is_file = || Path::new(word).symlink_metadata().is_ok();
        match Address::read(word) {
            Some(Err(AddressError::Control)) if origin == Origin::Words => self.paths.push((word.into(), origin)),
            Some(address) if is_clear(word) || !is_file() => match address {
                Ok(Address { text, name }) => self.remotes.push(remote(name, text, None)),
                Err(error) => self.fail(origin, format!("{}: {error}", shown(word))),
            },
            _ => self.paths.push((word.into(), origin)),
        }
    }

    /// Takes what the file `list` names; `-` is `input`.
    pub(super) fn add_list(&mut self, list: &Path, input: &mut dyn Read) {
        let mut file;
        let reader: &mut dyn Read = if list == Path::new("-") {
            input
        } else {
            match File::open(list) {
                Ok(opened) => file = opened,
                Err(error) => return self.fail(Origin::List(list.into()), error.to_string()),
            }
            &mut file
        };
        let name: Arc<Path> = list.into();
        let before = self.errors.len();
        let mut more = 0;
        let end = read_list(reader, &mut |entry| {
            self.add_entry(&name, entry);
            if self.errors.len() > before + MOST_FAULTS {
                self.errors.pop();
                more += 1;
            }
        });
        if more > 0 {
            self.fail(Origin::List(list.into()), format!("{more} more entries are faulty"));
        }
        if let Err(message) = end {
            self.fail(Origin::List(list.into()), message);
        }
    }

    fn add_entry(&mut self, list: &Arc<Path>, entry: Entry) {
        match entry {
            Entry::Word(line, word) => self.add_word(&word, Origin::Line(Arc::clone(list), line)),
            Entry::Bad(line, what) => self.fail(Origin::Line(Arc::clone(list), line), what.to_owned()),
            Entry::Project(number, project) => {
                if let Err(message) = self.add_project(*project) {
                    self.fail(Origin::Item(Arc::clone(list), number), message);
                }
            }
        }
    }

    /// Takes a project of GitLab, or leaves it out where there is nothing to change.
    fn add_project(&mut self, project: Exported) -> Result<(), String> {
        let [ssh, http] = [project.ssh_url_to_repo, project.http_url_to_repo].map(read_address);
        let (ssh, http) = (ssh?, http?);
        let Some(web) = http.as_ref().or(ssh.as_ref()) else {
            return Err("it has neither ssh_url_to_repo nor http_url_to_repo, so it is no project of GitLab".to_owned());
        };
        let name = web.name.clone();
        let path = project.path_with_namespace.unwrap_or_default();
        if !path.is_empty() && !is_path_of(&path, &name) {
            return Err(format!("its path_with_namespace {} is not that of its address", shown(&path)));
        }
        let is_off = project.jobs_enabled == Some(false) || project.builds_access_level.as_deref() == Some("disabled");
        let reasons = [
            (project.archived == Some(true), "it is archived"),
            (project.empty_repo == Some(true), "its repository is empty"),
            (is_off, "CI/CD is switched off in it"),
        ];
        if let Some((_, reason)) = reasons.into_iter().find(|(is_so, _)| *is_so) {
            self.left_out.push((name, reason));
            return Ok(());
        }
        let branch = project.default_branch.filter(|branch| !branch.is_empty());
        if let Some(branch) = branch.as_deref().filter(|branch| !is_branch(branch)) {
            return Err(format!("its default_branch {} is no name of a branch", shown(branch)));
        }
        let aliases = ssh.iter().map(|ssh| &ssh.name).filter(|alias| **alias != name);
        self.aliases.extend(aliases.map(|alias| (alias.clone(), name.clone())));
        let chosen = if self.clone_by == CloneBy::Ssh { ssh.or(http) } else { http.or(ssh) };
        self.remotes.extend(chosen.map(|address| remote(name, address.text, branch)));
        Ok(())
    }

    pub(super) fn fail(&mut self, origin: Origin, message: String) {
        self.errors.push(SourceError { origin, message });
    }
}

fn remote(name: String, address: String, branch: Option<String>) -> Project {
    let pipelines = vec![RepositoryPath::new(PIPELINE).unwrap_or_default()];
    Project { name, place: Place::Remote(address), pipelines, branch }
}

fn read_address(text: Option<String>) -> Result<Option<Address>, String> {
    let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(None) };
    let unread = || format!("its address {} is none", shown(&text));
    let address = Address::read(&text).ok_or_else(unread)?;
    address.map(Some).map_err(|error| format!("its address {}: {error}", shown(&text)))
}

/// Whether the project of this name has this path on its host, perhaps below a folder that all of GitLab lies in.
fn is_path_of(path: &str, name: &str) -> bool {
    name.strip_suffix(path).is_some_and(|host| host.ends_with('/'))
}

/// Whether git takes it for the name of a branch (`git check-ref-format`).
fn is_branch(text: &str) -> bool {
    let is_odd = |character: char| character.is_control() || " ~^:?*[\\".contains(character);
    let is_part = |part: &str| !part.is_empty() && !part.starts_with('.') && !part.ends_with(".lock");
    !text.starts_with('-')
        && !text.ends_with('.')
        && text != "@"
        && !text.contains(is_odd)
        && !text.contains("..")
        && !text.contains("@{")
        && text.split('/').all(is_part)
}

/// Words of the user's as a message repeats them: short, without secrets and what would steer a terminal.
fn shown(words: &str) -> String {
    let words = without_password(words);
    let short: String = words.chars().take(MOST_REPEATED).collect();
    let dots = if short.len() < words.len() { "…" } else { "" };
    format!("'{}{dots}'", short.escape_debug())
}
