//! What a proof comes to.

use std::path::PathBuf;
use std::time::Duration;

use super::difference::Comparison;
use crate::text::RepositoryPath;

/// What came of building a repository's images the old way and the new way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// The engine that built, with its version: `docker 28.5.2 (BuildKit)`.
    pub engine: String,
    /// The commit that was built, in full.
    pub commit: String,
    /// Every image that the folded jobs build, in their order.
    pub images: Vec<ImageProof>,
}

/// What came of one image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageProof {
    /// The job that builds it.
    pub job: String,
    /// Its Dockerfile.
    pub dockerfile: RepositoryPath,
    /// The tags that the job gives it.
    pub tags: Vec<String>,
    /// Whether both ways come to the same.
    pub verdict: ProofVerdict,
    /// In what they differ; empty where one of them could not be built.
    pub comparison: Comparison,
    /// What the old way costs; `None` where it could not be built.
    pub before: Option<BuildFigures>,
    /// What the new way costs.
    pub after: Option<BuildFigures>,
    /// What went wrong, where an image could not be built.
    pub failure: Option<Failure>,
}

/// Whether both ways come to the same image, from the best to the worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ProofVerdict {
    /// Every file and the run configuration are the same.
    Same,
    /// They are, but for differences that do not count, each with its reason.
    SameButFor,
    /// The old way does not build, so that there is nothing to compare with.
    CannotBuildBefore,
    /// They are not, or the new way does not build.
    Different,
}

impl ProofVerdict {
    /// Its name, as reports write it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::SameButFor => "same-but-for",
            Self::CannotBuildBefore => "cannot-build-before",
            Self::Different => "different",
        }
    }
}

/// What it takes to build an image one way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BuildFigures {
    /// The bytes of all files of the image.
    pub size: u64,
    /// The time from the clone to the image, with nothing in a cache. Images that had to be pulled count.
    pub cold: Duration,
    /// The same again after one line of a source file was changed, with what the first time left in caches; `None` where it
    /// was not asked for or did not build.
    pub changed: Option<Duration>,
}

/// Which of the two ways.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// As the pipeline is.
    Old,
    /// As the fold makes it.
    New,
}

impl Way {
    /// Its name in a sentence: "the old way".
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Old => "the old way",
            Self::New => "the new way",
        }
    }
}

/// Why an image could not be built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The way that failed.
    pub way: Way,
    /// What failed and how, as a sentence without its end: `job 'build' ended with exit status 2`.
    pub what: String,
    /// The last lines that were printed.
    pub last_lines: Vec<String>,
    /// The whole log, which is kept.
    pub log: Option<PathBuf>,
}

impl Proof {
    /// The worst of all verdicts; `None` where no image was to be built.
    #[must_use]
    pub fn verdict(&self) -> Option<ProofVerdict> {
        self.images.iter().map(|image| image.verdict).max()
    }
}
