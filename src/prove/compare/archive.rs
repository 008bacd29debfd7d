//! Archives that lie in an image: zip and all that is one (jar, war, whl, nupkg), tar and gzip.

use std::borrow::Cow;
use std::io::{Cursor, Read};

use flate2::read::MultiGzDecoder;
use zip::extra_fields::ExtraField;
use zip::read::ZipFile;
use zip::{DateTime, ZipArchive};

use super::time;
use super::tree::{self, Content, Kind, Naming, Node, Tree};

/// The largest archive that is opened, and the most that a gzip file may unpack to, in bytes.
pub(super) const LARGEST: u64 = 64 * 1024 * 1024;

/// How a file begins that is looked at as an archive; the mark of a tar file stands in its first header.
const ZIP: &[u8] = b"PK";
const GZIP: &[u8] = &[0x1f, 0x8b];
const TAR: (usize, &[u8]) = (257, b"ustar");

/// As many bytes tell whether a file is an archive.
pub(super) const HEAD: u64 = 512;

/// The entry that stands for a gzip file's own header.
const GZIP_ENTRY: &[u8] = b"(gzip)";

/// An archive that was read to its end.
pub(super) struct Archive<'a> {
    pub(super) members: Tree,
    /// What belongs to none of its members: a comment, what stands before a zip file, the name in a gzip file.
    pub(super) around: Vec<u8>,
    store: Store<'a>,
}

enum Store<'a> {
    Zip(Box<ZipArchive<Cursor<&'a [u8]>>>),
    Bytes(Cow<'a, [u8]>),
}

/// Whether a file that begins so is worth being opened.
pub(super) fn is_one(head: &[u8]) -> bool {
    head.starts_with(ZIP) || head.starts_with(GZIP) || is_tar(head)
}

fn is_tar(head: &[u8]) -> bool {
    head.get(TAR.0..).is_some_and(|rest| rest.starts_with(TAR.1))
}

/// Reads an archive; `None` where it is none, is broken, is written in a way that is not known, has two members of one name, or
/// unpacks to more than `budget` bytes, which goes down by what was unpacked.
pub(super) fn open<'a>(bytes: &'a [u8], budget: &mut u64) -> Option<Archive<'a>> {
    if bytes.starts_with(ZIP) {
        open_zip(bytes, budget)
    } else if bytes.starts_with(GZIP) {
        open_gzip(bytes, budget)
    } else if is_tar(bytes) {
        let members = tree::read(bytes, Naming::Exact, budget).ok()?;
        Some(Archive { members, around: Vec::new(), store: Store::Bytes(Cow::Borrowed(bytes)) })
    } else {
        None
    }
}

impl Archive<'_> {
    /// The bytes of a member; `None` where it has none or more than `most`.
    pub(super) fn content(&mut self, node: &Node, most: u64) -> Option<Vec<u8>> {
        let content = node.content.as_ref().filter(|content| content.size <= most)?;
        let place = usize::try_from(content.place?).ok()?;
        match &mut self.store {
            Store::Zip(archive) => {
                let mut bytes = Vec::new();
                archive.by_index(place).ok()?.take(content.size).read_to_end(&mut bytes).ok()?;
                Some(bytes)
            }
            Store::Bytes(bytes) => {
                bytes.get(place..place.checked_add(usize::try_from(content.size).ok()?)?).map(<[u8]>::to_vec)
            }
        }
    }
}

fn open_zip<'a>(bytes: &'a [u8], budget: &mut u64) -> Option<Archive<'a>> {
    let mut archive = ZipArchive::new(Cursor::new(bytes)).ok()?;
    if archive.has_duplicate_names() {
        return None;
    }
    let mut members = Tree::new();
    for place in 0..archive.len() {
        let mut file = archive.by_index(place).ok()?;
        if file.size() > *budget {
            return None;
        }
        let name = file.name_raw().strip_suffix(b"/").unwrap_or(file.name_raw()).into();
        let member = zip_member(&mut file, place as u64, budget)?;
        if members.insert(name, member).is_some() {
            return None;
        }
    }
    let mut around = bytes.get(..usize::try_from(archive.offset()).ok()?)?.to_vec();
    around.extend_from_slice(archive.comment());
    Some(Archive { members, around, store: Store::Zip(Box::new(archive)) })
}

fn zip_member<R: Read>(file: &mut ZipFile<'_, R>, place: u64, budget: &mut u64) -> Option<Node> {
    let (kind, mode, time) = (zip_kind(file), file.unix_mode().unwrap_or_default() & 0o7777, zip_time(file));
    let mut node =
        Node { kind, mode, owner: (0, 0), link: None, device: None, content: None, attributes: "".into(), time };
    if kind == Kind::SymbolicLink {
        let mut target = Vec::new();
        file.take(HEAD * 8).read_to_end(&mut target).ok()?;
        node.link = Some(target.into());
    } else if kind == Kind::File {
        let (size, digest) = tree::hash(file, budget).ok()?;
        node.content = Some(Content { size, digest, place: Some(place) });
    }
    Some(node)
}

fn zip_kind<R: Read>(file: &ZipFile<'_, R>) -> Kind {
    if file.is_symlink() {
        Kind::SymbolicLink
    } else if file.is_dir() {
        Kind::Folder
    } else {
        Kind::File
    }
}

/// When a member was changed, in nanoseconds since 1970: what the extended time stamp says, else the time of DOS as if it were
/// UTC. Nothing where there is neither.
fn zip_time<R: Read>(file: &ZipFile<'_, R>) -> i64 {
    let extended = file.extra_data_fields().find_map(|field| match field {
        ExtraField::ExtendedTimestamp(stamp) => stamp.mod_time(),
        _ => None,
    });
    let seconds = extended.map(i64::from).or_else(|| file.last_modified().map(dos_seconds));
    seconds.unwrap_or_default().saturating_mul(1_000_000_000)
}

fn dos_seconds(time: DateTime) -> i64 {
    let days = time::days(i64::from(time.year()), i64::from(time.month()), i64::from(time.day()));
    ((days * 24 + i64::from(time.hour())) * 60 + i64::from(time.minute())) * 60 + i64::from(time.second())
}

/// A gzip file is the tar file in it, or one file. Its own header is an entry, for it has a time too.
fn open_gzip<'a>(bytes: &[u8], budget: &mut u64) -> Option<Archive<'a>> {
    let decoder = MultiGzDecoder::new(bytes);
    let header = decoder.header()?.clone();
    let (most, mut unpacked) = (LARGEST.min(*budget), Vec::new());
    decoder.take(most.saturating_add(1)).read_to_end(&mut unpacked).ok()?;
    let size = unpacked.len() as u64;
    *budget = budget.checked_sub(size).filter(|_| size <= most)?;
    let mut members = if is_tar(&unpacked) { tree::read(&*unpacked, Naming::Exact, budget).ok()? } else { Tree::new() };
    let mut node = gzip_member(i64::from(header.mtime()));
    if members.is_empty() {
        let (size, digest) = tree::hash(&mut &*unpacked, &mut size.clone()).ok()?;
        node.content = Some(Content { size, digest, place: Some(0) });
    }
    if members.insert(GZIP_ENTRY.into(), node).is_some() {
        return None;
    }
    let around = header.filename().unwrap_or_default().to_vec();
    Some(Archive { members, around, store: Store::Bytes(Cow::Owned(unpacked)) })
}

fn gzip_member(seconds: i64) -> Node {
    Node {
        kind: Kind::File,
        mode: 0,
        owner: (0, 0),
        link: None,
        device: None,
        content: None,
        attributes: "".into(),
        time: seconds.saturating_mul(1_000_000_000),
    }
}
