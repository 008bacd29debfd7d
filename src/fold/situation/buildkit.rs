//! The builder of an older engine, which is the legacy one unless `DOCKER_BUILDKIT` says otherwise (Docker Engine release notes, 18.09
//! and 23.0).
//!
//! Only BuildKit mounts secrets. Where the engine has it and nothing asks for either, a fold that needs one asks for it:
//! ```yaml
//! - docker build -t image .
//! ```
//! becomes
//! ```yaml
//! - DOCKER_BUILDKIT=1 docker build --secret id=NPM_TOKEN,env=NPM_TOKEN -t image .
//! ```
//! All of the image is built by it then, so it has to be one that both make alike.

use crate::docker::{Base, BuildContext, Builder, ImageName};
use crate::gitlab::Job;
use crate::handoff::{Handoff, ImageBuild, JobScript};
use crate::syntax::dockerfile::Keyword;
use crate::syntax::shell::Nesting;

/// Options of `docker build` that both builders read alike.
const OF_BOTH: [&str; 12] = [
    "-f",
    "-t",
    "--build-arg",
    "--file",
    "--force-rm",
    "--label",
    "--no-cache",
    "--pull",
    "--quiet",
    "--rm",
    "--tag",
    "--target",
];

/// The value that the job gives to `DOCKER_BUILDKIT` for its build, where it does.
pub(super) fn asked_for(consumer: &Job, script: &JobScript, build: &ImageBuild) -> Option<String> {
    let command = &build.command;
    let before = script.walk.steps.iter().take(command.step);
    let exported = before.filter(|step| step.program() == Some("export")).flat_map(|step| {
        step.words.iter().filter_map(|word| word.text()?.strip_prefix("DOCKER_BUILDKIT=")).map(str::to_owned)
    });
    let in_front = command.environment.iter().rev().find(|(name, _)| name == "DOCKER_BUILDKIT");
    in_front
        .map(|(_, value)| value.clone().unwrap_or_default())
        .or_else(|| exported.last())
        .or_else(|| consumer.variables.value("DOCKER_BUILDKIT"))
}

/// Whether the command may be told to build by BuildKit, and makes the same image by it.
pub(super) fn may_be_turned_on(consumer: &Job, handoff: &Handoff) -> bool {
    let (build, script) = (&handoff.build, &handoff.script);
    let command = &build.command;
    let names_it = |text: &str| text.contains("DOCKER_BUILDKIT");
    let is_open = consumer.variables.get("DOCKER_BUILDKIT").is_none()
        && !script.items.iter().any(|item| item.text.as_deref().is_some_and(names_it));
    let is_docker = |name: &str| ImageName::new(name).name == "docker";
    let image = consumer.image().and_then(|image| image.name);
    let has_engine = image.as_deref().is_some_and(is_docker)
        && consumer.services().iter().any(|(name, _)| is_docker(name))
        && command.builder == Builder::Docker;
    let text = script.items.get(command.item).and_then(|item| item.text.as_deref()).unwrap_or_default();
    // Behind `time` and its kin the assignment would be the name of a program.
    let before = text.get(..command.span.start()).unwrap_or_default();
    let begins = before.trim().is_empty() || before.ends_with('\n') || before.trim_end().ends_with(['&', ';']);
    let is_bare = begins
        && command.span.slice(text).starts_with("docker ")
        && command.environment.is_empty()
        && command.described_in.is_none()
        && command.caller.is_none()
        && script.part(command.item).is_none();
    let nesting = script.walk.steps.get(command.step).map(|step| step.place.nesting.as_slice()).unwrap_or_default();
    // What it prints is another text.
    let is_read = nesting.iter().any(|nesting| matches!(nesting, Nesting::Pipeline | Nesting::Substitution));
    let is_known = command.options.iter().all(|(option, _)| OF_BOTH.contains(&option.as_str()));
    is_open && has_engine && is_bare && !is_read && is_known && is_built_alike(build)
}

/// Whether both builders make the same of a Dockerfile: BuildKit leaves out the stages that nothing takes, reads an ignore file of
/// the Dockerfile's own, gives an argument another rank than a variable of the base image, downloads by other means, lets what a `RUN`
/// does in a volume last, and gives a folder that `WORKDIR` makes to the user.
fn is_built_alike(build: &ImageBuild) -> bool {
    let all_are_built = build.target.is_some_and(|target| build.stages.reachable(target).len() == target + 1);
    let own = BuildContext::own_ignore_file(&build.command.dockerfile);
    let is_shared = build.context.ignore.as_ref().is_none_or(|(file, _)| *file.path() != own);
    let instructions = &build.dockerfile.instructions;
    // A directive names a frontend, which the legacy builder does not read.
    let in_stages = instructions.iter().skip_while(|instruction| instruction.keyword != Keyword::From);
    let of_root = |image: &str| {
        image == "scratch" || ImageName::new(image).is_official() && ImageName::new(image).default_user().is_none()
    };
    let works_as_root = build.stages.stages.iter().all(|stage| match &stage.base {
        Base::Image(Some(image)) => of_root(image),
        Base::Image(None) => false,
        Base::Stage(_) => true,
    });
    let makes_folders = instructions.iter().any(|instruction| instruction.keyword == Keyword::Workdir);
    let is_odd = |keyword| {
        let of_owners = makes_folders && keyword == Keyword::User;
        of_owners || matches!(keyword, Keyword::Add | Keyword::Arg | Keyword::Onbuild | Keyword::Volume)
    };
    let mut odd = in_stages.filter(|instruction| is_odd(instruction.keyword));
    all_are_built
        && is_shared
        && odd.next().is_none()
        && (works_as_root || !makes_folders)
        && build.dockerfile.directives.is_empty()
        && !build.stages.has_onbuild_base()
}
