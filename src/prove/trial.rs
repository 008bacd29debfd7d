//! The images of one job, built both ways and compared.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use super::changed_line::changed_line;
use super::checkout::Checkout;
use super::compare::{Allowances, EditedFile, ExportedImage, compare, size_of_files};
use super::difference::{Aspect, Change, Comparison, Difference, Reason, Subject, Weight};
use super::image_job::BuiltImage;
use super::outcome::{BuildFigures, Failure, ImageProof, ProofVerdict, Way};
use super::pairs::{Pair, pairs};
use super::run::Request;
use super::session::Session;
use super::way::{Built, Caches, Stopped, Tree, build};
use crate::process::Trouble;
use crate::text::RepositoryPath;

/// All that is needed to prove the images of any job.
pub(super) struct Trial<'a> {
    pub(super) session: &'a Session<'a>,
    pub(super) request: &'a Request,
    pub(super) old: &'a Tree<'a>,
    pub(super) new: &'a Tree<'a>,
    /// The files that the fold has edited.
    pub(super) edited: Vec<EditedFile>,
    /// How many pairs of images were kept so far.
    pub(super) kept: Cell<usize>,
    /// The archives with one line changed, where both ways are to be built again.
    pub(super) changed: Option<Changed>,
}

/// One changed line, for both ways.
pub(super) struct Changed {
    old: PathBuf,
    new: PathBuf,
}

impl Changed {
    /// Changes a source file of both clones in the same way; nothing where there is none.
    pub(super) fn new(
        session: &Session<'_>,
        [old, new]: [&Checkout; 2],
        trees: [&Tree<'_>; 2],
    ) -> Result<Option<Self>, Trouble> {
        let place = session.facts.folder();
        let mut archives = Vec::new();
        for (checkout, tree) in [old, new].into_iter().zip(trees) {
            let archive = session.scratch.path("changed.tar");
            if changed_line(tree.repository, checkout, place.trim_start_matches('/'), &archive)?.is_none() {
                session.say("there is no source file of a kind that is known, so that none is changed");
                return Ok(None);
            }
            archives.push(archive);
        }
        let mut archives = archives.into_iter();
        Ok(archives.next().zip(archives.next()).map(|(old, new)| Self { old, new }))
    }
}

/// What both ways have come to.
struct BothWays {
    old: Built,
    new: Built,
    /// The time of each with one changed line.
    changed: (Option<Duration>, Option<Duration>),
}

impl Trial<'_> {
    /// Builds and compares the images of `job`; one for each of `dockerfiles` where they cannot be built.
    pub(super) fn images_of(
        &self,
        job: &str,
        dockerfiles: &BTreeSet<RepositoryPath>,
    ) -> Result<Vec<ImageProof>, Trouble> {
        let (mut old_caches, mut new_caches) = (Caches::default(), Caches::default());
        let old = match build(self.session, self.old, job, &mut old_caches, ("old", false)) {
            Ok(built) => built,
            Err(stopped) => return not_built(stopped, Way::Old, job, dockerfiles),
        };
        let new = match build(self.session, self.new, job, &mut new_caches, ("new", false)) {
            Ok(built) => built,
            Err(stopped) => return not_built(stopped, Way::New, job, dockerfiles),
        };
        let changed = match &self.changed {
            Some(changed) => (
                self.time_of_change(self.old, &changed.old, job, &mut old_caches, "old-changed")?,
                self.time_of_change(self.new, &changed.new, job, &mut new_caches, "new-changed")?,
            ),
            None => (None, None),
        };
        self.compare_all(job, dockerfiles, &BothWays { old, new, changed })
    }

    /// The time of a build with one changed line; nothing where it does not build, which says nothing about the fold.
    fn time_of_change(
        &self,
        tree: &Tree<'_>,
        changed: &PathBuf,
        job: &str,
        caches: &mut Caches,
        label: &str,
    ) -> Result<Option<Duration>, Trouble> {
        let clone = tree.clone.iter().chain([changed]).cloned().collect();
        match build(self.session, &Tree { clone, ..*tree }, job, caches, (label, true)) {
            Ok(built) => Ok(Some(built.time)),
            Err(Stopped { trouble: Trouble::Failed(what), .. }) => {
                self.session.say(&format!("{label}: {what}, so that there is no figure"));
                Ok(None)
            }
            Err(stopped) => Err(stopped.trouble),
        }
    }

    fn compare_all(
        &self,
        job: &str,
        dockerfiles: &BTreeSet<RepositoryPath>,
        both: &BothWays,
    ) -> Result<Vec<ImageProof>, Trouble> {
        let mut again = None;
        let mut proofs = Vec::new();
        for pair in &pairs(&both.old.images, &both.new.images) {
            if let Some(name) = &self.request.keeps_images {
                self.keep(pair, name)?;
            }
            proofs.push(self.compare_pair(job, pair, both, &mut again)?);
        }
        // What the script decides may leave out a build that is folded: then nothing is known of it.
        let is_missing = |dockerfile: &&RepositoryPath| proofs.iter().all(|proof| proof.dockerfile != **dockerfile);
        let missing: BTreeSet<_> = dockerfiles.iter().filter(is_missing).cloned().collect();
        let what = format!("job '{job}' comes to its end and builds no image of it");
        proofs.extend(not_built(Trouble::Failed(what).into(), Way::Old, job, &missing)?);
        Ok(proofs)
    }

    fn keep(&self, pair: &Pair<'_>, name: &str) -> Result<(), Trouble> {
        let kept = self.kept.replace(self.kept.get() + 1);
        let number = if kept == 0 { String::new() } else { format!("-{}", kept + 1) };
        self.session.engine.keep(&pair.old.image, &format!("{name}-old{number}"))?;
        let new = pair.new.map(|new| self.session.engine.keep(&new.image, &format!("{name}-new{number}")));
        new.unwrap_or(Ok(()))
    }

    /// Compares two images. Where they differ, the old way is built once more: what differs there too is no matter of the fold.
    fn compare_pair(
        &self,
        job: &str,
        pair: &Pair<'_>,
        both: &BothWays,
        again: &mut Option<Built>,
    ) -> Result<ImageProof, Trouble> {
        let mut proof = ImageProof {
            job: job.to_owned(),
            dockerfile: pair.old.dockerfile.clone(),
            tags: pair.old.tags.clone(),
            verdict: ProofVerdict::Different,
            comparison: Comparison::default(),
            before: None,
            after: None,
            failure: None,
        };
        let Some(new) = pair.new else {
            let what = format!("job '{job}' no longer builds it");
            proof.failure = Some(Failure { way: Way::New, what, last_lines: Vec::new(), log: None });
            return Ok(proof);
        };
        self.session.say(&format!("images of {} are compared", pair.old.dockerfile));
        let (old_export, new_export) = (self.export(pair.old)?, self.export(new)?);
        let broken = |error: std::io::Error| Trouble::Error(format!("the images cannot be compared: {error}"));
        let allowances = Allowances { again: None, edited: &self.edited, runner_made: &both.old.folders_made };
        proof.comparison = compare(&old_export, &new_export, allowances).map_err(broken)?;
        // What the fold has edited differs in every build.
        let is_edited = |difference: &Difference| difference.weight == Weight::Harmless(Reason::EditedByFold);
        let differs = !proof.comparison.differences.iter().all(is_edited) || !have_same_tags(pair.old, new);
        let second = if differs { self.built_again(job, pair.old, &both.old, again)? } else { None };
        if let Some(image) = &second {
            let export = self.export(image)?;
            let allowances = Allowances { again: Some(&export), ..allowances };
            proof.comparison = compare(&old_export, &new_export, allowances).map_err(broken)?;
            self.session.scratch.discard(&export.files);
        }
        proof.comparison.differences.splice(0..0, difference_of_tags(pair.old, new, second.as_ref()));
        proof.verdict = verdict(&proof.comparison);
        let figures = |export, cold, changed| -> Result<_, Trouble> {
            Ok(Some(BuildFigures { size: size_of_files(export).map_err(broken)?, cold, changed }))
        };
        proof.before = figures(&old_export, both.old.time, both.changed.0)?;
        proof.after = figures(&new_export, both.new.time, both.changed.1)?;
        self.session.scratch.discard(&old_export.files);
        self.session.scratch.discard(&new_export.files);
        Ok(proof)
    }

    /// The same image of a second build of the old way, which is made once for all images of a job.
    fn built_again(
        &self,
        job: &str,
        image: &BuiltImage,
        first: &Built,
        again: &mut Option<Built>,
    ) -> Result<Option<BuiltImage>, Trouble> {
        if again.is_none() {
            self.session
                .say("the images differ: the old way is built once more, to see what is not reproducible by itself");
            let built = build(self.session, self.old, job, &mut Caches::default(), ("old-again", false));
            *again = Some(built.map_err(|stopped| stopped.trouble.into_error())?);
        }
        let place = first.images.iter().position(|own| own == image);
        Ok(again.as_ref().zip(place).and_then(|(built, place)| built.images.get(place)).cloned())
    }

    fn export(&self, image: &BuiltImage) -> Result<ExportedImage, Trouble> {
        let files = self.session.scratch.path("image.tar");
        let configuration = self.session.engine.export(&image.image, &files)?;
        Ok(ExportedImage { files, configuration })
    }
}

fn have_same_tags(one: &BuiltImage, other: &BuiltImage) -> bool {
    let sorted = |image: &BuiltImage| image.tags.iter().cloned().collect::<BTreeSet<_>>();
    sorted(one) == sorted(other)
}

/// The tags, where they are not the same. Those that differ in a second build of the old way too are made of what changes from
/// run to run.
fn difference_of_tags(old: &BuiltImage, new: &BuiltImage, again: Option<&BuiltImage>) -> Option<Difference> {
    if have_same_tags(old, new) {
        return None;
    }
    let is_noisy = again.is_some_and(|again| !have_same_tags(old, again));
    let aspect = Aspect { name: "value", before: old.tags.join(" "), after: new.tags.join(" ") };
    Some(Difference {
        subject: Subject::Configuration("tags".to_owned()),
        change: Change::Aspects(vec![aspect]),
        weight: if is_noisy { Weight::Harmless(Reason::NotReproducible) } else { Weight::Counts },
        detail: None,
    })
}

fn verdict(comparison: &Comparison) -> ProofVerdict {
    match comparison.differences.iter().map(|difference| difference.weight).max() {
        None => ProofVerdict::Same,
        Some(Weight::Harmless(_)) => ProofVerdict::SameButFor,
        Some(Weight::Counts) => ProofVerdict::Different,
    }
}

/// What is told of images that were not built, unless it is no matter of the user's files.
fn not_built(
    stopped: Stopped,
    way: Way,
    job: &str,
    dockerfiles: &BTreeSet<RepositoryPath>,
) -> Result<Vec<ImageProof>, Trouble> {
    let Stopped { trouble: Trouble::Failed(what), log, last_lines } = stopped else { return Err(stopped.trouble) };
    let failure = Failure { way, what, last_lines, log };
    let verdict = if way == Way::Old { ProofVerdict::CannotBuildBefore } else { ProofVerdict::Different };
    let proof = |dockerfile: &RepositoryPath| ImageProof {
        job: job.to_owned(),
        dockerfile: dockerfile.clone(),
        tags: Vec::new(),
        verdict,
        comparison: Comparison::default(),
        before: None,
        after: None,
        failure: Some(failure.clone()),
    };
    Ok(dockerfiles.iter().map(proof).collect())
}
