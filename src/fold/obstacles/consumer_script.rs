//! The rest of the image job: it must neither read the files outside of the build nor change the sources
//! before it.

use super::other_jobs;
use crate::docker::{BuildProblem, Step, image_builds, place_in_repository};
use crate::finding::{Code, Finding, Location};
use crate::fold::listings;
use crate::fold::situation::Situation;
use crate::gitlab::{Relation, relation_of_paths};
use crate::handoff::{JobScript, Move, TreeUse, names_beside_commands, tree_use, writes};
use crate::text::RepositoryPath;

pub(super) fn check(situation: &Situation<'_>) -> Vec<Finding> {
    let script = &situation.handoff.script;
    let opaque = script.walk.opaque.iter().map(|(item, message)| {
        let location =
            script.item_location(situation.pipeline, *item).unwrap_or_else(|| situation.consumer_location("script"));
        Finding::new(
            Code::ImageScriptUnclear,
            location,
            format!("this part of the image job cannot be read: {message}"),
        )
        .with_help("write it in the syntax of a POSIX shell, each item a whole command")
    });
    let (commands, _) = image_builds(situation.repository, &script.walk);
    // A build that can be followed and takes some of the files is a hand-off of its own.
    let is_build = |index: &usize| commands.iter().any(|command| command.step == *index);
    let is_move = |index: &usize| situation.handoff.moves.iter().any(|moved| moved.step == *index);
    let listings = listings::steps(situation);
    let goes = |index: &usize| is_move(index) || listings.contains(index);
    let steps = script.walk.steps.iter().enumerate().filter(|(index, _)| !is_build(index) && !goes(index));
    let uses = steps.clone().filter_map(|(_, step)| used(situation, script, step));
    let before = steps.filter(|(index, _)| *index < situation.build().command.steps_before);
    let changes = before.flat_map(|(_, step)| changed(situation, step));
    let after = JobScript::of_keyword(situation.consumer, "after_script");
    let later: Vec<_> = after.walk.steps.iter().filter_map(|step| used(situation, &after, step)).collect();
    let moves = situation.handoff.moves.iter().filter_map(|moved| moved_otherwise(situation, script, moved));
    opaque
        .chain(moves)
        .chain(listings::notes(situation))
        .chain(beside(situation, script))
        .chain(uses)
        .chain(changes)
        .chain(later)
        .chain(exported(situation))
        .chain(unclear_builds(situation))
        .collect()
}

/// Conditions and loops that look at the files, as `[[ -f dist/index.html ]] || exit 1` does.
fn beside(situation: &Situation<'_>, script: &JobScript) -> Vec<Finding> {
    let patterns = situation.used_places();
    let texts = script.items.iter().map(|item| item.text.as_deref().unwrap_or_default());
    let found = texts.enumerate().filter(|(_, text)| names_beside_commands(text, &patterns));
    let finding = |(item, _)| {
        let location = script.item_location(situation.pipeline, item);
        let location = location.unwrap_or_else(|| situation.consumer_location("script"));
        let message = "this looks at the files, which would no longer be in the job's folder";
        Finding::new(Code::HandoffUsedOutsideBuild, location, message)
            .with_help("look at the files in the build itself, or in the image that was built")
    };
    found.map(finding).collect()
}

/// A line that lays the files where a `COPY` takes them goes, where it does nothing else and is the job's own.
fn moved_otherwise(situation: &Situation<'_>, script: &JobScript, moved: &Move) -> Option<Finding> {
    let step = script.walk.steps.get(moved.step)?;
    let item = script.items.get(step.item)?;
    let text = item.text.as_deref().unwrap_or_default();
    let is_alone = step.place.is_top_level() && step.span.slice(text).len() == text.trim().len();
    let is_written = situation.build().stages.copies.iter().flat_map(|copy| &copy.sources).all(|source| {
        let place = source.path.as_deref().and_then(|path| situation.build().context.folder.join(path));
        let is_moved = place.is_some_and(|place| situation.handoff.origin_of(place.as_str()) != place.as_str());
        !is_moved || !source.written.contains('$')
    });
    let takes_back = moved.is_gone && situation.handoff.takes_without_move(moved.from.as_str());
    if takes_back {
        let message = format!("this takes {} away, and a COPY takes more from where it was", moved.from);
        let location = script.step_location(situation.pipeline, step);
        let finding = Finding::new(
            Code::HandoffUsedOutsideBuild,
            location.unwrap_or_else(|| situation.command_location()),
            message,
        );
        return Some(
            finding.with_help("copy it with 'cp', or let the job that makes the files lay them in both places"),
        );
    }
    if is_alone && is_written && step.caller.is_none() && situation.is_consumers_own(item.origin) {
        return None;
    }
    let message = format!(
        "{} would no longer be in the job's folder, and this lays it to {}, in a line that cannot go",
        moved.from, moved.to
    );
    let location =
        script.step_location(situation.pipeline, step).unwrap_or_else(|| situation.consumer_location("script"));
    let finding = Finding::new(Code::HandoffUsedOutsideBuild, location, message);
    Some(
        finding.with_help(format!(
            "let the Dockerfile copy {} itself, or write this as a script item of its own",
            moved.from
        )),
    )
}

/// A command that reads the files, which would no longer be there.
fn used(situation: &Situation<'_>, script: &JobScript, step: &Step) -> Option<Finding> {
    if goes_to_tracked_folder(situation, step) {
        return None;
    }
    let how = match tree_use(step, &situation.used_places()) {
        TreeUse::None => return None,
        // Its commands are looked at by themselves.
        TreeUse::Unknown(_) if step.is_followed => return None,
        TreeUse::Touches(word) if matches!(word.as_str(), "." | "./") => {
            "this takes the whole folder of the job, where the files would no longer be".to_owned()
        }
        TreeUse::Touches(word) => format!("{word} would no longer be in the job's folder"),
        TreeUse::Unknown(program) => {
            format!("{program} may read the files, which would no longer be in the job's folder")
        }
    };
    let location =
        script.step_location(situation.pipeline, step).unwrap_or_else(|| situation.consumer_location("script"));
    let finding = Finding::new(Code::HandoffUsedOutsideBuild, location, how);
    Some(finding.with_help("do this in the Dockerfile, or take the files out of the image that was built"))
}

/// Whether a `cd` goes to a folder that is there without the hand-off, as git tracks something in it.
fn goes_to_tracked_folder(situation: &Situation<'_>, step: &Step) -> bool {
    let [program, folder] = step.words.as_slice() else {
        return false;
    };
    let from = step.folder.as_ref().zip(folder.pattern.as_deref());
    let place = from.and_then(|(from, path)| place_in_repository(path, from));
    matches!(program.text(), Some("cd" | "pushd")) && place.is_some_and(|place| situation.repository.tracks(&place))
}

/// Files of the context that the image job makes or changes before it builds.
fn changed(situation: &Situation<'_>, step: &Step) -> Vec<Finding> {
    if step.is_followed {
        return Vec::new();
    }
    let (mut places, is_unclear) = writes(step);
    if step.program() == Some("mkdir") {
        // The folder that files are moved to was made for them alone.
        places.retain(|place| !situation.handoff.moves.iter().any(|moved| moved.to.is_within(place)));
    }
    // Whatever the ignore file left out is in the context of the builder stage as well, and no build reads the file itself.
    places.retain(|place| !situation.build().goes_without(place));
    let location = situation.handoff.script.step_location(situation.pipeline, step);
    let location = location.unwrap_or_else(|| situation.consumer_location("script"));
    let mut findings: Vec<_> = places.iter().filter_map(|place| written(situation, place, &location)).collect();
    let is_named = findings.iter().any(|finding| finding.code == Code::SourcesChangedBeforeBuild);
    if is_unclear && !is_named {
        let message = "this may change the sources before the image is built, and the build job never saw that";
        let finding = Finding::new(Code::SourcesChangedBeforeBuild, location, message);
        findings.push(finding.with_help("run it behind the build, or name the files that it writes"));
    }
    findings
}

fn written(situation: &Situation<'_>, place: &RepositoryPath, location: &Location) -> Option<Finding> {
    let is_source = situation.repository.tracks(place);
    if is_source {
        let message = format!("this changes {place} before the image is built, and the build job never saw that");
        let finding = Finding::new(Code::SourcesChangedBeforeBuild, location.clone(), message);
        return Some(finding.with_help("make the change in the Dockerfile, behind the build, or commit it"));
    }
    if situation.sources().leaves_out(place) {
        return None;
    }
    if !is_of_the_job_alone(place) {
        let message =
            format!("{place} is made before the image is built, and may change what the build makes of the sources");
        let finding = Finding::new(Code::SourcesChangedBeforeBuild, location.clone(), message);
        return Some(
            finding
                .with_help(format!("name {place} in .dockerignore if no COPY takes it, or make it behind the build")),
        );
    }
    let (image, help) = match taken_by_image(situation, place) {
        true => (
            ", as the image does",
            format!("make {place} in the Dockerfile, if the image needs it, or behind the build"),
        ),
        false => ("; the image does not", format!("name {place} in .dockerignore, or make it behind the build")),
    };
    let message = format!("{place} is made in the build context, so the builder stage gets it too{image}");
    Some(Finding::new(Code::FileWrittenIntoContext, location.clone(), message).with_help(help))
}

/// Whether the image takes what lies at `place` from the context.
fn taken_by_image(situation: &Situation<'_>, place: &RepositoryPath) -> bool {
    let build = situation.build();
    let mut sources = build.stages.copies.iter().filter(|copy| copy.from.is_none()).flat_map(|copy| &copy.sources);
    let holds = |path: &str| {
        let from = build.context.folder.join(path);
        from.is_some_and(|from| relation_of_paths(from.as_str(), place.as_str()) != Relation::Apart)
    };
    !build.context.leaves_out(place) && sources.any(|source| source.path.as_deref().is_none_or(holds))
}

/// Whether a file is one that no build looks for: a plain text, a log or a certificate at the root.
fn is_of_the_job_alone(place: &RepositoryPath) -> bool {
    let endings = [".crt", ".iid", ".key", ".log", ".pem", ".pid", ".tar", ".txt"];
    let name = place.as_str();
    !name.contains('/') && !name.starts_with('.') && endings.iter().any(|ending| name.ends_with(ending))
}

/// Artifacts and caches of the image job that take the files along.
fn exported(situation: &Situation<'_>) -> Vec<Finding> {
    let used = situation.used_places();
    let own = situation.consumer.artifacts().paths;
    let handed = own.into_iter().filter(|path| used.iter().any(|used| used.relation(&path.text) != Relation::Apart));
    let finding = |path: crate::gitlab::PathPattern| {
        let location = situation.pipeline.location(path.origin);
        if let Some(job) = other_jobs::reader_of_upload(situation, std::slice::from_ref(&path)) {
            let message = format!(
                "the image job uploads {} itself, which would no longer be in its folder, and '{}' may read it",
                path.written, job.name
            );
            return Finding::new(Code::HandoffUsedOutsideBuild, location, message)
                .with_help(format!("say with 'dependencies: []' that '{}' does not need it", job.name));
        }
        let message = format!(
            "the image job uploads {} itself, and has none of it to upload any more: people who download it get nothing",
            path.written
        );
        Finding::new(Code::UploadLeftEmpty, location, message).with_help(
            "if nobody downloads the files, accept it with '--accept upload-left-empty', and take them out of these artifacts",
        )
    };
    handed.map(finding).collect()
}

/// A build that cannot be followed may take the files as well, or take the first image for its base.
fn unclear_builds(situation: &Situation<'_>) -> Vec<Finding> {
    let script = &situation.handoff.script;
    let (_, problems) = image_builds(situation.repository, &script.walk);
    let finding = |problem: BuildProblem| {
        let location = script.location(situation.pipeline, problem.item, problem.span)?;
        let message = format!("the image job builds another image, and this build command {}", problem.what);
        let finding = Finding::new(Code::BuildCommandUnclear, location, message)
            .with_related(situation.command_location(), "the files go into this one")
            .with_help("write the build as one plain command with literal options");
        Some(finding)
    };
    problems.into_iter().filter_map(finding).collect()
}
