//! Where a Dockerfile takes files out of an image that the job has built before, by the image's name: `COPY --from=app-build`.

use super::container::is_same_image;
use super::image_build::ImageBuild;
use crate::syntax::dockerfile::Word;
use crate::text::Span;

/// The name of an image in a `COPY --from=…` or a `RUN --mount=…,from=…`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImageReference {
    /// The index of the instruction.
    pub instruction: usize,
    /// The bytes of the name.
    pub span: Span,
}

/// The places that name an image with one of these tags; what a variable names is none.
pub(super) fn of(build: &ImageBuild, tags: &[String]) -> Vec<ImageReference> {
    let is_image = |word: &Word| {
        let name = word.text();
        let is_written = word.span.slice(build.source.text()) == name && !name.contains('$');
        is_written && build.stages.find(name).is_none() && tags.iter().any(|tag| is_same_image(tag, name))
    };
    let instructions = build.dockerfile.instructions.iter().enumerate();
    let found = instructions.flat_map(|(index, instruction)| {
        let flags = instruction.flags.iter().filter(|flag| flag.name == "from").filter_map(|flag| flag.value.as_ref());
        let mounts = instruction.mounts();
        let mounted = mounts.iter().filter_map(|mount| mount.from());
        let words = flags.chain(mounted).filter(|word| is_image(word));
        words.map(|word| ImageReference { instruction: index, span: word.span }).collect::<Vec<_>>()
    });
    found.collect()
}
