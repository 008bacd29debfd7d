//! What becomes of each keyword of the build job, and what it means on the image job: one line of a table for each.

mod after_script;
mod artifacts;
mod dotenv;
mod image_job;
mod mentions;
mod parallel;
mod services;
mod tags;

use crate::finding::{Code, Finding};
use crate::fold::situation::Situation;
use crate::gitlab::{Field, Value};

/// Looks at what a keyword says.
type Look = fn(&Situation<'_>) -> Vec<Finding>;

/// What becomes of a keyword when the build job goes.
#[derive(Clone, Copy)]
enum OnBuild {
    /// Another obstacle looks at it, or a step mends it.
    Elsewhere,
    /// It is of no meaning without the job.
    Dropped,
    /// The image job gets what it has to have of it: see `takeover`.
    TakenOver,
    /// It may forbid the fold; this says.
    Looked(Look),
    /// Others may have use for it, so that the job can at the most stay beside the fold; this says.
    LookedForOthers(Look),
    /// Others have use for it, for this reason.
    OfUseToOthers(&'static str),
    /// It cannot go along, for this reason.
    Forbids(&'static str),
}

/// What a keyword of the image job means for the fold.
#[derive(Clone, Copy)]
enum OnImage {
    /// It means what it meant before.
    Kept,
    /// Another obstacle looks at it, or a step mends it.
    Elsewhere,
    /// It is merged with that of the build job: see `takeover`.
    TakenOver,
    /// It may forbid the fold; this says.
    Looked(Look),
    /// It forbids the fold, for this reason.
    Forbids(&'static str),
}

/// A keyword with what becomes of it on either side.
type Keyword = (&'static str, OnBuild, OnImage);

/// Every keyword that a job may have (GitLab: `entry/job.rb`, `entry/processable.rb`), sorted.
const KEYWORDS: [Keyword; 40] = {
    use OnBuild::{Dropped, Elsewhere, Forbids, Looked, LookedForOthers, OfUseToOthers, TakenOver};
    [
        ("after_script", LookedForOthers(after_script::check), OnImage::Kept),
        (
            "allow_failure",
            Forbids("a failing build would stop the image where it did not stop the pipeline"),
            OnImage::Elsewhere,
        ),
        ("artifacts", LookedForOthers(artifacts::check), OnImage::Looked(image_job::artifacts)),
        ("before_script", Elsewhere, OnImage::Kept),
        ("cache", Elsewhere, OnImage::Elsewhere),
        (
            "coverage",
            OfUseToOthers("the coverage figure is read from the job's log"),
            OnImage::Forbids("the figure is read from the job's log, which would hold the lines of the build too"),
        ),
        ("dast_configuration", OfUseToOthers("it configures a scan of this job"), OnImage::Kept),
        ("dependencies", Elsewhere, OnImage::Elsewhere),
        ("environment", OfUseToOthers("it records a deployment and gives the job variables of its own"), OnImage::Kept),
        ("except", Elsewhere, OnImage::Elsewhere),
        ("extends", Dropped, OnImage::Kept),
        ("hooks", TakenOver, OnImage::TakenOver),
        ("id_tokens", Forbids("it gives the build a token, which is a secret"), OnImage::Kept),
        ("identity", Forbids("it gives the build an identity of its own"), OnImage::Kept),
        ("image", Elsewhere, OnImage::Looked(image_job::platform)),
        ("inherit", Dropped, OnImage::Kept),
        ("inputs", Forbids("a person gives it values at run time"), OnImage::Looked(image_job::inputs)),
        ("interruptible", TakenOver, OnImage::TakenOver),
        ("manual_confirmation", Dropped, OnImage::Kept),
        ("needs", Elsewhere, OnImage::Elsewhere),
        ("only", Elsewhere, OnImage::Elsewhere),
        ("pages", OfUseToOthers("it publishes the files as a site"), OnImage::Looked(image_job::published)),
        ("parallel", Looked(parallel::of_build), OnImage::Looked(parallel::of_image)),
        ("publish", OfUseToOthers("it publishes the files as a site"), OnImage::Looked(image_job::published)),
        ("release", OfUseToOthers("it makes a release"), OnImage::Kept),
        ("resource_group", TakenOver, OnImage::TakenOver),
        ("retry", TakenOver, OnImage::TakenOver),
        ("rules", Elsewhere, OnImage::Elsewhere),
        ("run", Forbids("its steps are no shell script"), OnImage::Forbids("its steps are no shell script")),
        ("script", Elsewhere, OnImage::Elsewhere),
        ("secrets", Forbids("it gives the build secrets"), OnImage::Kept),
        ("services", Looked(services::check), OnImage::Looked(image_job::platform_of_services)),
        ("stage", Elsewhere, OnImage::Elsewhere),
        ("start_in", Elsewhere, OnImage::Elsewhere),
        ("tags", Looked(tags::lost), OnImage::Looked(tags::gained)),
        ("timeout", TakenOver, OnImage::TakenOver),
        ("trigger", Forbids("it starts another pipeline"), OnImage::Forbids("it starts another pipeline")),
        ("type", Elsewhere, OnImage::Elsewhere),
        ("variables", TakenOver, OnImage::TakenOver),
        ("when", Elsewhere, OnImage::Elsewhere),
    ]
};

/// What the keywords of the build job forbid.
pub(super) fn check(situation: &Situation<'_>) -> Vec<Finding> {
    let others = if situation.fate.is_to_stay() { Vec::new() } else { of_use_to_others(situation) };
    let own = set(situation.producer).flat_map(|field| match on_build(&field.key) {
        OnBuild::Looked(look) => look(situation),
        OnBuild::Forbids(reason) => vec![forbidden(situation, &field.key, reason)],
        OnBuild::Elsewhere
        | OnBuild::Dropped
        | OnBuild::TakenOver
        | OnBuild::LookedForOthers(_)
        | OnBuild::OfUseToOthers(_) => Vec::new(),
    });
    let handed_on = artifacts::never_handed_on(situation).into_iter().chain(dotenv::read_by_image_job(situation));
    own.chain(others).chain(handed_on).collect()
}

/// What others have of the job itself, whatever becomes of its files.
pub(super) fn of_use_to_others(situation: &Situation<'_>) -> Vec<Finding> {
    let own = set(situation.producer).flat_map(|field| match on_build(&field.key) {
        OnBuild::LookedForOthers(look) => look(situation),
        OnBuild::OfUseToOthers(reason) => vec![of_use(situation, &field.key, reason)],
        OnBuild::Elsewhere | OnBuild::Dropped | OnBuild::TakenOver | OnBuild::Looked(_) | OnBuild::Forbids(_) => {
            Vec::new()
        }
    });
    own.chain(pages(situation)).collect()
}

/// What the keywords of the image job forbid.
pub(super) fn of_image_job(situation: &Situation<'_>) -> Vec<Finding> {
    let found = set(situation.consumer).flat_map(|field| match on_image(&field.key) {
        OnImage::Looked(look) => look(situation),
        OnImage::Forbids(reason) => vec![forbidden_on_image(situation, &field.key, reason)],
        OnImage::Kept | OnImage::Elsewhere | OnImage::TakenOver => Vec::new(),
    });
    found.collect()
}

fn on_build(keyword: &str) -> OnBuild {
    let known = KEYWORDS.iter().find(|(name, ..)| *name == keyword);
    known.map_or(OnBuild::Forbids("it is not known here"), |(_, on_build, _)| *on_build)
}

fn on_image(keyword: &str) -> OnImage {
    let known = KEYWORDS.iter().find(|(name, ..)| *name == keyword);
    known.map_or(OnImage::Forbids("it is not known here"), |(_, _, on_image)| *on_image)
}

/// The keywords that a job has and that say something.
fn set(job: &crate::gitlab::Job) -> impl Iterator<Item = &Field> {
    job.fields.fields().iter().filter(|field| !says_nothing(&field.value))
}

/// `allow_failure: false`, `parallel: 1`, `id_tokens: {}` and their like say what holds anyway.
fn says_nothing(value: &Value) -> bool {
    let is_empty = value.mapping().is_some_and(|mapping| mapping.fields().is_empty());
    value.is_null() || is_empty || matches!(value.text().as_deref(), Some("false" | "1" | ""))
}

fn forbidden(situation: &Situation<'_>, keyword: &str, reason: &str) -> Finding {
    let message = format!("the build job has '{keyword}', which cannot move into a Dockerfile: {reason}");
    Finding::new(Code::KeywordNotFoldable, situation.producer_location(keyword), message)
        .with_help(format!("if the build does not need '{keyword}', remove it; else leave the job as it is"))
}

/// The end of a help where the job may stay for others.
const OR_KEEP: &str = "or keep the build job beside the fold: '--on-other-readers keep'";

fn of_use(situation: &Situation<'_>, keyword: &str, reason: &str) -> Finding {
    let message = format!("the build job has '{keyword}', which would be lost with it: {reason}");
    Finding::new(Code::KeywordNotFoldable, situation.producer_location(keyword), message)
        .with_help(format!("remove '{keyword}' if nobody needs it, {OR_KEEP}"))
}

fn forbidden_on_image(situation: &Situation<'_>, keyword: &str, reason: &str) -> Finding {
    let message = format!("the image job has '{keyword}', which a fold would change the meaning of: {reason}");
    Finding::new(Code::KeywordNotFoldable, situation.consumer_location(keyword), message)
        .with_help(format!("if the image job does not need '{keyword}', remove it; else leave the jobs as they are"))
}

/// A job of this name publishes its files even without the keyword (GitLab docs: user/project/pages).
fn pages(situation: &Situation<'_>) -> Option<Finding> {
    (&*situation.producer.name == "pages").then(|| {
        let message = "a job of the name 'pages' publishes its files as a site, which would be gone";
        Finding::new(Code::KeywordNotFoldable, situation.pipeline.job_location(situation.producer), message)
            .with_help(format!("make the files for the image in a job of another name, {OR_KEEP}"))
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{KEYWORDS, OnBuild, OnImage, artifacts};
    use crate::fold::takeover;

    /// The names of GitLab's JSON schema; the file says where they come from.
    fn schema(prefix: &str) -> BTreeSet<&'static str> {
        let lines = include_str!("keywords/schema.txt").lines().filter(|line| !line.starts_with('#'));
        let (own, deeper): (BTreeSet<_>, BTreeSet<_>) = lines.partition(|line| !line.contains(':'));
        match prefix {
            "" => own,
            prefix => deeper.into_iter().filter_map(|line| line.strip_prefix(prefix)).collect(),
        }
    }

    #[test]
    fn the_table_is_sorted() {
        assert!(KEYWORDS.is_sorted_by_key(|(keyword, ..)| *keyword));
    }

    #[test]
    fn the_table_holds_every_keyword_of_the_schema() {
        let known: BTreeSet<_> = KEYWORDS.iter().map(|(keyword, ..)| *keyword).collect();
        // `type` is what `stage` was called before (GitLab: `entry/job.rb`), and no longer in the schema.
        let schema: BTreeSet<_> = schema("").into_iter().chain(["type"]).collect();
        assert_eq!(known, schema);
    }

    #[test]
    fn the_table_of_artifacts_holds_every_key_of_the_schema() {
        let known: BTreeSet<_> = artifacts::KEYS.iter().map(|(key, _)| *key).collect();
        assert_eq!(known, schema("artifacts:"));
    }

    #[test]
    fn the_keywords_of_images_are_those_of_the_schema() {
        let known: BTreeSet<_> = super::super::build_image::KEYS.iter().map(|(key, _)| *key).collect();
        assert_eq!(known, schema("image:"));
    }

    #[test]
    fn what_is_taken_over_has_a_rule() {
        let on_build = KEYWORDS.iter().filter(|(_, on_build, _)| matches!(on_build, OnBuild::TakenOver));
        let on_image = KEYWORDS.iter().filter(|(_, _, on_image)| matches!(on_image, OnImage::TakenOver));
        let rules: Vec<_> = takeover::RULES.iter().map(|(keyword, _)| *keyword).collect();
        assert_eq!(on_build.map(|(keyword, ..)| *keyword).collect::<Vec<_>>(), rules);
        assert_eq!(on_image.map(|(keyword, ..)| *keyword).collect::<Vec<_>>(), rules);
    }
}
