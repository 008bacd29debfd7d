//! `--parents` keeps the folders in front of a file, and in the builder stage more of them stand there.
//!
//! `COPY --parents target/app.jar /opt/` becomes `COPY --from=builder --parents /src/./target/app.jar /opt/`, and only what
//! stands behind the `/./` is kept (Dockerfile reference: COPY --parents).

use crate::docker::{Copy, CopySource, knows_pivots};
use crate::finding::{Code, Finding, Location};
use crate::handoff::{CopyUse, ImageBuild, Landing, SourceUse};
use crate::syntax::dockerfile::DirectiveKind;

/// What stands in the way of a copy with that flag.
pub(super) fn check(
    build: &ImageBuild,
    found: &CopyUse,
    landing: &dyn Fn(&Copy, &CopySource, &str) -> (Landing, String),
) -> Option<Finding> {
    let instruction = build.dockerfile.instructions.get(found.copy.instruction)?;
    let moves = found.sources.iter().any(|source| *source != SourceUse::Context);
    if !moves || !instruction.has_flag("parents") {
        return None;
    }
    let why = why_not(build, found, landing)?;
    let message =
        format!("this keeps the folders of the files by --parents, and in the builder stage these are others: {why}");
    let finding = Finding::new(Code::CopyUnclear, Location::new(&build.source, instruction.span), message);
    Some(finding.with_help("copy the files of the hand-off to their whole path, without --parents"))
}

/// Why no `/./` can say which of the folders are to be kept.
fn why_not(
    build: &ImageBuild,
    found: &CopyUse,
    landing: &dyn Fn(&Copy, &CopySource, &str) -> (Landing, String),
) -> Option<String> {
    let builder = build.command.builder;
    if !builder.has_engine() && !builder.is_buildkit() {
        return Some(format!("{} is not known to take a '/./' in a path", builder.name()));
    }
    let directives = build.dockerfile.directives.iter();
    let mut frontends = directives.filter(|it| it.kind == DirectiveKind::Syntax).map(|it| it.value.as_str());
    let frontend = frontends.next_back();
    if !knows_pivots(frontend) {
        return Some(format!("a '/./' in a path needs docker/dockerfile:1.20, and this asks for {}", frontend?));
    }
    let of_sources = || found.sources.iter().zip(&found.copy.sources);
    let is_whole = |source: &SourceUse| !matches!(source, SourceUse::Context | SourceUse::Builder { .. });
    if let Some((_, source)) = of_sources().find(|(source, _)| is_whole(source)) {
        return Some(format!("{} takes other files along", source.written));
    }
    let strange = of_sources().find(|(own, source)| match own {
        SourceUse::Builder { path, .. } => {
            let is_moved = landing(&found.copy, source, path) != (Landing::AsWritten, path.clone());
            is_moved || source.written.contains("/./") || source.written.contains(['$', '"', '\'', '\\'])
        }
        _ => false,
    });
    strange.map(|(_, source)| format!("it cannot be told which folders {} keeps", source.written))
}
