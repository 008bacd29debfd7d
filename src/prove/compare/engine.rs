//! What an engine lays into every container, and so into what it exports of an image.

use super::tree::{Kind, Node};

/// Files that engines make empty and mount their own over: docker's init layer, podman, and what `buildah run` leaves behind.
const FILES: [&[u8]; 6] =
    [b".dockerenv", b"dev/console", b"etc/hostname", b"etc/hosts", b"etc/resolv.conf", b"run/.containerenv"];

/// Folders that engines make and mount a file system over.
const FOLDERS: [&[u8]; 5] = [b"dev", b"dev/pts", b"dev/shm", b"proc", b"sys"];

/// Whether an entry is the engine's, not the image's. A file that has bytes in it is never the engine's, nor is what lies in
/// one of the folders.
pub(super) fn laid(name: &[u8], node: &Node) -> bool {
    let is_roots = node.owner == (0, 0);
    match node.kind {
        Kind::File => FILES.contains(&name) && node.size() == Some(0),
        Kind::Folder => FOLDERS.contains(&name) && is_roots && matches!(node.mode, 0o755 | 0o555 | 0o1777),
        Kind::SymbolicLink => name == b"etc/mtab" && node.link.as_deref() == Some(b"/proc/mounts"),
        _ => false,
    }
}
