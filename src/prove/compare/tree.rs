//! What stands in a tar file, without the bytes of its files.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::io::{self, ErrorKind, Read};
use std::rc::Rc;

use sha2::{Digest, Sha256};
use tar::{Entry, EntryType, Header};

/// The size of a tar file's blocks, in bytes.
const BLOCK: u64 = 512;

/// Where pax headers keep the extended attributes of a file.
const ATTRIBUTE: &str = "SCHILY.xattr.";

/// Attributes that tell of the machine that built: labels of SELinux, and what storage drivers note down.
const OF_THE_MACHINE: [&str; 4] = ["security.selinux", "trusted.overlay.", "user.overlay.", "user.containers."];

/// Entries by their names.
pub(super) type Tree = BTreeMap<Box<[u8]>, Node>;

/// An entry of a file system or of an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Node {
    pub(super) kind: Kind,
    /// The twelve bits of permissions, with setuid, setgid and sticky.
    pub(super) mode: u32,
    /// The numbers of the user and of the group.
    pub(super) owner: (u64, u64),
    /// Where a symbolic link leads to.
    pub(super) link: Option<Box<[u8]>>,
    /// The major and the minor number of a device.
    pub(super) device: Option<(u32, u32)>,
    /// What a file has in it.
    pub(super) content: Option<Content>,
    /// Extended attributes, such as a program's capabilities, to be read; empty where there are none.
    pub(super) attributes: Box<str>,
    /// When it was changed, in nanoseconds since 1970.
    pub(super) time: i64,
}

/// The bytes of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Content {
    pub(super) size: u64,
    pub(super) digest: [u8; 32],
    /// Where the bytes begin in what they were read from; `None` where they do not stand there in one piece.
    pub(super) place: Option<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    File,
    Folder,
    SymbolicLink,
    /// A hard link whose file is not there.
    HardLink,
    CharacterDevice,
    BlockDevice,
    Fifo,
    Other,
}

impl Kind {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Folder => "folder",
            Self::SymbolicLink => "symbolic link",
            Self::HardLink => "hard link to nothing",
            Self::CharacterDevice => "character device",
            Self::BlockDevice => "block device",
            Self::Fifo => "named pipe",
            Self::Other => "unknown",
        }
    }
}

impl Node {
    /// How many bytes a file has.
    pub(super) fn size(&self) -> Option<u64> {
        self.content.as_ref().map(|content| content.size)
    }
}

/// What the names in a tar file mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Naming {
    /// Paths below a root: `./a`, `/a` and `a/` are the same, and the last of two entries is the one that is there.
    Paths,
    /// Names as they are, each at most once.
    Exact,
}

impl Naming {
    fn apply(self, name: &[u8]) -> Box<[u8]> {
        match self {
            Self::Exact => name.strip_suffix(b"/").unwrap_or(name).into(),
            Self::Paths => {
                let parts = name.split(|byte| *byte == b'/').filter(|part| !part.is_empty() && *part != b".");
                parts.collect::<Vec<_>>().join(&b'/').into()
            }
        }
    }
}

/// Reads a tar file to its end. `budget` is how many bytes of files may be read, and goes down by what was.
///
/// # Errors
/// The file cannot be read, is no tar file, ends too early, or holds more than the budget.
pub(super) fn read(reader: impl Read, naming: Naming, budget: &mut u64) -> io::Result<Tree> {
    let position = Rc::new(Cell::new(0));
    let mut archive = tar::Archive::new(Counted { reader, position: Rc::clone(&position) });
    let (mut tree, mut early, mut end) = (Tree::new(), Vec::new(), 0);
    for entry in archive.entries()? {
        let mut entry = entry?;
        if entry.header().entry_type() != EntryType::XGlobalHeader {
            let name = naming.apply(&entry.path_bytes());
            let node = node(&mut entry, naming, &tree, budget)?;
            if node.kind == Kind::HardLink {
                early.push(name.clone());
            }
            if tree.insert(name, node).is_some() && naming == Naming::Exact {
                return Err(io::Error::new(ErrorKind::InvalidData, "two entries have the same name"));
            }
        }
        end = position.get();
    }
    // A writer ends a tar file with blocks of zeros. A file that was cut between two entries is noticed by nothing else.
    if position.get() < end.next_multiple_of(BLOCK).saturating_add(BLOCK) {
        return Err(io::Error::new(ErrorKind::UnexpectedEof, "the tar file ends too early"));
    }
    resolve(&mut tree, early);
    Ok(tree)
}

/// Hard links that stood before their file become what the file is.
fn resolve(tree: &mut Tree, early: Vec<Box<[u8]>>) {
    for name in early {
        let target = tree.get(&name).and_then(|node| node.link.as_ref()).and_then(|link| tree.get(link)).cloned();
        if let Some(target) = target.filter(|target| target.kind != Kind::HardLink) {
            tree.insert(name, target);
        }
    }
}

fn node<R: Read>(entry: &mut Entry<'_, R>, naming: Naming, tree: &Tree, budget: &mut u64) -> io::Result<Node> {
    let header = entry.header();
    let kind = kind(header.entry_type(), &entry.path_bytes());
    let device = matches!(kind, Kind::CharacterDevice | Kind::BlockDevice).then(|| device(header)).transpose()?;
    let mode = header.mode()? & 0o7777;
    let owner = (header.uid()?, header.gid()?);
    let seconds = i64::try_from(header.mtime().unwrap_or_default()).unwrap_or(i64::MAX);
    let link = matches!(kind, Kind::SymbolicLink | Kind::HardLink).then(|| entry.link_name_bytes()).flatten();
    let link: Option<Box<[u8]>> =
        link.map(|link| if kind == Kind::HardLink { naming.apply(&link) } else { (*link).into() });
    let linked = link.as_ref().filter(|_| kind == Kind::HardLink).and_then(|link| tree.get(link));
    if let Some(linked) = linked {
        return Ok(linked.clone());
    }
    let (attributes, fraction) = extensions(entry)?;
    let content = (kind == Kind::File).then(|| content(entry, budget)).transpose()?;
    let time = seconds.saturating_mul(1_000_000_000).saturating_add(fraction);
    Ok(Node { kind, mode, owner, link, device, content, attributes, time })
}

fn kind(entry: EntryType, name: &[u8]) -> Kind {
    match entry {
        // The oldest tar files have no mark for folders but the end of the name.
        EntryType::Regular if name.ends_with(b"/") => Kind::Folder,
        EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => Kind::File,
        EntryType::Directory => Kind::Folder,
        EntryType::Symlink => Kind::SymbolicLink,
        EntryType::Link => Kind::HardLink,
        EntryType::Char => Kind::CharacterDevice,
        EntryType::Block => Kind::BlockDevice,
        EntryType::Fifo => Kind::Fifo,
        _ => Kind::Other,
    }
}

fn device(header: &Header) -> io::Result<(u32, u32)> {
    Ok((header.device_major()?.unwrap_or_default(), header.device_minor()?.unwrap_or_default()))
}

/// The extended attributes in an entry's pax header, and the fraction of the second in which it was changed, in nanoseconds.
fn extensions<R: Read>(entry: &mut Entry<'_, R>) -> io::Result<(Box<str>, i64)> {
    let (mut attributes, mut fraction) = (BTreeMap::new(), 0);
    for extension in entry.pax_extensions()?.into_iter().flatten() {
        let extension = extension?;
        let key = String::from_utf8_lossy(extension.key_bytes());
        if let Some(name) = key.strip_prefix(ATTRIBUTE) {
            if !OF_THE_MACHINE.iter().any(|start| name.starts_with(start)) {
                attributes.insert(name.to_owned(), hexadecimal(extension.value_bytes()));
            }
        } else if key == "mtime" {
            fraction = nanoseconds(extension.value_bytes());
        }
    }
    let attributes: Vec<_> = attributes.iter().map(|(name, value)| format!("{name}=0x{value}")).collect();
    Ok((attributes.join(", ").into(), fraction))
}

/// What stands after the point of a number of seconds.
fn nanoseconds(time: &[u8]) -> i64 {
    let digits = time.iter().skip_while(|byte| **byte != b'.').skip(1).take_while(|byte| byte.is_ascii_digit());
    digits.chain(std::iter::repeat(&b'0')).take(9).fold(0, |number, digit| number * 10 + i64::from(digit - b'0'))
}

pub(super) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn content<R: Read>(entry: &mut Entry<'_, R>, budget: &mut u64) -> io::Result<Content> {
    let expected = entry.size();
    // A sparse file may be larger by far than the tar file that it stands in.
    if expected > *budget {
        return Err(ErrorKind::FileTooLarge.into());
    }
    let is_whole = entry.header().entry_type() != EntryType::GNUSparse;
    let place = is_whole.then(|| entry.raw_file_position());
    let (size, digest) = hash(entry, budget)?;
    if size != expected {
        return Err(io::Error::new(ErrorKind::UnexpectedEof, "the tar file ends in the middle of an entry"));
    }
    Ok(Content { size, digest, place })
}

/// Reads to the end, and says how many bytes there were and their SHA-256.
///
/// # Errors
/// The reader fails, or has more than the budget.
pub(super) fn hash(reader: &mut impl Read, budget: &mut u64) -> io::Result<(u64, [u8; 32])> {
    let (mut hasher, mut size, mut buffer) = (Sha256::new(), 0, vec![0; 64 * 1024]);
    loop {
        let read = match reader.read(&mut buffer) {
            Ok(0) => return Ok((size, hasher.finalize().into())),
            Ok(read) => read,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let count = read as u64;
        *budget = budget.checked_sub(count).ok_or_else(|| io::Error::from(ErrorKind::FileTooLarge))?;
        hasher.update(buffer.get(..read).unwrap_or_default());
        size += count;
    }
}

/// A reader that says how far it was read.
struct Counted<R> {
    reader: R,
    position: Rc<Cell<u64>>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(buffer)?;
        self.position.set(self.position.get() + read as u64);
        Ok(read)
    }
}
