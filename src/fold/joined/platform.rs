//! The platform of the stages of the first Dockerfile, which are part of a build for the platforms of the second image then.

use crate::docker::Base;
use crate::gitlab::Job;
use crate::handoff::{DockerCp, ImageBuild};
use crate::syntax::dockerfile::Instruction;
use crate::text::TextEdit;

/// The variable that names the platform of builds that name none (Docker CLI reference: environment variables).
const DEFAULT: &str = "DOCKER_DEFAULT_PLATFORM";

/// What the platform of the first stages is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::fold) enum Platform {
    /// That of the build.
    OfBuild,
    /// That of the builder, where the first image was built without naming any (Dockerfile reference: automatic platform ARGs).
    OfBuilder,
}

impl Platform {
    /// The platform that the first stages need to be what they were.
    ///
    /// # Errors
    /// Why they cannot have it, as a sentence without a full stop.
    pub(super) fn of(job: Option<&Job>, found: &DockerCp, has_buildkit: bool) -> Result<Self, &'static str> {
        let (first, second) = (&found.first.command, &found.second.command);
        let options = second.builder.platform_options();
        let named = |of: fn(&Option<String>) -> bool| {
            options.iter().filter(|it| second.has_option(it)).any(|it| of(&second.option(it).map(str::to_owned)))
        };
        if !options.iter().any(|option| first.has_option(option) || second.has_option(option)) {
            return Ok(Self::OfBuild);
        }
        if options.iter().all(|option| first.option(option) == second.option(option)) {
            // What is built for several platforms at once is no image that files can be copied out of.
            let may_be_several =
                named(|platform| platform.as_ref().is_none_or(|platform| platform.contains([',', '$', '`'])));
            let message = "the two builds are for more than one platform, or it is not known for which";
            return if may_be_several { Err(message) } else { Ok(Self::OfBuild) };
        }
        if options.iter().any(|option| first.has_option(option)) {
            return Err("the two builds are for different platforms");
        }
        let mut texts = found.script.items.iter().filter_map(|item| item.text.as_deref());
        let is_set = job.is_some_and(|job| job.variables.value(DEFAULT).is_some());
        if is_set || texts.any(|text| text.contains(DEFAULT)) {
            return Err("the second build is for another platform, and a variable says which the first one was for");
        }
        let dockerfile = &found.first.dockerfile;
        if !has_buildkit && !second.builder.is_buildkit() {
            return Err(
                "the second build is for another platform, and it is not certain that the builder is BuildKit, which alone builds a stage for the one it runs on",
            );
        }
        if !second.builder.has_engine()
            || super::is_one_file(found)
            || found.keeps_first()
            || !found.references.is_empty()
        {
            return Err("the second build is for another platform, and the first one was not");
        }
        if dockerfile.text().contains("TARGET")
            || dockerfile.instructions.iter().any(|it| takes_of_image(&found.first, it))
        {
            return Err(
                "the second build is for another platform, and the first Dockerfile takes files of images, or asks for the platform",
            );
        }
        Ok(Self::OfBuilder)
    }
}

/// Whether an instruction takes files of an image, which would be the one for the platform of the build.
fn takes_of_image(first: &ImageBuild, instruction: &Instruction) -> bool {
    let flags = instruction.flags.iter().filter(|flag| flag.name == "from").filter_map(|flag| flag.value.as_ref());
    let mounts = instruction.mounts();
    let mut named = flags.chain(mounts.iter().filter_map(|mount| mount.from()));
    named.any(|from| first.stages.find(from.text()).is_none())
}

/// Keeps a stage on the platform of the builder, where it names none.
pub(super) fn on_builder(first: &ImageBuild, instruction: &Instruction) -> TextEdit {
    let stage =
        first.stages.stages.iter().find(|stage| {
            first.dockerfile.instructions.get(stage.from).is_some_and(|from| from.span == instruction.span)
        });
    let is_of_image = stage.is_some_and(|stage| matches!(stage.base, Base::Image(_)));
    if !is_of_image || instruction.has_flag("platform") {
        return TextEdit::default();
    }
    first.dockerfile.set_flag(instruction, "platform", Some("$BUILDPLATFORM"))
}
