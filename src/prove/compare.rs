//! Two images, entry by entry and key by key.
//!
//! ```text
//! tar -> tree (headers and hashes) ->|
//!                                    |-> aspects -> weights, with a look at the bytes where they differ -> Comparison
//! tar -> tree                      ->|
//! ```
//!
//! Compared are the files (type, mode, owner, target of a link, numbers of a device, bytes, extended attributes) and the run
//! configuration. When files were changed, how many layers there are and what built them is no part of what an image does.

mod again;
mod archive;
mod aspects;
mod configuration;
mod content;
mod edited;
mod engine;
mod lines;
mod noise;
mod runner;
mod time;
mod tree;

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, BufReader, ErrorKind, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use tar::EntryType;

use self::again::Again;
use self::content::{Look, Versions};
pub(super) use self::edited::EditedFile;
use self::tree::{Content, Naming, Node, Tree};
use super::difference::{Aspect, Change, Comparison, Detail, Difference, Reason, Subject, Weight};

/// Differences that have a detail at most. Nobody reads more, and images that have nothing in common would fill the memory.
const MOST_DETAILS: usize = 1000;

/// The size of the blocks that a tar file ends with, in bytes.
const BLOCK: u64 = 512;

/// An image as an engine hands it out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ExportedImage {
    /// A tar file, not compressed: the flattened file system, as `docker export` or `tar -C MOUNT -cf -` writes it.
    pub files: PathBuf,
    /// The object `Config` of what `inspect` says of the image: `Env`, `Cmd`, `User` and so on.
    pub configuration: serde_json::Value,
}

/// What is known of two images that may excuse in what they differ.
#[derive(Clone, Copy)]
pub(super) struct Allowances<'a> {
    /// A second build of the old way, which shows what is not reproducible by itself.
    pub again: Option<&'a ExportedImage>,
    /// The files of the repository that the fold has edited.
    pub edited: &'a [EditedFile],
    /// The folders that the runner made in the old way where it unpacked artifacts or caches, by their last name.
    pub runner_made: &'a BTreeSet<String>,
}

impl Default for Allowances<'_> {
    fn default() -> Self {
        static NONE: BTreeSet<String> = BTreeSet::new();
        Self { again: None, edited: &[], runner_made: &NONE }
    }
}

/// Compares two images.
///
/// What the engine lays into every container (`/.dockerenv`, an empty `/etc/hosts`, the folder `/proc`) is no part of the image, and
/// is not counted.
///
/// # Errors
/// A tar file cannot be read or is not whole; the error names it.
pub(super) fn compare(
    before: &ExportedImage,
    after: &ExportedImage,
    allowances: Allowances<'_>,
) -> io::Result<Comparison> {
    let Allowances { again, edited, runner_made } = allowances;
    let configuration = configuration::differences(
        &before.configuration,
        &after.configuration,
        again.map(|again| &again.configuration),
    );
    let images = Images {
        before: Image::read(&before.files)?,
        after: Image::read(&after.files)?,
        again: again.map(|again| Image::read(&again.files)).transpose()?,
        edited,
        runner_made,
        details: Cell::new(MOST_DETAILS),
    };
    let mut comparison = Comparison {
        entries_before: images.before.tree.len(),
        entries_after: images.after.tree.len(),
        differences: configuration,
    };
    let names: BTreeSet<_> = images.before.tree.keys().chain(images.after.tree.keys()).collect();
    for name in names {
        comparison.differences.extend(images.entry(name)?);
    }
    Ok(comparison)
}

/// How many bytes the files of an image have. Names of the same file count once.
///
/// # Errors
/// The tar file cannot be read or is not whole; the error names it.
pub(super) fn size_of_files(image: &ExportedImage) -> io::Result<u64> {
    let size = || {
        let file = File::open(&image.files)?;
        let length = file.metadata()?.len();
        let (mut size, mut end) = (0_u64, 0_u64);
        for entry in tar::Archive::new(BufReader::new(file)).entries_with_seek()? {
            let entry = entry?;
            let is_sparse = entry.header().entry_type() == EntryType::GNUSparse;
            let stored = if is_sparse { entry.header().entry_size()? } else { entry.size() };
            if is_sparse || matches!(entry.header().entry_type(), EntryType::Regular | EntryType::Continuous) {
                size = size.saturating_add(entry.size());
            }
            end = entry.raw_file_position().saturating_add(stored);
        }
        let whole = end.checked_next_multiple_of(BLOCK).and_then(|end| end.checked_add(BLOCK));
        if whole.is_some_and(|whole| whole <= length) {
            Ok(size)
        } else {
            Err(io::Error::new(ErrorKind::UnexpectedEof, "the tar file ends too early"))
        }
    };
    size().map_err(|error| naming(&image.files, &error))
}

/// The same error, with the file that it happened in.
fn naming(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

/// An image, of which the headers and hashes are known and the bytes lie on the disk.
struct Image<'a> {
    path: &'a Path,
    tree: Tree,
}

impl<'a> Image<'a> {
    fn read(path: &'a Path) -> io::Result<Self> {
        let read = || {
            tree::read(BufReader::with_capacity(256 * 1024, File::open(path)?), Naming::Paths, &mut u64::MAX.clone())
        };
        let mut tree = read().map_err(|error| naming(path, &error))?;
        tree.retain(|name, node| !engine::laid(name, node));
        Ok(Self { path, tree })
    }

    /// The first bytes of a file, at most `most`; `None` where they do not stand in one piece.
    fn bytes(&self, content: &Content, most: u64) -> io::Result<Option<Vec<u8>>> {
        let Some(place) = content.place else { return Ok(None) };
        let read = || {
            let (mut file, mut bytes) = (File::open(self.path)?, Vec::new());
            file.seek(SeekFrom::Start(place))?;
            file.take(content.size.min(most)).read_to_end(&mut bytes)?;
            Ok(Some(bytes))
        };
        read().map_err(|error| naming(self.path, &error))
    }
}

struct Images<'a> {
    before: Image<'a>,
    after: Image<'a>,
    again: Option<Image<'a>>,
    edited: &'a [EditedFile],
    runner_made: &'a BTreeSet<String>,
    /// How many more differences may have a detail.
    details: Cell<usize>,
}

impl Images<'_> {
    /// The differences of one entry, first the one that counts.
    ///
    /// An entry that only one build of the old way has excuses that the new way has it or has it not, and nothing else.
    fn entry(&self, name: &[u8]) -> io::Result<Vec<Difference>> {
        let again = self.again.as_ref().map_or(Again::NotBuilt, |again| Again::Says(again.tree.get(name)));
        let subject = || Subject::File(format!("/{}", String::from_utf8_lossy(name)));
        let (before, after) = (self.before.tree.get(name), self.after.tree.get(name));
        let is_edited = edited::is_edited(self.edited, name, before, after);
        let whole = |change, is_noisy| {
            let weight = if is_edited { Weight::Harmless(Reason::EditedByFold) } else { content::unseen(is_noisy) };
            vec![Difference { subject: subject(), change, weight, detail: None }]
        };
        Ok(match (before, after) {
            (Some(_), None) => whole(Change::Missing, again == Again::Says(None)),
            (None, Some(_)) => whole(Change::Extra, matches!(again, Again::Says(Some(_)))),
            (Some(before), Some(after)) => {
                let is_runners = runner::is_made(self.runner_made, name, before, after);
                let parts = self.parts((before, after), again, is_edited, is_runners)?.into_iter().rev();
                let difference = |(weight, (aspects, detail))| Difference {
                    subject: subject(),
                    change: Change::Aspects(aspects),
                    weight,
                    detail,
                };
                parts.map(difference).collect()
            }
            (None, None) => Vec::new(),
        })
    }

    /// The aspects in which an entry differs, by whether they count.
    fn parts(
        &self,
        (before, after): (&Node, &Node),
        again: Again<Option<&Node>>,
        is_edited: bool,
        is_runners: bool,
    ) -> io::Result<Parts> {
        let mut parts = Parts::new();
        for aspect in aspects::differing(before, after, !aspects::OWN_TIME) {
            let again = again.of_aspect(before, aspect.name, !aspects::OWN_TIME);
            let look = if aspect.name == "bytes" && is_edited {
                Look::from([(Weight::Harmless(Reason::EditedByFold), None)])
            } else if aspect.name == "bytes" {
                self.look(before, after, again)?
            } else {
                Look::from([(aspects::weigh(&aspect, before, again, is_runners), None)])
            };
            for (weight, detail) in look {
                let (aspects, details) = parts.entry(weight).or_default();
                aspects.push(aspect.clone());
                *details = details.take().or_else(|| self.kept(detail));
            }
        }
        Ok(parts)
    }

    fn kept(&self, detail: Option<Detail>) -> Option<Detail> {
        let detail = detail.filter(|_| self.details.get() > 0)?;
        self.details.set(self.details.get() - 1);
        Some(detail)
    }

    /// A closer look at the bytes of two files, where they are an archive or a text that is not too large.
    fn look(&self, before: &Node, after: &Node, again: Again<&Node>) -> io::Result<Look> {
        let blind = Look::from([(content::unread(before.size(), after.size(), again.map(Node::size)), None)]);
        let (Some(old), Some(new)) = (&before.content, &after.content) else { return Ok(blind) };
        let heads = (self.before.bytes(old, archive::HEAD)?, self.after.bytes(new, archive::HEAD)?);
        let (Some(old_head), Some(new_head)) = heads else { return Ok(blind) };
        let most = if archive::is_one(&old_head) && archive::is_one(&new_head) {
            archive::LARGEST
        } else {
            content::LARGEST_TEXT
        };
        let third = match again {
            Again::Says(again) => again.content.as_ref().zip(self.again.as_ref()),
            Again::NotBuilt | Again::Silent => None,
        };
        if [Some(old), Some(new), third.map(|(content, _)| content)].into_iter().flatten().any(|it| it.size > most) {
            return Ok(blind);
        }
        let third = third.map(|(content, image)| image.bytes(content, most)).transpose()?.flatten();
        let again = match (again, third.as_deref()) {
            (Again::Says(_), None) => return Ok(blind),
            (Again::Says(_), Some(third)) => Again::Says(third),
            (other, _) => other.map(|_| [].as_slice()),
        };
        let (Some(old), Some(new)) = (self.before.bytes(old, most)?, self.after.bytes(new, most)?) else {
            return Ok(blind);
        };
        Ok(content::look(Versions { before: &old, after: &new, again }, self.runner_made))
    }
}

/// Aspects by whether they count, each with a look at the bytes where these are among them.
type Parts = BTreeMap<Weight, (Vec<Aspect>, Option<Detail>)>;

#[cfg(test)]
mod tests;
