//! What a Dockerfile does itself about a folder that it has copied along with everything else.

use super::image_build::ImageBuild;
use super::refill::is_filled_by_text;
use crate::docker::Copy;
use crate::syntax::dockerfile::Keyword;
use crate::text::RepositoryPath;

/// Whether the stage fills the folder anew behind `copy`: by an install, or by a copy out of another stage. Whatever a
/// cache has put into the build context is of no use to the image then.
pub(super) fn is_filled_behind(build: &ImageBuild, copy: &Copy, path: &str) -> bool {
    let Some(stage) = build.stages.stages.get(copy.stage) else {
        return false;
    };
    let later = build.dockerfile.instructions.get(copy.instruction + 1..stage.end).unwrap_or_default();
    let is_installed = later.iter().filter(|instruction| instruction.keyword == Keyword::Run).any(|instruction| {
        let whole = instruction.span.slice(build.source.text());
        instruction.shell_text().map_or_else(|| names_an_install(whole), |text| is_filled_by_text(text, path))
    });
    let folder = &build.context.folder;
    let relative = RepositoryPath::new(path).and_then(|path| path.relative_to(folder).map(str::to_owned));
    let is_copied = build.stages.copies.iter().any(|other| {
        let target = other.destination.trim_start_matches("./").trim_end_matches('/');
        let is_later = other.stage == copy.stage && other.instruction > copy.instruction;
        is_later && other.from.is_some() && Some(target) == relative.as_deref()
    });
    is_installed || is_copied
}

/// Whether an instruction in exec form, whose words are not followed, speaks of an install.
fn names_an_install(text: &str) -> bool {
    ["npm ci", "npm i", "yarn", "pnpm i", "composer install", "bundle install"].iter().any(|words| text.contains(words))
}
