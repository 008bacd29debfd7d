//! Each `COPY` that takes the files must be one that can take them from the builder stage instead.

use crate::docker::{Builder, Copy, CopySource};
use crate::finding::{Code, Finding, Location};
use crate::fold::collected;
use crate::fold::left_out;
use crate::fold::situation::Situation;
use crate::fold::unpacked::{can_unpack, is_archive, missing_program};
use crate::gitlab::{Relation, relation_of_paths};
use crate::handoff::{CopyUse, Doubt, ImageBuild, Landing, SourceUse};
use crate::source::{FileKind, Repository};
use crate::text::RepositoryPath;

/// The way out where a `COPY` takes more than can be told.
const BY_NAME: &str =
    "write a COPY that takes the files of the hand-off and nothing else, all of them in the build context";

pub(super) fn check(situation: &Situation<'_>) -> Vec<Finding> {
    let handoff = situation.handoff;
    let landing =
        |copy: &Copy, source: &CopySource, path: &str| (handoff.landing(copy, source, path), handoff.origin_of(path));
    let of_copies = uses(situation.repository, situation.build(), &handoff.uses, &landing);
    of_copies
        .into_iter()
        .chain(perhaps_missing(situation))
        .chain(unpacked_by_others(situation))
        .chain(collected_otherwise(situation))
        .chain(unbounded(situation))
        .chain(left_out_otherwise(situation))
        .chain(names_tracked(situation))
        .chain(unused(situation))
        .collect()
}

/// A copy of a whole folder took what was there of the files; the copies from the builder stage fail where one of them is
/// missing. Where the job hands on a single path, it is what the image is for.
fn perhaps_missing(situation: &Situation<'_>) -> Vec<Finding> {
    let uses = &situation.handoff.uses;
    let is_named = |path: &str| {
        let mut sources = uses.iter().flat_map(|copy| &copy.sources);
        sources.any(|source| matches!(source, SourceUse::Builder { path: own, .. } if own == path))
    };
    let finding = |(copy, below): (&CopyUse, &Vec<String>)| {
        let doubtful: Vec<_> = below.iter().filter(|path| !is_named(path)).map(String::as_str).collect();
        let span = build_span(situation.build(), copy).filter(|_| !doubtful.is_empty())?;
        let message = format!(
            "this took {} where they were there, and the copies from the builder stage fail where the build makes none",
            doubtful.join(" and ")
        );
        let finding =
            Finding::new(Code::ArtifactPerhapsMissing, Location::new(&situation.build().source, span), message);
        Some(
            finding.with_help(
                "if one of them is not always made, and the image does not need it, name it in .dockerignore",
            ),
        )
    };
    let ancestors = uses.iter().flat_map(|copy| copy.sources.iter().map(move |source| (copy, source)));
    let found = ancestors.filter_map(|(copy, source)| match source {
        SourceUse::Ancestor { below, .. } if below.len() > 1 => Some((copy, below)),
        _ => None,
    });
    found.filter_map(finding).collect()
}

fn build_span(build: &ImageBuild, copy: &CopyUse) -> Option<crate::text::Span> {
    Some(build.dockerfile.instructions.get(copy.copy.instruction)?.span)
}

/// What stands in the way of taking these copies from a builder stage.
pub(super) fn uses(
    repository: &dyn Repository,
    build: &ImageBuild,
    uses: &[CopyUse],
    landing: &dyn Fn(&Copy, &CopySource, &str) -> (Landing, String),
) -> Vec<Finding> {
    let of_sources = uses
        .iter()
        .flat_map(|copy| copy.sources.iter().zip(&copy.copy.sources).map(move |(found, source)| (copy, found, source)))
        .flat_map(|(copy, found, source)| {
            let location = Location::new(&build.source, source.span);
            let moved = match found {
                SourceUse::Builder { path, .. } => {
                    let (landing, origin) = landing(&copy.copy, source, path);
                    let is_unclear = landing == Landing::Unclear;
                    let unpacked = copy.copy.is_add && (is_archive(&origin) || is_archive(path));
                    let has_mode =
                        build.dockerfile.instructions.get(copy.copy.instruction).is_some_and(|it| it.has_flag("chmod"));
                    let can = can_unpack(path, &origin) && !has_mode;
                    let unpacked = unpacked.then(|| unpacks(path, &origin, can, &location));
                    let place = source.path.as_deref().and_then(|path| build.context.folder.join(path));
                    let place = place.unwrap_or_default();
                    let others = build.takes_tracked(repository, place.as_str());
                    let is_file = path.rsplit('/').next().is_some_and(|name| name.contains('.'));
                    let others = others.then(|| match *path != *place.as_str() && !is_file {
                        true => mixes_folders(path, place.as_str(), &location),
                        false => holds_tracked(place.as_str(), &location),
                    });
                    let unclear = is_unclear.then(|| lands_anywhere(path, &location));
                    unclear.into_iter().chain(unpacked).chain(others).collect()
                }
                _ => Vec::new(),
            };
            of_source(build, &copy.copy, found, &location).into_iter().chain(moved)
        });
    uses.iter().filter_map(|found| not_to_be_moved(build, found)).chain(of_sources).collect()
}

/// A copy that takes files from both sides is split, which a here-document does not survive; and `--parents` keeps the folders
/// in front of a file, of which more stand there in the builder stage (Dockerfile reference: COPY --parents).
fn not_to_be_moved(build: &ImageBuild, found: &CopyUse) -> Option<Finding> {
    let instruction = build.dockerfile.instructions.get(found.copy.instruction)?;
    let moves = found.sources.iter().any(|source| *source != SourceUse::Context);
    let (message, help) = match instruction {
        _ if !moves => return None,
        it if it.has_flag("parents") => (
            "this keeps the folders of the files by --parents, and in the builder stage these are others",
            "copy the files of the hand-off to their whole path, without --parents",
        ),
        it if !it.heredocs.is_empty() => (
            "this takes files of the hand-off beside a here-document, and cannot be split",
            "copy the files of the hand-off in an instruction of their own",
        ),
        _ => return None,
    };
    Some(Finding::new(Code::CopyUnclear, Location::new(&build.source, instruction.span), message).with_help(help))
}

fn of_source(build: &ImageBuild, copy: &Copy, found: &SourceUse, location: &Location) -> Vec<Finding> {
    let finding = |code, message: String| vec![Finding::new(code, location.clone(), message)];
    match found {
        SourceUse::Context => Vec::new(),
        SourceUse::Unclear(doubt) => {
            let message = format!("it cannot be told what this takes of the hand-off: {doubt}");
            vec![Finding::new(Code::CopyUnclear, location.clone(), message).with_help(way_out(doubt))]
        }
        SourceUse::Builder { path, is_ignored } => {
            let mut findings = Vec::new();
            if *is_ignored {
                findings.push(ignored(build.command.builder, path, location));
            }
            if let Some(flag) = flag_of_add_alone(build, copy) {
                let message = format!("ADD knows --{flag}, and a copy from a stage does not");
                findings.extend(finding(Code::CopyUnclear, message));
            }
            findings
        }
        SourceUse::Ancestor { below, .. } => {
            let Some(why) = why_not_split(build, copy) else {
                return Vec::new();
            };
            let what = below.join(", ");
            let message = format!("this takes {what} along with the whole folder, and cannot be split: {why}");
            vec![Finding::new(Code::CopyUnclear, location.clone(), message).with_help(BY_NAME)]
        }
    }
}

fn way_out(doubt: &Doubt) -> String {
    match doubt {
        Doubt::Excluded(path) => format!("take {path} out of artifacts:exclude, or out of the Dockerfile"),
        Doubt::Others(source) => format!("hand on {source} in the job, or copy by name what it hands on"),
        Doubt::Variable(_) => {
            "write the path without the variable, or give the variable a default in the Dockerfile".to_owned()
        }
        Doubt::Folders(pattern) if pattern.contains("**") => {
            format!("name the folders instead of {pattern}, in the job and in a COPY for each of them")
        }
        Doubt::Ignored(..) | Doubt::Folders(_) => BY_NAME.to_owned(),
    }
}

/// Why no second copy can bring the files where this one brings them along with a folder.
fn why_not_split(build: &ImageBuild, copy: &Copy) -> Option<&'static str> {
    (build.target != Some(copy.stage)).then_some("it is in a stage that is not the last")
}

fn ignored(builder: Builder, path: &str, location: &Location) -> Finding {
    if builder.copies_nothing_silently() {
        let message = format!(
            "the ignore file keeps {path} out of the context, so {} copies nothing here and goes on; from the builder stage it would copy the files",
            builder.name()
        );
        let finding = Finding::new(Code::CopyUnclear, location.clone(), message);
        return finding.with_help("remove the copy, or take the files out of the ignore file");
    }
    let message = format!(
        "the ignore file keeps {path} out of the context, so this cannot have worked; from the builder stage it does"
    );
    Finding::new(Code::HandoffIgnored, location.clone(), message)
}

/// A flag that only `ADD` has (Dockerfile reference: ADD).
fn flag_of_add_alone<'a>(build: &'a ImageBuild, copy: &Copy) -> Option<&'a str> {
    let instruction = build.dockerfile.instructions.get(copy.instruction).filter(|_| copy.is_add)?;
    let shared = ["chmod", "chown", "exclude", "link"];
    instruction.flags.iter().map(|flag| flag.name.as_str()).find(|name| !shared.contains(name))
}

/// A file that git tracks in a folder of the hand-off, and that the image takes by its name: where the build deletes it, the
/// image had that of the clone.
fn names_tracked(situation: &Situation<'_>) -> Vec<Finding> {
    let patterns = situation.patterns();
    let is_doubtful = |path: &str| {
        let is_tracked =
            RepositoryPath::new(path).is_some_and(|place| situation.repository.tracked().contains_key(&place));
        is_tracked && !situation.is_build_input(path) && !patterns.iter().any(|pattern| pattern.text == path)
    };
    let sources = situation.handoff.uses.iter().flat_map(|copy| copy.sources.iter().zip(&copy.copy.sources));
    let finding = |(found, source): (&SourceUse, &CopySource)| {
        let SourceUse::Builder { path, .. } = found else {
            return None;
        };
        let message = format!(
            "git tracks {path}, and it cannot be told whether the build deletes it: then the image had that of the clone"
        );
        let finding = Finding::new(Code::CopyUnclear, Location::new(&situation.build().source, source.span), message);
        is_doubtful(path)
            .then(|| finding.with_help(format!("hand on {path} by its name, or let the image copy the whole folder")))
    };
    sources.filter_map(finding).collect()
}

fn unpacks(path: &str, origin: &str, can: bool, location: &Location) -> Finding {
    if can {
        let message =
            format!("ADD unpacks {path}, so the builder stage does, as an archive of the kind that its name tells");
        return Finding::new(Code::AddOfArchive, location.clone(), message)
            .with_help("hand on the files as they are, and take them by COPY: nothing has to be packed then");
    }
    let message = format!("ADD unpacks {origin}, and it cannot be told how the builder stage could");
    Finding::new(Code::CopyUnclear, location.clone(), message)
        .with_help("hand on the files as they are, and take them by COPY")
}

/// Archives that the builder stage unpacks only by a program which its image may not have.
fn unpacked_by_others(situation: &Situation<'_>) -> Vec<Finding> {
    let adds = situation.handoff.uses.iter().filter(|copy| copy.copy.is_add);
    let sources = adds.flat_map(|copy| copy.sources.iter().zip(&copy.copy.sources));
    let finding = |(found, source): (&SourceUse, &CopySource)| {
        let SourceUse::Builder { path, .. } = found else {
            return None;
        };
        let program = missing_program(situation, path)?;
        let message = format!("ADD unpacks {path}, and the image of the build job is not known to have {program}");
        let location = Location::new(&situation.build().source, source.span);
        Some(Finding::new(Code::CopyUnclear, location, message).with_help(format!(
            "pack it by gzip as a .tar.gz, call {program} in the script, or hand on the files as they are and take them by COPY"
        )))
    };
    sources.filter_map(finding).collect()
}

/// Globs for whose files the builder stage has no command that collects them.
fn collected_otherwise(situation: &Situation<'_>) -> Vec<Finding> {
    let handoff = situation.handoff;
    let has_programs = collected::has_programs(situation);
    let tracked = || situation.repository.tracked().iter();
    let is_link_to = |glob: &str, kind: FileKind, path: &RepositoryPath| {
        kind == FileKind::SymbolicLink && relation_of_paths(glob, path.as_str()) != Relation::Apart
    };
    let finding = |glob: &str| {
        let has_links = tracked().any(|(path, kind)| is_link_to(glob, *kind, path));
        let why = match (has_programs, has_links, handoff.origin_of(glob) == glob) {
            (false, ..) => {
                "the image of the build job is not known to have bash and GNU's cp, which could collect them"
            }
            (_, true, _) => "git tracks a link, through which they may lie elsewhere",
            (.., false) => "the image job moves them",
            _ => return None,
        };
        let pattern = situation.patterns().into_iter().find(|pattern| pattern.text == *glob)?;
        let message = format!("{glob} may match folders, and a COPY would empty these: {why}");
        let finding = Finding::new(Code::CopyUnclear, situation.pipeline.location(pattern.origin), message);
        Some(finding.with_help(BY_NAME))
    };
    collected::globs(situation).into_iter().filter_map(finding).collect()
}

/// What has another name where it was made, and may be a file or a folder, or go to either.
fn lands_anywhere(path: &str, location: &Location) -> Finding {
    let message = format!(
        "{path} has another name where it was made, and it cannot be told whether that would be its name in the image"
    );
    Finding::new(Code::CopyUnclear, location.clone(), message)
        .with_help("write the whole path of the file behind the COPY, its name included, or end a folder with '/'")
}

/// The contents of several folders are laid over each other in the order of their names, which two copies cannot keep.
fn mixes_folders(path: &str, glob: &str, location: &Location) -> Finding {
    let message = format!(
        "{glob} takes the contents of {path}, which the job hands on, together with those of folders that git tracks"
    );
    Finding::new(Code::CopyUnclear, location.clone(), message)
        .with_help(format!("copy {path} in an instruction of its own, and the other folders by their names"))
}

/// The image has what git tracks there, and what the build makes lies over it.
fn holds_tracked(path: &str, location: &Location) -> Finding {
    let message = format!(
        "git tracks files in {path}: the image goes on getting them from the context, and what the build makes lies over them"
    );
    Finding::new(Code::HandoffHoldsTrackedFiles, location.clone(), message)
}

/// `untracked`, the whole project or an unknown variable: there is no telling which files are handed on.
fn unbounded(situation: &Situation<'_>) -> Vec<Finding> {
    let unknown = situation.patterns().into_iter().find(|pattern| !pattern.is_known);
    if let Some(pattern) = unknown {
        let message = format!(
            "it cannot be told which files {} are: the value of its variable is not known here",
            pattern.written
        );
        let finding = Finding::new(Code::HandoffUnbounded, situation.pipeline.location(pattern.origin), message);
        return vec![finding.with_help("name the files by a path without it, in the job and in the Dockerfile")];
    }
    let flows = situation.handoff.flows.iter().filter(|flow| flow.is_unbounded);
    let finding = |_| {
        let message = "it cannot be told which files are handed on";
        Finding::new(Code::HandoffUnbounded, situation.producer_location("artifacts"), message)
            .with_help("name the files under 'paths'")
    };
    flows.map(finding).take(1).collect()
}

/// A pattern of `artifacts:exclude` for whose files the builder stage has no command that deletes them.
fn left_out_otherwise(situation: &Situation<'_>) -> Option<Finding> {
    let pattern = left_out::deletions(situation).err()?;
    let message = format!("the builder stage cannot leave out what {} leaves out of the artifacts", pattern.written);
    let finding = Finding::new(Code::CopyUnclear, situation.pipeline.location(pattern.origin), message);
    Some(finding.with_help("delete these files at the end of the job's script, and leave out artifacts:exclude"))
}

/// Files that the job uploads and the image does not take are lost to people who download them.
fn unused(situation: &Situation<'_>) -> Vec<Finding> {
    if situation.fate.is_to_stay() {
        return Vec::new();
    }
    let used = situation.used_patterns();
    let artifacts = situation.producer.artifacts().paths;
    let lost = artifacts.into_iter().filter(|pattern| !used.iter().any(|other| other.text == pattern.text));
    let finding = |pattern: crate::gitlab::PathPattern| {
        let message = format!(
            "{} is uploaded by the build job, does not go into the image, and is no longer kept",
            pattern.written
        );
        Finding::new(Code::ArtifactNoLongerKept, situation.pipeline.location(pattern.origin), message)
    };
    lost.map(finding).collect()
}
