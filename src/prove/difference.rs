//! In what two images differ, and whether it counts.

/// What two images come to, one beside the other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Comparison {
    /// The entries of the image's file system that was built the old way: files, folders, links and devices.
    pub entries_before: usize,
    /// The same of the new way.
    pub entries_after: usize,
    /// All differences: first the configuration, then the files, by name.
    pub differences: Vec<Difference>,
}

/// One difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// What differs.
    pub subject: Subject,
    /// How.
    pub change: Change,
    /// Whether it counts.
    pub weight: Weight,
    /// A closer look at the bytes, where one helps.
    pub detail: Option<Detail>,
}

/// A part of an image.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// A key of the run configuration, as an engine's `inspect` names it: `Env`, `Cmd`, `User`.
    Configuration(String),
    /// An entry of the file system, by its absolute path.
    File(String),
}

/// How a part differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Only the old way has it.
    Missing,
    /// Only the new way has it.
    Extra,
    /// Both have it, and these of its aspects differ; at least one.
    Aspects(Vec<Aspect>),
}

/// What is not the same of a part that both ways have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Aspect {
    /// `type`, `mode`, `owner`, `link`, `device`, `bytes`, `attributes` (extended ones, such as a program's capabilities), or `value`
    /// for a key of the configuration.
    pub name: &'static str,
    /// As the old way has it, to be read: `0644`, `0:0`, `5 bytes, sha256:ab12…`.
    pub before: String,
    /// As the new way has it.
    pub after: String,
}

/// Whether a difference counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// It is told, and the images are the same but for it.
    Harmless(Reason),
    /// The images are different.
    Counts,
}

/// Why a difference does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// Two builds of the old way differ there as well: in the same lines of a text, in the same entries of an archive.
    NotReproducible,
    /// It is a folder that the runner made while it unpacked what a job hands on, with the umask 0000, so that others may write it
    /// (GitLab Runner: `FF_DISABLE_UMASK_FOR_DOCKER_EXECUTOR`); in the new way a script or `COPY` made it.
    RunnerUmask,
    /// It is a file of the repository that the fold itself has edited, written or removed, and that the image copies.
    EditedByFold,
    /// Only points in time differ that stand in the file, or in the entries of an archive, and no second build of the old way tells
    /// that they are always the same; or they are those of folders in an archive.
    Timestamps,
}

/// A closer look at what differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Detail {
    /// The lines that differ, as a unified diff without a heading; the longest are cut, and control characters are escaped. Of a
    /// long diff, the last line says how many are left out: `… 17 more lines`.
    Lines(String),
    /// The entries of an archive (jar, zip, tar, gzip) that differ so that this difference's weight is theirs.
    ///
    /// None where all are the same, and the order, the compression or what stands around them differs. Of a long list, the last
    /// says in its name how many are left out (`… 17 more`), and has no aspects.
    Members(Vec<Member>),
}

/// An entry of an archive that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Its name in the archive.
    pub name: String,
    /// How it differs; aspects are those of a file and `time`, when it was changed.
    pub change: Change,
}
