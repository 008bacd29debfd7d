//! From a repository to its proof.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use super::archive::now;
use super::checkout::{Changes, Checkout, Origin};
use super::compare::EditedFile;
use super::engine::{Engine, EngineName, find};
use super::outcome::{ImageProof, Proof};
use super::scratch::Scratch;
use super::session::Session;
use super::trial::{Changed, Trial};
use super::variables::missing;
use super::way::Tree;
use crate::gitlab::Pipeline;
use crate::handoff;
use crate::outcome::{Outcome, Policy, Verdict};
use crate::process::{Interrupt, Trouble};
use crate::repo::{DiskRepository, Elsewhere};
use crate::source::{Overlay, Repository};
use crate::text::RepositoryPath;

/// How a repository is folded: the repository, its pipeline, what the user allows.
pub type Fold<'a> = dyn Fn(&dyn Repository, &RepositoryPath, &Policy) -> Outcome + 'a;

/// The variable by which a job has submodules fetched: `none`, `normal` or `recursive`, the greatest last.
const SUBMODULES: &str = "GIT_SUBMODULE_STRATEGY";

/// What is to be proven, and how.
#[derive(Clone, Debug)]
pub struct Request {
    /// The root of the repository.
    pub root: PathBuf,
    /// The pipeline in it.
    pub pipeline: RepositoryPath,
    /// What the fold may do.
    pub policy: Policy,
    /// Files of elsewhere that the pipeline includes.
    pub elsewhere: Elsewhere,
    /// The engine; the first that answers without it.
    pub engine: Option<EngineName>,
    /// The revision of the old way, where the fold is committed already and `HEAD` is the new way.
    pub before: Option<String>,
    /// The variables of the project.
    pub variables: BTreeMap<String, String>,
    /// Whether the lines of image jobs may reach other machines.
    pub has_network: bool,
    /// Whether both ways are built again after one line was changed.
    pub rebuilds: bool,
    /// The name under which the images stay: `NAME-old` and `NAME-new`.
    pub keeps_images: Option<String>,
}

/// What came of it.
#[derive(Clone, Debug)]
pub enum Proving {
    /// The images were built and compared, or could not be built; with the fold that was proven.
    Proven(Proof, Outcome),
    /// Nothing was folded; what stands in the way.
    NotFolded(Outcome),
}

/// Why nothing came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProveError {
    /// A signal of this number asked to stop; everything is cleaned up.
    Interrupted(i32),
    /// This machine, the engine, or what was asked for does not allow it.
    Error(String),
}

impl From<Trouble> for ProveError {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Interrupted(signal) => Self::Interrupted(signal),
            Trouble::Failed(what) | Trouble::Late(what) | Trouble::Error(what) => Self::Error(what),
        }
    }
}

/// Builds the images of a repository's image jobs the old way and the new way, and compares them. `progress` is told what is
/// being done, a line each.
///
/// # Errors
/// Where no engine answers, where the repository cannot be cloned, where a variable is missing, and where a signal asks to stop.
/// What does not build is no error, and stands in the proof.
pub fn prove(request: &Request, fold: &Fold<'_>, progress: &dyn Fn(&str)) -> Result<Proving, ProveError> {
    let interrupt = Interrupt::listen().map_err(|error| ProveError::Error(format!("signals: {error}")))?;
    let scratch = Scratch::new()?;
    let done = with_engine(request, fold, progress, &interrupt, &scratch);
    let keeps_logs = match &done {
        Ok(Proving::Proven(proof, _)) => proof.images.iter().any(|image| image.failure.is_some()),
        _ => false,
    };
    scratch.close(keeps_logs);
    Ok(done?)
}

fn with_engine(
    request: &Request,
    fold: &Fold<'_>,
    progress: &dyn Fn(&str),
    interrupt: &Interrupt,
    scratch: &Scratch,
) -> Result<Proving, Trouble> {
    let origin = Origin { root: &request.root, scratch, interrupt };
    origin.check()?;
    let engine = find(request.engine, &scratch.id(), &scratch.folder("engine")?, interrupt)?;
    let done = clone_and_prove(request, fold, progress, &origin, engine.as_ref());
    engine.clean_up();
    done
}

pub(super) fn clone_and_prove(
    request: &Request,
    fold: &Fold<'_>,
    progress: &dyn Fn(&str),
    origin: &Origin<'_>,
    engine: &dyn Engine,
) -> Result<Proving, Trouble> {
    if origin.is_dirty()? {
        progress("what is not committed takes no part");
    }
    let clones = Clones::of(request, origin)?;
    let old = repository_of(&clones.old, request);
    let outcome = fold(&old, &request.pipeline, &request.policy);
    if request.before.is_none() && outcome.verdict != Verdict::Folded {
        return Ok(Proving::NotFolded(outcome));
    }
    let session = Session {
        engine,
        scratch: origin.scratch,
        facts: origin.facts(&clones.commit)?,
        cloned_at: now(),
        given: request.variables.clone(),
        passed: request.policy.passed.clone(),
        has_network: request.has_network,
        progress,
    };
    let images = if request.before.is_some() {
        let new = repository_of(&clones.new, request);
        clones.prove(request, &session, origin, (&old, &new), &outcome)?
    } else {
        origin.hide(&clones.new, &Changes::of(&outcome.files))?;
        outcome.files.iter().try_for_each(|(path, version)| clones.new.write(path, version))?;
        clones.prove(request, &session, origin, (&old, &Overlay::new(&old, &outcome.files)), &outcome)?
    };
    Ok(Proving::Proven(Proof { engine: engine.describe(), commit: clones.commit, images }, outcome))
}

/// What is read of a clone.
fn repository_of(checkout: &Checkout, request: &Request) -> DiskRepository {
    let repository = DiskRepository::new(&checkout.folder, request.pipeline.clone());
    repository.with_elsewhere(request.elsewhere.clone())
}

/// A clone for each way.
struct Clones {
    /// The commit that is the new way, or that is folded.
    commit: String,
    old: Checkout,
    new: Checkout,
}

impl Clones {
    fn of(request: &Request, origin: &Origin<'_>) -> Result<Self, Trouble> {
        let commit = origin.commit("HEAD")?;
        let before = request.before.as_ref().map_or_else(|| Ok(commit.clone()), |revision| origin.commit(revision))?;
        let new = origin.clone(&commit)?;
        let old = origin.clone(&before)?.with_history_of(&new);
        if before != commit {
            origin.hide(&new, &origin.changes(&before, &commit)?)?;
        }
        Ok(Self { commit, old, new })
    }

    /// Builds and compares the images of all jobs whose hand-offs are gone; `repositories` are what is read of the two ways.
    fn prove(
        &self,
        request: &Request,
        session: &Session<'_>,
        origin: &Origin<'_>,
        repositories: (&dyn Repository, &dyn Repository),
        outcome: &Outcome,
    ) -> Result<Vec<ImageProof>, Trouble> {
        let read = |repository: &dyn Repository| {
            Pipeline::read(repository, &request.pipeline).map_err(|finding| Trouble::Error(finding.message.clone()))
        };
        let pipelines = (read(repositories.0)?, read(repositories.1)?);
        let path = &request.pipeline;
        let old_clone = packed(&self.old, &pipelines.0, session, origin)?;
        let new_clone = packed(&self.new, &pipelines.1, session, origin)?;
        let old = Tree { repository: repositories.0, pipeline: &pipelines.0, path, clone: vec![old_clone] };
        let new = Tree { repository: repositories.1, pipeline: &pipelines.1, path, clone: vec![new_clone] };
        let jobs = folded_jobs(&old, &new);
        ask_for_missing(session, &[&old, &new], &jobs)?;
        let changed = match request.rebuilds {
            true => Changed::new(session, [&self.old, &self.new], [&old, &new])?,
            false => None,
        };
        let trial = Trial {
            session,
            request,
            old: &old,
            new: &new,
            edited: self.edited(outcome),
            kept: Cell::default(),
            changed,
        };
        let images = jobs.iter().map(|(job, dockerfiles)| trial.images_of(job, dockerfiles));
        Ok(images.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
    }

    /// The files that the fold edits, as both ways have them.
    fn edited(&self, outcome: &Outcome) -> Vec<EditedFile> {
        let edited = |path: &RepositoryPath| {
            let bytes = |checkout: &Checkout| fs::read(checkout.folder.join(path.as_str())).ok();
            let name = path.as_str().rsplit('/').next().unwrap_or_default();
            EditedFile::new(name, bytes(&self.old).as_deref(), bytes(&self.new).as_deref())
        };
        outcome.files.keys().map(edited).collect()
    }
}

/// The archive of a clone, with its submodules where some job has them fetched.
fn packed(
    checkout: &Checkout,
    pipeline: &Pipeline,
    session: &Session<'_>,
    origin: &Origin<'_>,
) -> Result<PathBuf, Trouble> {
    let strategies = pipeline.jobs().iter().map(|job| session.environment(job));
    let strategies = strategies.filter_map(|environment| environment.get(SUBMODULES).map(str::to_owned));
    origin.submodules(checkout, &strategies.max().unwrap_or_default())?;
    let archive = session.scratch.path("clone.tar");
    checkout.pack(session.facts.folder().trim_start_matches('/'), session.cloned_at, &archive)?;
    Ok(archive)
}

/// The jobs whose hand-offs are gone in the new way, with the Dockerfiles that they were for.
fn folded_jobs(old: &Tree<'_>, new: &Tree<'_>) -> BTreeMap<String, BTreeSet<RepositoryPath>> {
    let pairs = |tree: &Tree<'_>| -> BTreeSet<(String, RepositoryPath)> {
        let search = handoff::find(tree.pipeline, tree.repository);
        let own =
            search.handoffs.iter().map(|found| (found.consumer.to_string(), found.build.command.dockerfile.clone()));
        let copied = search.copied_out.iter();
        let copied = copied.map(|found| (found.consumer.to_string(), found.second.command.dockerfile.clone()));
        own.chain(copied).collect()
    };
    let after = pairs(new);
    let mut jobs: BTreeMap<String, BTreeSet<_>> = BTreeMap::new();
    for (job, dockerfile) in pairs(old).into_iter().filter(|pair| !after.contains(pair)) {
        jobs.entry(job).or_default().insert(dockerfile);
    }
    jobs
}

/// Asks for the variables that nobody defines, all at once.
fn ask_for_missing(
    session: &Session<'_>,
    trees: &[&Tree<'_>],
    jobs: &BTreeMap<String, BTreeSet<RepositoryPath>>,
) -> Result<(), Trouble> {
    let mut names = BTreeSet::new();
    for tree in trees {
        for job in jobs.keys() {
            names.extend(missing(session, tree, job)?);
        }
    }
    if names.is_empty() {
        return Ok(());
    }
    let names: Vec<_> = names.into_iter().collect();
    let first = names.first().cloned().unwrap_or_default();
    Err(Trouble::Error(format!(
        "the jobs read {}, which nobody defines here; give each by --variable {first}=VALUE or in an --env-file (an empty value \
         counts)",
        names.join(", ")
    )))
}
