//! In what the builder of the image differs from Docker's, as far as a builder stage meets it.

use crate::docker::{Builder, Step, StepWord};
use crate::finding::{Code, Finding, Location};
use crate::fold::run_lines::Shell;
use crate::fold::situation::Situation;

pub(super) fn check(situation: &Situation<'_>) -> Vec<Finding> {
    let builder = situation.build().command.builder;
    let findings = match builder {
        Builder::Buildctl | Builder::Img => return without_value(situation).into_iter().collect(),
        Builder::Docker | Builder::Buildx | Builder::Bake | Builder::Compose | Builder::Nerdctl => return Vec::new(),
        Builder::Kaniko => [lost_files(situation), ignored_paths(situation), ignored_below(situation)].concat(),
        Builder::Buildah | Builder::Podman => [shell(situation), container_ignore(situation)].concat(),
    };
    findings.into_iter().chain(owners(situation)).collect()
}

/// buildctl and img take a build argument with its value alone, and one that is not set would become an empty one.
fn without_value(situation: &Situation<'_>) -> Option<Finding> {
    let builder = situation.build().command.builder;
    let options = situation.options_to_add();
    let argument = options.iter().find_map(|option| option.strip_prefix("--build-arg "));
    argument.filter(|_| !builder.passes_variables()).map(|name| {
        let message = format!("the build reads {name}, and {} passes no variable on by its name alone", builder.name());
        Finding::new(Code::BuilderLacksFeature, situation.command_location(), message).with_help(match builder {
            Builder::Img => format!("pass it yourself: '--build-arg {name}=${name}'"),
            _ => format!("pass it yourself: '--opt build-arg:{name}=${name}'"),
        })
    })
}

/// Before 1.44 buildah passes over `SHELL` unless it builds in the one image format that can hold it
/// (buildah: `imagebuildah/stage_executor.go`).
fn shell(situation: &Situation<'_>) -> Vec<Finding> {
    let command = &situation.build().command;
    let written = command.option("--format").map(|format| format.trim_matches(['"', '\'']).to_owned());
    let format = written.or_else(|| situation.consumer.variables.value("BUILDAH_FORMAT")).unwrap_or_default();
    if !matches!(situation.script.shell(), Shell::Of(_)) || format == "docker" {
        return Vec::new();
    }
    let message = format!(
        "the script relies on the runner's shell, and {} may pass over SHELL unless it builds by '--format docker'",
        command.builder.name()
    );
    let finding = Finding::new(Code::BuilderLacksFeature, situation.command_location(), message)
        .with_related(situation.producer_location("script"), "the script")
        .with_help("build with '--format docker', or write the script without pipelines and bash's own syntax");
    vec![finding]
}

/// buildah's own ignore file comes before Docker's (buildah: `ContainerIgnoreFile` in `pkg/parse/parse.go`).
fn container_ignore(situation: &Situation<'_>) -> Vec<Finding> {
    let command = &situation.build().command;
    let own = crate::text::RepositoryPath::new(&format!("{}.containerignore", command.dockerfile));
    let places = own.into_iter().chain(command.context.folder().join(".containerignore"));
    let found = places.filter(|path| situation.repository.tracks(path)).map(|path| {
        let message = format!("{path} says what is left out of the context, and it is not read here");
        Finding::new(Code::IgnoreHidesSources, situation.command_location(), message)
            .with_help("call it .dockerignore, which buildah and podman read as well")
    });
    found.collect()
}

/// What the job wrote outside the project is gone when the last stage is built and the image is pushed. A
/// Dockerfile that had several stages before already lived with that.
fn lost_files(situation: &Situation<'_>) -> Vec<Finding> {
    let build = situation.build();
    let target = build.target.unwrap_or_default();
    let skips_others = build.command.has_option("--skip-unused-stages");
    if skips_others && build.stages.reachable(target).len() > 1 || !skips_others && target > 0 {
        return Vec::new();
    }
    let before = situation.handoff.script.walk.steps.iter().take(build.command.steps_before);
    let lost = before.filter_map(|step| Some((step, lost_file(build.command.builder, step)?)));
    let finding = |(step, file): (&Step, String)| {
        let location = situation.handoff.script.step_location(situation.pipeline, step);
        let location = location.unwrap_or_else(|| situation.consumer_location("script"));
        let message = format!("kaniko deletes {file} behind the builder stage, and may need it to push the image");
        Finding::new(Code::FileLostBetweenStages, location, message)
            .with_help("write it below /kaniko, such as /kaniko/.docker/config.json, or leave it out")
    };
    lost.map(finding).collect()
}

/// The first file outside the project that a step writes, and that does not stay.
fn lost_file(builder: Builder, step: &Step) -> Option<String> {
    if links_to_project(step) {
        return None;
    }
    let redirected = step.redirections.iter().filter(|(_, is_written)| *is_written).map(|(target, _)| target);
    let mut written = redirected.chain(operands_written(step));
    let is_lost = |word: &&StepWord| match word.pattern.as_deref() {
        Some(path) if path.starts_with(crate::docker::PROJECT_FOLDER) => false,
        Some(path) if path.starts_with('/') => !builder.keeps_between_stages(path),
        Some(path) => path.starts_with('~') || step.folder.is_none(),
        None => true,
    };
    written.find(is_lost).map(|word| word.raw.clone())
}

/// Whether a step makes a link to the project's folder, where no registry's login can be.
fn links_to_project(step: &Step) -> bool {
    let words = step.words.get(1..).unwrap_or_default();
    let is_symbolic = |word: &StepWord| {
        word.text().is_some_and(|text| {
            text == "--symbolic" || text.starts_with('-') && !text.starts_with("--") && text.contains('s')
        })
    };
    let mut operands = words.iter().filter(|word| !word.raw.starts_with('-'));
    let is_project = |word: &StepWord| word.text() == Some(crate::docker::PROJECT_FOLDER);
    step.program() == Some("ln") && words.iter().any(is_symbolic) && operands.next().is_some_and(is_project)
}

/// The words of a step that name what it writes, as far as the program tells.
fn operands_written(step: &Step) -> &[StepWord] {
    let words = step.words.get(1..).unwrap_or_default();
    match step.program() {
        Some("cp" | "mv" | "ln" | "install") => words.get(words.len().saturating_sub(1)..).unwrap_or_default(),
        Some("tee" | "touch") => words,
        Some("curl" | "wget") => {
            let is_output =
                |word: &StepWord| matches!(word.text(), Some("-o" | "-O" | "--output" | "--output-document"));
            let at = words.iter().position(is_output).map_or(words.len(), |at| at + 1);
            words.get(at..).and_then(|rest| rest.get(..1)).unwrap_or_default()
        }
        _ => &[],
    }
}

/// `--ignore-path` takes a folder out of every stage.
fn ignored_paths(situation: &Situation<'_>) -> Vec<Finding> {
    let options = situation.build().command.options.iter().filter(|(name, _)| name == "--ignore-path");
    let holds =
        |path: &str, other: &str| other.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    let meets = |path: &str| {
        let path = path.trim_matches(['"', '\'']).trim_end_matches('/');
        path.contains('$') || holds(path, &situation.folder) || holds(&situation.folder, path)
    };
    let found = options.filter_map(|(_, path)| path.as_deref()).filter(|path| meets(path));
    let finding = |path: &str| {
        let message = format!("kaniko ignores {path}, where the builder stage would lie in {}", situation.folder);
        Finding::new(Code::BuilderLacksFeature, situation.command_location(), message)
            .with_help("build without this option, or name a path that the stage does not use")
    };
    found.map(finding).collect()
}

/// kaniko matches `**` less deeply than Docker, so what the ignore file says of the hand-off is not what it does
/// (kaniko: `ExcludesFile` in `pkg/util/fs_util.go`).
fn ignored_below(situation: &Situation<'_>) -> Vec<Finding> {
    let Some((file, ignore)) = &situation.build().context.ignore else {
        return Vec::new();
    };
    let patterns = situation.patterns();
    let is_left_out = patterns.iter().any(|pattern| situation.is_left_out(pattern));
    let deep = ignore.patterns.iter().find(|pattern| pattern.path.contains("**")).filter(|_| is_left_out);
    let finding = deep.map(|pattern| {
        let message = "some of the files that are handed on may be left out here, and kaniko reads '**' unlike Docker";
        Finding::new(Code::CopyUnclear, Location::new(file, pattern.span), message)
            .with_help("name the paths in the ignore file without '**'")
    });
    finding.into_iter().collect()
}

/// Copies keep owners on both sides, so an owner that the script sets goes on into the image.
fn owners(situation: &Situation<'_>) -> Option<Finding> {
    let builder = situation.build().command.builder;
    let may_be_owned = builder.keeps_owners_of_context() && situation.script.may_change_owners();
    may_be_owned.then(|| {
        let message =
            format!("the script may change owners, and {} keeps them in every copy; so does the fold", builder.name());
        Finding::new(Code::OwnersFromBuild, situation.producer_location("script"), message)
            .with_help("if the files must be root's, write '--chown=0:0' at the copy")
    })
}
