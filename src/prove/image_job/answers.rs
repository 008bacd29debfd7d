//! What a stand-in answers: containers of first images, and the files that are copied out of them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::{ImageJob, Progress};
use crate::docker::{PROJECT_FOLDER, StepWord};
use crate::handoff;
use crate::process::{Log, Trouble};
use crate::prove::archive::{Packer, for_each_below};
use crate::prove::call::{Call, to_project};
use crate::prove::engine::{Container, ContainerSpec};
use crate::prove::job_shell::OWN_FOLDER;

/// What a stand-in answers to one call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) status: i32,
    /// What it prints.
    pub(super) output: Vec<u8>,
    /// An archive of what the call lays into the job's folder.
    pub(super) files: Option<PathBuf>,
}

impl Answer {
    pub(super) fn of_output(output: impl Into<Vec<u8>>) -> Self {
        Self { output: output.into(), ..Self::default() }
    }
}

/// What came of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Made {
    Images,
    Nothing,
}

impl Call {
    /// The absolute place that a path names from where the call was made.
    pub(super) fn place(&self, path: &str) -> String {
        let joined = if path.starts_with('/') { path.to_owned() } else { format!("{}/{path}", self.folder) };
        let mut parts: Vec<&str> = Vec::new();
        for part in joined.split('/') {
            match part {
                "" | "." => {}
                ".." => drop(parts.pop()),
                part => parts.push(part),
            }
        }
        format!("/{}{}", parts.join("/"), if path.ends_with('/') { "/" } else { "" })
    }
}

/// A folder of the job that is mounted into a container, and where.
struct Mount {
    source: String,
    target: String,
}

impl ImageJob<'_> {
    /// Makes the container that a call asks for, and runs it where it does.
    pub(super) fn make_container(
        &self,
        asked: &handoff::Container,
        call: &Call,
        job: &Container,
        progress: &mut Progress,
        log: &Log,
    ) -> Result<Made, Trouble> {
        let engine = self.session.engine;
        let mounts = self.mounts(asked, call);
        if mounts.is_empty() && asked.options.iter().any(|(option, _)| option == "--privileged") {
            // It changes the machine (emulators of other processors, say) and hands nothing on.
            progress.answers.push(Answer::default());
            return Ok(Made::Nothing);
        }
        let mut spec = self.spec_of(asked, progress);
        // What works on the project, or in an image of the job, is a build; any other container may be a tool that deploys.
        let is_build = !mounts.is_empty() || spec.image.starts_with(&self.session.image_name());
        spec.has_network = self.session.has_network || is_build;
        self.session.fetch(&spec.image)?;
        let container = engine.create(spec)?;
        let number = progress.containers.len() + 1;
        let name = if asked.name.is_empty() { format!("stagefold-container-{number}") } else { asked.name.clone() };
        progress.containers.insert(name.clone(), container.clone());
        let (mut files, mut output) = (None, format!("{name}\n").into_bytes());
        let is_detached = asked.options.iter().any(|(option, _)| matches!(option.as_str(), "-d" | "--detach"));
        if asked.runs && !is_detached {
            mounts.iter().try_for_each(|mount| self.carry(job, &mount.source, &container, &mount.target))?;
            let printed = self.session.scratch.path("printed");
            let status = engine.start(&container, log, Some(&printed))?;
            output = fs::read(&printed).map_err(|error| Trouble::of_file(&printed, &error))?;
            if status != 0 {
                progress.answers.push(Answer { status, output, files: None });
                return Ok(Made::Nothing);
            }
            files = self.brought_back(&container, &mounts, progress.answers.len() + 1)?;
        }
        progress.answers.push(Answer { status: 0, output, files });
        Ok(Made::Nothing)
    }

    fn spec_of(&self, asked: &handoff::Container, progress: &mut Progress) -> ContainerSpec {
        let option = |names: &[&str]| {
            let given = asked.options.iter().rev().find(|(name, _)| names.contains(&name.as_str()));
            given.and_then(|(_, value)| value.clone())
        };
        let environment = asked.options.iter().filter(|(name, _)| matches!(name.as_str(), "-e" | "--env"));
        let pair = |text: &str| match text.split_once('=') {
            Some((name, value)) => Some((name.to_owned(), value.to_owned())),
            None => Some((text.to_owned(), self.environment.get(text)?.to_owned())),
        };
        let built = progress.images.iter_mut().rev().find(|built| built.is_called(&asked.image));
        let image = built.map_or_else(
            || asked.image.clone(),
            |built| {
                built.is_used = true;
                built.image.clone()
            },
        );
        let entrypoint = option(&["--entrypoint"]);
        ContainerSpec {
            image,
            entrypoint: entrypoint.map(|word| if word.is_empty() { Vec::new() } else { vec![word] }),
            command: asked.arguments.iter().filter_map(StepWord::text).map(str::to_owned).collect(),
            user: option(&["--user", "-u"]),
            folder: option(&["--workdir", "-w"]),
            environment: environment.filter_map(|(_, value)| pair(value.as_deref()?)).collect(),
            has_network: false,
        }
    }

    /// The folders of the job that are mounted; others, such as the engine's socket, are not there.
    fn mounts(&self, asked: &handoff::Container, call: &Call) -> Vec<Mount> {
        let project = self.session.facts.folder();
        let mount = |(option, value): &(String, Option<String>)| {
            let value = to_project(value.as_deref()?, PROJECT_FOLDER, &project);
            let (source, target) = match option.as_str() {
                "-v" | "--volume" => {
                    let (source, rest) = value.split_once(':')?;
                    (source.to_owned(), rest.split(':').next()?.to_owned())
                }
                "--mount" => {
                    let field = |names: [&str; 2]| {
                        let fields = value.split(',').filter_map(|field| field.split_once('='));
                        fields.filter(|(name, _)| names.contains(name)).map(|(_, value)| value.to_owned()).next()
                    };
                    (field(["source", "src"])?, field(["target", "dst"])?)
                }
                _ => return None,
            };
            // A name without a slash is a volume of the engine.
            let source = if source.contains('/') || source.starts_with('.') { call.place(&source) } else { source };
            Path::new(&source).starts_with(&project).then_some(Mount { source, target })
        };
        asked.options.iter().filter_map(mount).collect()
    }

    /// Copies a folder of one container to another place in another one.
    fn carry(&self, from: &Container, source: &str, to: &Container, target: &str) -> Result<(), Trouble> {
        let taken = self.session.scratch.path("mounted.tar");
        let moved = self.session.scratch.path("mounting.tar");
        if self.session.engine.copy_out(from, source, &taken)? {
            let mut packer = Packer::create(&moved)?;
            lay(&mut packer, &taken, Path::new(target.trim_start_matches('/')))?;
            packer.finish()?;
            self.session.engine.copy_in(to, &moved)?;
            self.session.scratch.discard(&moved);
        }
        self.session.scratch.discard(&taken);
        Ok(())
    }

    /// What the container left in the folders that were mounted, as files of the answer of this number.
    fn brought_back(&self, container: &Container, mounts: &[Mount], number: usize) -> Result<Option<PathBuf>, Trouble> {
        let mut laid = Vec::new();
        for mount in mounts {
            let taken = self.session.scratch.path("left.tar");
            if self.session.engine.copy_out(container, &mount.target, &taken)? {
                laid.push((taken, mount.source.clone()));
            }
        }
        self.files_of_answer(&laid, number).map(|files| (!laid.is_empty()).then_some(files))
    }

    /// Copies files out of a container to a place of the job, or packed to what the call prints, as `docker cp` does.
    pub(super) fn copy_out(
        &self,
        (from, path, follows): (&str, &str, bool),
        to: &str,
        job: &Container,
        progress: &mut Progress,
    ) -> Result<Made, Trouble> {
        let Some(container) = progress.containers.get(from) else {
            return Err(Trouble::Failed(format!(
                "job '{}' copies out of {from}, which it has not made",
                self.job.name
            )));
        };
        let bare = path.trim_end_matches("/.").trim_end_matches('/');
        let (taken, there) = (self.session.scratch.path("copied.tar"), self.session.scratch.path("there.tar"));
        let mut place = if bare.is_empty() { "/".to_owned() } else { bare.to_owned() };
        let mut is_there = self.session.engine.copy_out(container, &place, &taken)?;
        for _ in 0..MOST_LINKS {
            let Some(target) = link_at(&taken)?.filter(|_| follows && is_there) else { break };
            let above = place.rsplit_once('/').map_or("", |(above, _)| above).to_owned();
            place = Call { folder: above, ..Call::default() }.place(&target);
            is_there = self.session.engine.copy_out(container, &place, &taken)?;
        }
        if !is_there {
            progress.answers.push(Answer { status: 1, ..Answer::default() });
            return Ok(Made::Nothing);
        }
        if to == "-" {
            let archive = fs::read(&taken).map_err(|error| Trouble::of_file(&taken, &error))?;
            progress.answers.push(Answer::of_output(archive));
            return Ok(Made::Nothing);
        }
        let is_there = self.session.engine.copy_out(job, to.trim_end_matches('/'), &there)? && is_folder(&there)?;
        let is_contents = path.ends_with("/.");
        let name = bare.rsplit('/').next().unwrap_or_default();
        let place = match is_there && !(is_contents && is_folder(&taken)?) {
            true => format!("{}/{name}", to.trim_end_matches('/')),
            false => to.trim_end_matches('/').to_owned(),
        };
        self.session.scratch.discard(&there);
        let files = self.files_of_answer(&[(taken, place)], progress.answers.len() + 1)?;
        progress.answers.push(Answer { files: Some(files), ..Answer::default() });
        Ok(Made::Nothing)
    }

    /// The archive that lays each of these where the stand-in copies from, and discards them.
    fn files_of_answer(&self, laid: &[(PathBuf, String)], number: usize) -> Result<PathBuf, Trouble> {
        let path = self.session.scratch.path("answer.tar");
        let folder = format!("{}/answers/{number}/files", OWN_FOLDER.trim_start_matches('/'));
        let mut packer = Packer::create(&path)?;
        for (taken, place) in laid {
            lay(&mut packer, taken, &Path::new(&folder).join(place.trim_start_matches('/')))?;
            self.session.scratch.discard(taken);
        }
        packer.finish()?;
        Ok(path)
    }
}

/// Lays the one file or folder of an archive at another place.
fn lay(packer: &mut Packer, archive: &Path, place: &Path) -> Result<(), Trouble> {
    for_each_below(archive, &mut |entry, below| packer.entry(entry, place, below))
}

/// How many links one behind the other are followed.
const MOST_LINKS: usize = 8;

/// Where the one entry at the top of an archive leads to, where it is a link.
fn link_at(archive: &Path) -> Result<Option<String>, Trouble> {
    let mut target = None;
    for_each_below(archive, &mut |entry, below| {
        if below.as_os_str().is_empty() && entry.header().entry_type().is_symlink() {
            target = entry.link_name().ok().flatten().map(|target| target.to_string_lossy().into_owned());
        }
        Ok(())
    })?;
    Ok(target)
}

/// Whether the one entry at the top of an archive is a folder.
fn is_folder(archive: &Path) -> Result<bool, Trouble> {
    let mut kinds = BTreeMap::new();
    for_each_below(archive, &mut |entry, below| {
        kinds.insert(below.to_owned(), entry.header().entry_type().is_dir());
        Ok(())
    })?;
    Ok(kinds.get(Path::new("")).copied().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use crate::prove::call::Call;

    #[test]
    fn a_path_is_named_from_where_the_call_was_made() {
        let call = Call { folder: "/builds/g/p/sub".to_owned(), ..Call::default() };
        assert_eq!(call.place("dist"), "/builds/g/p/sub/dist");
        assert_eq!(call.place("../dist/"), "/builds/g/p/dist/");
        assert_eq!(call.place("/tmp/./x"), "/tmp/x");
    }
}
