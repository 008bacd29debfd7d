//! Repositories on a disk.
