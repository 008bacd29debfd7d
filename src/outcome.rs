//! What a fold comes to: the verdict, what was found, and the files before and after.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::finding::{Code, Finding, Severity};
use crate::text::{FileVersions, RepositoryPath};

/// What became of one repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// A hand-off was folded.
    Folded,
    /// A hand-off is there and is left alone; the findings say why.
    Refused,
    /// No file flows from a job into an image.
    NothingToFold,
    /// The pipeline could not be read.
    Failed,
}

impl Verdict {
    /// Its name, as reports write it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Folded => "folded",
            Self::Refused => "refused",
            Self::NothingToFold => "nothing-to-fold",
            Self::Failed => "failed",
        }
    }
}

/// How far a fold can be trusted; a plan is as trustworthy as its weakest step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Applicability {
    /// A person accepted a named difference.
    Review,
    /// The image and the rest of the pipeline are proven to stay what they were.
    Safe,
}

impl Applicability {
    /// Its name, as reports write it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Review => "review",
            Self::Safe => "safe",
        }
    }
}

/// The way that files take from a job into an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Via {
    /// `cache:`, saved by one job and restored by the other.
    Cache,
    /// `artifacts:`, uploaded by one job and downloaded by the other.
    Artifacts,
    /// `docker cp` out of an image that the same job built first.
    DockerCp,
}

impl Via {
    /// Its name, as reports write it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cache => "cache",
            Self::Artifacts => "artifacts",
            Self::DockerCp => "docker-cp",
        }
    }
}

/// One hand-off, as reports tell it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HandoffSummary {
    /// The way the files take.
    pub via: Via,
    /// The jobs that make the files; for `docker cp` the Dockerfile that makes them.
    pub producers: Vec<String>,
    /// The job that builds the image.
    pub consumer: String,
    /// The files, as the pipeline writes them.
    pub paths: Vec<String>,
    /// The Dockerfile that copies them; the root where it is not known.
    pub dockerfile: RepositoryPath,
    /// The producers that stay, for the sake of others.
    pub kept: Vec<String>,
    /// What is offered in place of a fold that is refused; `None` where the hand-off is folded or left alone.
    pub fallback: Option<Fallback>,
}

impl HandoffSummary {
    /// Whether both are about one image of one job, whatever way the files take.
    #[must_use]
    pub fn is_of_same_image(&self, other: &Self) -> bool {
        self.consumer == other.consumer && self.dockerfile == other.dockerfile
    }
}

/// What may be offered where a hand-off cannot be folded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fallback {
    /// Files that went through `cache:` go through `artifacts:`.
    Artifacts,
}

impl Fallback {
    /// All there are.
    pub const ALL: [Self; 1] = [Self::Artifacts];

    /// Its name, as users write it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Artifacts => "artifacts",
        }
    }
}

/// Whether the builder stage gets a layer of its own for dependencies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Layers {
    /// Wherever the repository's own files prove that it is legal.
    #[default]
    Auto,
    /// Never.
    Off,
}

/// What becomes of a build job that also runs where no image is built.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnRulesDiffer {
    /// There it builds the builder stage and nothing more, where that can be written exactly; else the fold is refused.
    #[default]
    Check,
    /// It stays as it is, beside the fold.
    Keep,
    /// The fold is refused.
    Refuse,
}

/// What becomes of a build job whose files, reports or name are of use to others as well.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnOtherReaders {
    /// The fold is refused, and the others are named.
    #[default]
    Refuse,
    /// It stays as it is, beside the fold.
    Keep,
    /// The image job publishes the files in its place, out of the builder stage.
    Export,
}

/// How a variable of the build job gets into the builder stage, where the user says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Pass {
    /// As a build argument, which everybody may see.
    Argument,
    /// As a secret, whose value is the variable's.
    Secret,
    /// As a secret file, whose path is the variable's value (GitLab docs: CI/CD variables of the type "file").
    File,
}

/// The builder behind `docker build`, where the user says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ToldBuilder {
    /// BuildKit, with an engine of 20.10 or later: it knows secret mounts and `<Dockerfile>.dockerignore`.
    BuildKit,
    /// The builder that Docker had before, which knows neither.
    DockerLegacy,
}

/// What becomes of a build context that has no ignore file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum IgnoreFiles {
    /// It gets one, which names what a clone never holds.
    #[default]
    Write,
    /// It gets none.
    Leave,
}

/// What the user allows and wishes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// The differences that the user accepts (`--accept CODE`).
    pub accepted: BTreeSet<Code>,
    /// Dependency layers (`--layers`).
    pub layers: Layers,
    /// Whether the builder keeps what package managers download (`--cache-mounts`).
    pub cache_mounts: bool,
    /// Build jobs that run under other conditions than the image job (`--on-rules-differ`).
    pub on_rules_differ: OnRulesDiffer,
    /// Build jobs that others rely on (`--on-other-readers`).
    pub on_other_readers: OnOtherReaders,
    /// How these variables get into the builder stage (`--pass NAME=WAY`).
    pub passed: BTreeMap<String, Pass>,
    /// What to offer where a fold is refused (`--fallback`).
    pub fallback: Option<Fallback>,
    /// What becomes of a build context without an ignore file (`--no-dockerignore`).
    pub ignore_files: IgnoreFiles,
    /// Which builder `docker build` runs (`--builder`); `None` where the job's images and variables tell.
    pub builder: Option<ToldBuilder>,
    /// Whether the image jobs of folds get what GitLab's documentation recommends now (`--modernize`).
    pub modernize: bool,
}

/// What a fold comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// What became of the repository.
    pub verdict: Verdict,
    /// How far the fold can be trusted; `None` where nothing was folded.
    pub applicability: Option<Applicability>,
    /// The hand-offs that were found, folded or not.
    pub handoffs: Vec<HandoffSummary>,
    /// All findings, sorted by file and place.
    pub findings: Vec<Finding>,
    /// Every touched file before and after; empty unless the verdict is [`Verdict::Folded`].
    pub files: BTreeMap<RepositoryPath, FileVersions>,
}

impl Outcome {
    /// An outcome without changes.
    #[must_use]
    pub fn unchanged(verdict: Verdict, handoffs: Vec<HandoffSummary>, findings: Vec<Finding>) -> Self {
        Self { verdict, applicability: None, handoffs, findings, files: BTreeMap::new() }
    }

    /// The outcome of a repository that cannot be read, for the reason that `finding` gives.
    #[must_use]
    pub fn failed(finding: Finding) -> Self {
        Self::unchanged(Verdict::Failed, Vec::new(), vec![finding])
    }

    /// The findings of this severity.
    pub fn findings_of(&self, severity: Severity) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(move |finding| finding.severity() == severity)
    }
}
