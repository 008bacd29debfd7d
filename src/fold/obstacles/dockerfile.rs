//! The Dockerfile must be one that can take another stage.

use crate::docker::{BuildCommand, Builder, Engine, Stage};
use crate::finding::{Code, Finding, Location};
use crate::fold::fate::Fate;
use crate::fold::situation::Situation;
use crate::gitlab::{PathPattern, Relation};
use crate::handoff::{ImageBuild, MountUse};
use crate::syntax::dockerfile::{Arguments, Keyword};

pub(super) fn check(situation: &Situation<'_>) -> Vec<Finding> {
    let build = situation.build();
    let location = situation.command_location();
    let patterns = situation.used_places();
    let findings = of_build(build, &location, situation.engine()).into_iter();
    findings
        .chain(platform(situation))
        .chain(taken_by_mounts(situation))
        .chain(mounts_elsewhere(situation, &patterns))
        .chain(commands_not_json(build))
        .collect()
}

/// The build job ran once, on the platform of the runner. BuildKit alone can say that of a stage
/// (Dockerfile reference: automatic platform ARGs).
fn platform(situation: &Situation<'_>) -> Option<Finding> {
    if !situation.is_for_other_platform() {
        return None;
    }
    let builder = situation.build().command.builder;
    let reason = if !builder.has_engine() {
        format!("{} cannot build a stage for the platform it runs on", builder.name())
    } else if builder != Builder::Buildx && !situation.has_buildkit() {
        "it is not certain that the builder is BuildKit, which alone builds a stage for the one it runs on".to_owned()
    } else if situation.fate == Fate::IsExported {
        "its files cannot be published for more than one".to_owned()
    } else {
        return None;
    };
    let message = format!("the build is for another platform than the build job ran on, and {reason}");
    let finding = Finding::new(Code::BuildCommandUnclear, situation.command_location(), message);
    Some(finding.with_help("build with 'docker buildx build', or for the platform of the runner"))
}

/// What stands in the way of another stage in this Dockerfile, built by this command.
pub(super) fn of_build(build: &ImageBuild, location: &Location, engine: Engine) -> Vec<Finding> {
    let problems = build.dockerfile.problems.iter().map(|problem| {
        Finding::new(Code::DockerfileUnclear, Location::new(&build.source, problem.span), problem.message.to_string())
    });
    let escape = (build.dockerfile.escape != '\\').then(|| {
        let message =
            "the escape directive gives the Dockerfile another syntax, which the generated stage does not have";
        Finding::new(Code::DockerfileUnclear, Location::new(&build.source, crate::text::Span::at(0)), message)
            .with_help("remove the directive, and write '\\' in the place of that character")
    });
    let target = build.target.is_none().then(|| {
        Finding::new(Code::DockerfileUnclear, location.clone(), "the Dockerfile has no stage of the name that is built")
    });
    problems
        .chain(escape)
        .chain(target)
        .chain(options(&build.command, location))
        .chain(old_engine(location, engine).filter(|_| build.command.builder.has_engine()))
        .chain(onbuild(build))
        .collect()
}

/// Options that would treat the builder stage in a way the build job was not treated.
fn options(command: &BuildCommand, location: &Location) -> Vec<Finding> {
    let finding = |message: &str| {
        Finding::new(Code::BuildCommandUnclear, location.clone(), message.to_owned())
            .with_help("build without this option, or leave the pipeline as it is")
    };
    let mut findings = Vec::new();
    if command.option("--network").is_some_and(|network| network == "none") {
        findings.push(finding("the build has no network, and the build job had one"));
    }
    if command.option("--pull").is_some_and(|pull| pull.trim_matches(['"', '\'']) == "never") {
        findings.push(finding("the build pulls no images, and the builder stage needs one"));
    }
    if command.target.as_deref().is_some_and(|target| target.bytes().all(|byte| byte.is_ascii_digit())) {
        findings.push(finding("the build names its stage by a number, which another stage would shift"));
    }
    findings
}

fn old_engine(location: &Location, engine: Engine) -> Option<Finding> {
    engine.lacks_stages().then(|| {
        let message = "the engine of this job is older than 17.05 and builds no stages";
        Finding::new(Code::EngineTooOld, location.clone(), message).with_help("use a newer 'docker' image and service")
    })
}

/// `ONBUILD COPY` takes files when another image is built, from that one's context.
fn onbuild(build: &ImageBuild) -> Vec<Finding> {
    let found = build.dockerfile.instructions.iter().filter(|instruction| {
        let inner = instruction.onbuild.as_ref().map(|inner| inner.keyword);
        matches!(inner, Some(Keyword::Copy | Keyword::Add))
    });
    let finding = |instruction: &crate::syntax::dockerfile::Instruction| {
        let message = "this copies files when another image is built, and it cannot be told which";
        Finding::new(Code::DockerfileUnclear, Location::new(&build.source, instruction.span), message)
            .with_help("copy the files in the Dockerfiles that start from this image")
    };
    found.map(finding).chain(onbuild_bases(build)).collect()
}

/// A base image that is made to be built on takes files of the context, and its instructions are not here.
fn onbuild_bases(build: &ImageBuild) -> Vec<Finding> {
    let bases = build.stages.stages.iter().filter(|stage| stage.is_of_onbuild());
    let finding = |stage: &Stage| {
        let span = build.dockerfile.instructions.get(stage.from)?.span;
        let message = "this image seems to copy files of the context by ONBUILD, and it cannot be told which";
        let finding = Finding::new(Code::DockerfileUnclear, Location::new(&build.source, span), message);
        Some(finding.with_help("start from the image without ONBUILD, and copy the files here"))
    };
    bases.filter_map(finding).collect()
}

/// A bind mount that takes the files, and cannot take them from the builder stage.
fn taken_by_mounts(situation: &Situation<'_>) -> Vec<Finding> {
    let build = situation.build();
    let cannot =
        |path: &str| situation.handoff.origin_of(path) != path || build.takes_tracked(situation.repository, path);
    let found = situation.handoff.mounts.iter().filter(|mount| mount.path.as_deref().is_none_or(cannot));
    let finding = |mount: &MountUse| {
        let span = build.dockerfile.instructions.get(mount.instruction)?.span;
        let message = "this mounts files of the hand-off out of the context, and others or by another name";
        let finding = Finding::new(Code::CopyUnclear, Location::new(&build.source, span), message);
        Some(finding.with_help("mount what the build makes and nothing else, or copy the files instead"))
    };
    found.filter_map(finding).collect()
}

/// A mount of files that the image job has laid elsewhere, which the hand-off does not tell.
fn mounts_elsewhere(situation: &Situation<'_>, patterns: &[PathPattern]) -> Vec<Finding> {
    let is_known = |finding: &Finding| {
        situation
            .handoff
            .mounts
            .iter()
            .filter_map(|mount| situation.build().dockerfile.instructions.get(mount.instruction))
            .any(|instruction| finding.location == Location::new(&situation.build().source, instruction.span))
    };
    mounts(situation.build(), patterns).into_iter().filter(|finding| !is_known(finding)).collect()
}

/// `RUN --mount=type=bind` takes files of the context without a `COPY`.
pub(super) fn mounts(build: &ImageBuild, patterns: &[PathPattern]) -> Vec<Finding> {
    let instructions = build.dockerfile.instructions.iter().filter(|instruction| instruction.keyword == Keyword::Run);
    let found = instructions.filter(|instruction| {
        instruction.mounts().iter().any(|mount| {
            let source = mount.source().map_or("", |source| source.text());
            let place = build.context.folder.join(source).unwrap_or_default();
            mount.kind() == "bind"
                && mount.from().is_none()
                && patterns.iter().any(|pattern| pattern.relation(place.as_str()) != Relation::Apart)
        })
    });
    let finding = |instruction: &crate::syntax::dockerfile::Instruction| {
        let message = "this mounts files of the hand-off out of the context";
        Finding::new(Code::CopyUnclear, Location::new(&build.source, instruction.span), message)
            .with_help("copy the files instead")
    };
    found.map(finding).collect()
}

/// `CMD ["node" "server.js"]` looks like JSON, is none, and so goes to a shell as it is.
pub(super) fn commands_not_json(build: &ImageBuild) -> Vec<Finding> {
    let looks_like_json = |instruction: &&crate::syntax::dockerfile::Instruction| {
        let is_command = matches!(instruction.keyword, Keyword::Cmd | Keyword::Entrypoint);
        is_command && matches!(&instruction.arguments, Arguments::Shell(text) if text.text().starts_with('['))
    };
    let finding = |instruction: &crate::syntax::dockerfile::Instruction| {
        let keyword = instruction.keyword;
        let message =
            format!("this {keyword} is not valid JSON, so Docker hands it to a shell as it stands; the fold leaves it");
        Finding::new(Code::CommandNotJson, Location::new(&build.source, instruction.span), message)
            .with_help("put a comma between the words, and double quotes around each")
    };
    build.dockerfile.instructions.iter().filter(looks_like_json).map(finding).collect()
}
