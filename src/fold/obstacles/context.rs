//! The builder stage gets its sources from the build context: that must be the whole project.

mod named;

use crate::docker::{BuildContext, Builder, CommandContext, CopySource};
use crate::finding::{Code, Finding, Location};
use crate::fold::relaxing::{self, Relaxing};
use crate::fold::situation::Situation;
use crate::source::FileKind;
use crate::text::{RepositoryPath, Span};

pub(super) fn check(situation: &Situation<'_>) -> Vec<Finding> {
    let missing = missing(situation).into_iter();
    missing
        .chain(narrow(situation))
        .chain(hidden(situation))
        .chain(two_files(situation))
        .chain(submodules(situation))
        .chain(history(situation))
        .chain(named::check(situation))
        .collect()
}

/// `docker build -t x` without a context cannot have worked; the fold writes the one that is meant.
fn missing(situation: &Situation<'_>) -> Option<Finding> {
    if !matches!(situation.build().command.context, CommandContext::Missing(_)) {
        return None;
    }
    let item = situation.handoff.script.items.get(situation.build().command.item)?;
    if !situation.is_consumers_own(item.origin) {
        let (code, whose) = situation.whose(item.origin);
        let message = format!("this build names no context, and the line {whose}, so it cannot be completed here");
        let finding = Finding::new(code, situation.command_location(), message);
        return Some(finding.with_help("add the missing '.' behind the options"));
    }
    let message = "this build names no context, so it cannot have worked; the fold adds the missing '.'";
    Some(Finding::new(Code::BuildContextMissing, situation.command_location(), message))
}

fn narrow(situation: &Situation<'_>) -> Option<Finding> {
    let folder = situation.build().command.context.folder();
    if folder.is_root() {
        return None;
    }
    let reason = match situation.widening.as_ref()? {
        Ok(_) => return widened(situation, folder),
        Err(reason) => reason,
    };
    let message = format!("the build context is {folder}, the builder stage needs the whole project, and {reason}");
    let command = match situation.build().command.builder {
        Builder::Kaniko => "executor --context $CI_PROJECT_DIR --dockerfile PATH/Dockerfile",
        Builder::Buildah => "buildah build -f PATH/Dockerfile .",
        Builder::Podman => "podman build -f PATH/Dockerfile .",
        Builder::Buildctl => "buildctl build --local context=. --local dockerfile=PATH",
        Builder::Bake => "context = \".\"', and 'dockerfile = \"PATH/Dockerfile\"",
        Builder::Img => "img build -f PATH/Dockerfile .",
        Builder::Compose => "docker build -f PATH/Dockerfile .",
        Builder::Nerdctl => "nerdctl build -f PATH/Dockerfile .",
        Builder::Docker | Builder::Buildx => "docker build -f PATH/Dockerfile .",
    };
    let finding = Finding::new(Code::ContextNarrowerThanSources, situation.command_location(), message)
        .with_help(format!("build with the project's folder as context: '{command}'"));
    Some(finding)
}

/// The context becomes the whole project, in the line of the image job and in the Dockerfile.
fn widened(situation: &Situation<'_>, folder: &RepositoryPath) -> Option<Finding> {
    let item = situation.handoff.script.items.get(situation.build().command.item)?;
    let is_in_line = situation.wider()?.described.is_none();
    if is_in_line && !situation.is_consumers_own(item.origin) {
        let (code, whose) = situation.whose(item.origin);
        let message = format!("the build context must become the whole project, and the line {whose}");
        let finding = Finding::new(code, situation.command_location(), message);
        return Some(finding.with_help("write the script of the image job in the job itself"));
    }
    let dockerfile = &situation.build().command.dockerfile;
    let message = format!(
        "the build context becomes the whole project instead of {folder}, and every other build of {dockerfile} needs that too"
    );
    let finding = Finding::new(Code::ContextWidened, situation.command_location(), message);
    Some(finding.with_help(format!("build it by hand with '-f {dockerfile} .' from the project's folder")))
}

/// Sources that the ignore file keeps from the builder stage.
fn hidden(situation: &Situation<'_>) -> Vec<Finding> {
    if let Some(relaxed) = situation.relaxed() {
        return relaxed_by_lines(situation, relaxed);
    }
    let context = situation.sources();
    let hidden = relaxing::hidden(situation.repository, context, situation.build().command.context.folder());
    let Some(((file, ignore), first)) = context.ignore.as_ref().zip(hidden.first()) else {
        return Vec::new();
    };
    let reason = match &situation.relaxing {
        Some(Err(reason)) => format!("; letting them through is not possible: {reason}"),
        _ => String::new(),
    };
    let message = format!(
        "the ignore file keeps {} from the build context, where the build needs all sources{reason}",
        told(&hidden)
    );
    let pattern = first.relative_to(&context.folder).and_then(|below| ignore.deciding_pattern(below));
    let location = Location::new(file, pattern.map_or(Span::at(0), |pattern| pattern.span));
    let finding = Finding::new(Code::IgnoreHidesSources, location, message)
        .with_help("take out of the ignore file what the build needs, and copy by name what the image needs");
    vec![finding]
}

/// The ignore file lets the sources through, and the copies of the image say what they take.
fn relaxed_by_lines(situation: &Situation<'_>, relaxed: &Relaxing) -> Vec<Finding> {
    let context = &situation.build().context;
    let hidden = relaxing::hidden(situation.repository, context, &context.folder);
    let Some((file, _)) = &context.ignore else {
        return Vec::new();
    };
    let (what, help) = match relaxed.own_file() {
        Some(own) => {
            (format!("{own} takes its place for this image"), format!("other builds go on reading {}", file.path()))
        }
        None => ("it goes".to_owned(), format!("builds by hand that read {} send these files too", file.path())),
    };
    let message =
        format!("this keeps {} from the builder stage, so {what}; the image takes no more than before", told(&hidden));
    let let_through = Finding::new(Code::IgnoreRelaxed, Location::new(file, relaxed.line), message).with_help(help);
    let by_name = relaxed.names_files().then(|| {
        let message = "the image names what it copies of the project from now on, where it copied what the ignore file let through";
        Finding::new(Code::CopyByName, named_at(situation, relaxed), message)
            .with_help("files that the image needs and that are added to the project later have to be named there too")
    });
    let shared = relaxed.is_shared.then(|| {
        let message = format!(
            "other Dockerfiles of the repository may be built with {}, and their images may get what it no longer keeps away",
            file.path()
        );
        Finding::new(Code::IgnoreShared, Location::new(file, relaxed.line), message).with_help(
            "if they copy nothing of that, accept it with '--accept ignore-shared'; on BuildKit this image gets a file of its own",
        )
    });
    let anew = relaxed.first_folder().map(|folder| {
        let message = format!(
            "a copy that names the folder {folder} makes it anew, so it has mode 755 in the image instead of what the clone of the runner has, 777"
        );
        Finding::new(Code::FolderMadeAnew, named_at(situation, relaxed), message)
            .with_help("if nobody but root writes to it there, accept it with '--accept folder-made-anew'")
    });
    std::iter::once(let_through).chain(by_name).chain(shared).chain(anew).collect()
}

/// The first source that names what it takes from now on.
fn named_at(situation: &Situation<'_>, relaxed: &Relaxing) -> Location {
    let build = situation.build();
    let is_named = |source: &&CopySource| {
        let place = source.path.as_deref().and_then(|path| build.context.folder.join(path));
        place.and_then(|place| relaxed.named(&place)).is_some_and(|named| !named.is_empty())
    };
    let mut sources = build.stages.copies.iter().filter(|copy| copy.from.is_none()).flat_map(|copy| &copy.sources);
    let found = sources.find(is_named).map(|source| Location::new(&build.source, source.span));
    found.unwrap_or_else(|| Location::File(build.source.path().clone()))
}

/// The first of some files, and how many more there are.
fn told(paths: &[&RepositoryPath]) -> String {
    let first = paths.first().map_or("nothing", |path| path.as_str());
    if paths.len() > 1 { format!("{first} and {} more", paths.len() - 1) } else { first.to_owned() }
}

/// BuildKit reads one ignore file, the legacy builder the other.
fn two_files(situation: &Situation<'_>) -> Option<Finding> {
    let command = &situation.build().command;
    if situation.has_buildkit() || command.builder.is_buildkit() {
        return None;
    }
    BuildContext::has_two_ignore_files(situation.repository, command.context.folder(), &command.dockerfile).then(|| {
        let message = format!(
            "{}.dockerignore and .dockerignore are both there, and builders differ in which they read",
            command.dockerfile
        );
        Finding::new(Code::IgnoreHidesSources, situation.command_location(), message)
            .with_help("keep one of them, or say that the builder is BuildKit with '--builder buildkit'")
    })
}

/// Files at the root that may make the build ask git.
const MANIFESTS: [&str; 9] = [
    "Makefile",
    "build.gradle",
    "build.gradle.kts",
    "build.sbt",
    "package.json",
    "pom.xml",
    "pyproject.toml",
    "setup.py",
    "vite.config.ts",
];

/// What they hold then.
const ASKS_GIT: [&str; 11] = [
    "git describe",
    "git log",
    "git rev-parse",
    "git-commit-id",
    "git-describe",
    "git-rev",
    "gitversion",
    "grgit",
    "jgitver",
    "sbt-git",
    "setuptools_scm",
];

/// A build that asks git for its version needs the `.git` folder, which many ignore files leave out.
fn history(situation: &Situation<'_>) -> Option<Finding> {
    let (file, ignore) = situation.sources().ignore.as_ref()?;
    let pattern = ignore.deciding_pattern(".git/HEAD").filter(|pattern| !pattern.negated)?;
    let manifest = MANIFESTS.iter().find_map(|name| {
        let file = situation.repository.read(&RepositoryPath::new(name)?).ok()?;
        ASKS_GIT.iter().any(|word| file.text().contains(word)).then_some(file)
    })?;
    let message = format!("the ignore file keeps .git from the build context, and {} asks git", manifest.path());
    Some(Finding::new(Code::IgnoreHidesSources, Location::new(file, pattern.span), message))
}

/// Submodules are in the clone only where the settings say so.
fn submodules(situation: &Situation<'_>) -> Option<Finding> {
    let (path, _) = situation.repository.tracked().iter().find(|(_, kind)| **kind == FileKind::Submodule)?;
    let strategy = situation.consumer.variables.get("GIT_SUBMODULE_STRATEGY");
    let is_lost = strategy.is_some() && situation.sources().leaves_out(path);
    is_lost.then(|| {
        let message = format!("the ignore file keeps the submodule {path} from the build context");
        Finding::new(Code::IgnoreHidesSources, situation.command_location(), message)
    })
}
