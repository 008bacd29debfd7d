//! Tar archives: of a project as GitLab Runner lays it out, of what jobs hand on, and of small files of our own.
//!
//! Files of the project belong to root and may be written by everybody: the runner clones and unpacks with the umask 0000
//! (GitLab Runner: `gitlab-runner-build`), and so are the folders that it makes for what it unpacks.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Component, Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use tar::{Archive, Builder, EntryType, Header};

use crate::process::Trouble;

/// The modes that a clone of the runner has.
const FOLDER_MODE: u32 = 0o777;
const FILE_MODE: u32 = 0o666;
const PROGRAM_MODE: u32 = 0o777;

/// An archive that is being written.
pub(super) struct Packer {
    path: PathBuf,
    builder: Builder<BufWriter<File>>,
    /// The folders that it holds already.
    folders: BTreeSet<PathBuf>,
    /// Those of them that nothing but their contents asked for.
    made: Vec<PathBuf>,
}

impl Packer {
    pub(super) fn create(path: &Path) -> Result<Self, Trouble> {
        let file = File::create(path).map_err(|error| Trouble::of_file(path, &error))?;
        let mut builder = Builder::new(BufWriter::new(file));
        builder.follow_symlinks(false);
        Ok(Self { path: path.to_owned(), builder, folders: BTreeSet::new(), made: Vec::new() })
    }

    /// Adds all that lies in a folder of this machine, as a clone of the runner, at `place`, but for what has one of these names
    /// at its top. All files have the time `time`, in seconds since 1970: two clones that are made one after the other must not
    /// differ by it.
    pub(super) fn clone_of(&mut self, folder: &Path, place: &str, without: &[&str], time: u64) -> Result<(), Trouble> {
        self.parents_of(&Path::new(place).join("_"))?;
        let mut open = vec![(folder.to_owned(), PathBuf::from(place))];
        let top = folder;
        while let Some((folder, place)) = open.pop() {
            let unreadable = |error: io::Error| Trouble::of_file(&folder, &error);
            let mut names: Vec<_> = fs::read_dir(&folder)
                .and_then(|entries| entries.map(|entry| Ok(entry?.file_name())).collect::<io::Result<Vec<_>>>())
                .map_err(unreadable)?;
            names.sort();
            names.retain(|name| folder != top || !without.iter().any(|without| name == without));
            for name in names {
                let (own, place) = (folder.join(&name), place.join(&name));
                let metadata = fs::symlink_metadata(&own).map_err(unreadable)?;
                if metadata.is_dir() {
                    self.folder(&place, FOLDER_MODE, time)?;
                    open.push((own, place));
                } else {
                    self.cloned_file(&own, &place, &metadata, time)?;
                }
            }
        }
        Ok(())
    }

    fn cloned_file(&mut self, own: &Path, place: &Path, metadata: &fs::Metadata, time: u64) -> Result<(), Trouble> {
        let unreadable = |error: io::Error| Trouble::of_file(own, &error);
        let mut header = header_of_root();
        header.set_mtime(time);
        if metadata.is_symlink() {
            header.set_entry_type(EntryType::Symlink);
            header.set_size(0);
            header.set_mode(0o777);
            let target = fs::read_link(own).map_err(unreadable)?;
            return self.builder.append_link(&mut header, place, target).map_err(unreadable);
        }
        if !metadata.is_file() {
            return Ok(());
        }
        let is_program = metadata.permissions().mode() & 0o100 != 0;
        header.set_mode(if is_program { PROGRAM_MODE } else { FILE_MODE });
        header.set_size(metadata.len());
        let file = File::open(own).map_err(unreadable)?;
        self.builder.append_data(&mut header, place, BufReader::new(file).take(metadata.len())).map_err(unreadable)
    }

    /// Adds a small file of our own.
    pub(super) fn text(&mut self, place: &str, mode: u32, text: &[u8]) -> Result<(), Trouble> {
        self.parents_of(Path::new(place))?;
        self.text_in_its_folder(place, mode, text)
    }

    /// The same, where the folders above it are those of the container and stay as they are.
    pub(super) fn text_in_its_folder(&mut self, place: &str, mode: u32, text: &[u8]) -> Result<(), Trouble> {
        let mut header = header_of_root();
        header.set_mtime(now());
        header.set_mode(mode);
        header.set_size(text.len() as u64);
        self.builder.append_data(&mut header, place, text).map_err(|error| Trouble::of_file(&self.path, &error))
    }

    /// Adds an entry of another archive as it is, at `below` under a new place; a hard link names its file there, too.
    pub(super) fn entry(&mut self, entry: &mut Entry<'_>, place: &Path, below: &Path) -> Result<(), Trouble> {
        let linked = entry.header().entry_type().is_hard_link().then(|| entry.link_name().ok().flatten()).flatten();
        let link = linked.map(|link| place.join(below_first(&link)));
        let place = &if below.as_os_str().is_empty() { place.to_owned() } else { place.join(below) };
        self.parents_of(place)?;
        let mut header = entry.header().clone();
        let broken = |error: io::Error| Trouble::Error(format!("an archive of the engine cannot be read: {error}"));
        if header.entry_type().is_dir() {
            self.folders.insert(place.to_owned());
        }
        // A long target stands in an entry of its own, which the header does not hold.
        let target = match (link, header.entry_type().is_symlink()) {
            (Some(link), _) => Some(link),
            (None, true) => entry.link_name().map_err(broken)?.map(Cow::into_owned),
            (None, false) => None,
        };
        match target {
            Some(target) => {
                header.set_size(0);
                self.builder.append_link(&mut header, place, target).map_err(broken)
            }
            None => self.builder.append_data(&mut header, place, entry).map_err(broken),
        }
    }

    /// Adds the folders above a place that are not there yet, as the runner makes them.
    pub(super) fn parents_of(&mut self, place: &Path) -> Result<(), Trouble> {
        let above: Vec<_> = place.ancestors().skip(1).filter(|path| path.components().next().is_some()).collect();
        for folder in above.into_iter().rev() {
            if !self.folders.contains(folder) {
                self.folder(folder, FOLDER_MODE, 0)?;
                self.made.push(folder.to_owned());
            }
        }
        Ok(())
    }

    fn folder(&mut self, place: &Path, mode: u32, time: u64) -> Result<(), Trouble> {
        let mut header = header_of_root();
        header.set_entry_type(EntryType::Directory);
        header.set_mode(mode);
        header.set_size(0);
        header.set_mtime(time);
        self.folders.insert(place.to_owned());
        let added = self.builder.append_data(&mut header, place, io::empty());
        added.map_err(|error| Trouble::of_file(&self.path, &error))
    }

    /// The folders that nothing but their contents asked for: the runner makes them when it unpacks what they hold.
    pub(super) fn made(&self) -> &[PathBuf] {
        &self.made
    }

    pub(super) fn finish(self) -> Result<(), Trouble> {
        let written = self.builder.into_inner().and_then(|mut file| file.flush());
        written.map_err(|error| Trouble::of_file(&self.path, &error))
    }
}

/// This moment, in seconds since 1970.
pub(super) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// The beginning of an entry that belongs to root and has no time.
fn header_of_root() -> Header {
    let mut header = Header::new_gnu();
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header
}

/// An entry of an archive that is being read.
pub(super) type Entry<'a> = tar::Entry<'a, BufReader<File>>;

/// Calls `each` with every entry of an archive and its path below the one folder that it holds; the folder itself is the
/// empty path.
pub(super) fn for_each_below(
    archive: &Path,
    each: &mut dyn FnMut(&mut Entry<'_>, &Path) -> Result<(), Trouble>,
) -> Result<(), Trouble> {
    let broken = |error: io::Error| Trouble::of_file(archive, &error);
    let file = File::open(archive).map_err(broken)?;
    for entry in Archive::new(BufReader::new(file)).entries().map_err(broken)? {
        let mut entry = entry.map_err(broken)?;
        let path = entry.path().map_err(broken)?.into_owned();
        each(&mut entry, &below_first(&path))?;
    }
    Ok(())
}

/// All bytes of an entry of `archive`.
pub(super) fn whole(entry: &mut Entry<'_>, archive: &Path) -> Result<Vec<u8>, Trouble> {
    let mut bytes = Vec::new();
    entry.read_to_end(&mut bytes).map_err(|error| Trouble::of_file(archive, &error))?;
    Ok(bytes)
}

/// The folders that hold entries of an archive and are none themselves, so that they are those of what it is unpacked over.
pub(super) fn folders_of_others(archive: &Path) -> Result<BTreeSet<String>, Trouble> {
    let broken = |error: io::Error| Trouble::of_file(archive, &error);
    let (mut own, mut above) = (BTreeSet::new(), BTreeSet::new());
    let mut opened = Archive::new(BufReader::new(File::open(archive).map_err(broken)?));
    for entry in opened.entries().map_err(broken)? {
        let entry = entry.map_err(broken)?;
        let path: PathBuf = entry.path().map_err(broken)?.components().collect();
        above.extend(path.ancestors().skip(1).map(Path::to_path_buf));
        if entry.header().entry_type().is_dir() {
            own.insert(path);
        }
    }
    let others = above.difference(&own).filter(|folder| !folder.as_os_str().is_empty());
    Ok(others.map(|folder| folder.to_string_lossy().into_owned()).collect())
}

/// A path without its first name.
fn below_first(path: &Path) -> PathBuf {
    path.components().filter(|part| matches!(part, Component::Normal(_))).skip(1).collect()
}

/// Unpacks an archive into a new folder of this machine, with its modes and as our own.
pub(super) fn unpack(archive: &Path, folder: &Path) -> Result<(), Trouble> {
    let broken = |error: io::Error| Trouble::of_file(archive, &error);
    let mut opened = Archive::new(BufReader::new(File::open(archive).map_err(broken)?));
    opened.set_preserve_permissions(true);
    opened.set_preserve_ownerships(false);
    opened.set_preserve_mtime(true);
    opened.unpack(folder).map_err(broken)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::{Packer, folders_of_others, for_each_below, unpack};

    #[test]
    fn folders_that_an_archive_does_not_make_are_those_of_others() {
        let folder = tempfile::tempdir().unwrap();
        let archive = folder.path().join("a.tar");
        let mut packer = Packer::create(&archive).unwrap();
        packer.text("own/script", 0o644, b"x").unwrap();
        packer.text_in_its_folder("usr/local/bin/docker", 0o755, b"x").unwrap();
        packer.finish().unwrap();
        let others: Vec<_> = folders_of_others(&archive).unwrap().into_iter().collect();
        assert_eq!(others, ["usr", "usr/local", "usr/local/bin"]);
    }

    #[test]
    fn a_clone_may_be_written_by_everybody_and_keeps_its_links() {
        let folder = tempfile::tempdir().unwrap();
        let (own, archive, out) = (folder.path().join("own"), folder.path().join("a.tar"), folder.path().join("out"));
        fs::create_dir_all(own.join("src")).unwrap();
        fs::write(own.join("src/run.sh"), "x").unwrap();
        fs::set_permissions(own.join("src/run.sh"), fs::Permissions::from_mode(0o700)).unwrap();
        fs::create_dir(own.join(".git")).unwrap();
        fs::write(own.join("plain"), "y").unwrap();
        symlink("src/run.sh", own.join("link")).unwrap();
        let mut packer = Packer::create(&archive).unwrap();
        packer.clone_of(&own, "builds/project", &[".git"], 7).unwrap();

        packer.text("builds/project.tmp/KEY", 0o666, b"k").unwrap();
        packer.finish().unwrap();
        let mut seen = Vec::new();
        for_each_below(&archive, &mut |entry, below| {
            seen.push(format!("{:o} {}", entry.header().mode().unwrap(), below.display()));
            Ok(())
        })
        .unwrap();
        seen.sort();
        let expected = [
            "666 project.tmp/KEY",
            "666 project/plain",
            "777 ",
            "777 project",
            "777 project.tmp",
            "777 project/link",
            "777 project/src",
            "777 project/src/run.sh",
        ];
        assert_eq!(seen, expected);
        unpack(&archive, &out).unwrap();
        let mode = |path: &str| fs::symlink_metadata(out.join(path)).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode("builds/project/src/run.sh"), 0o777);
        assert_eq!(mode("builds/project/plain"), 0o666);
        assert_eq!(fs::read_link(out.join("builds/project/link")).unwrap(), std::path::Path::new("src/run.sh"));
    }
}
