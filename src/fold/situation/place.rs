//! Where a builder stage works, and as whom.

use crate::docker::{Builder, ImageName, is_root};
use crate::gitlab::Image;
use crate::handoff::Handoff;

/// Folders that hold nothing in any base image, so that the project may lie there.
const PROJECT_FOLDERS: [&str; 8] =
    ["/app", "/build", "/code", "/opt/app", "/src", "/usr/src/app", "/usr/src", "/workspace"];

/// Where the project lies if the Dockerfile does not say, the first choice first.
const OTHERWISE: [&str; 3] = ["/src", "/code", "/project"];

/// The user that a container of the image works as, where that is not root (GitLab docs: ci/yaml#imagedocker).
pub(super) fn user(image: Option<&Image>) -> Option<String> {
    let image = image?;
    let of_image = || ImageName::new(image.name.as_deref()?).default_user().map(str::to_owned);
    let user = image.user().map(|user| user.to_string()).or_else(of_image);
    user.filter(|user| !is_root(user))
}

/// The folder of the final stage, where that is one that is empty in every base image; else one of our own.
pub(super) fn project_folder(handoff: &Handoff) -> String {
    let build = &handoff.build;
    let last = build.target.and_then(|target| build.stages.stages.get(target));
    let folder = last.and_then(|stage| stage.working_directory.as_deref()).map(|folder| folder.trim_end_matches('/'));
    let may_hold = |folder: &&str| PROJECT_FOLDERS.contains(folder) && build.command.builder.may_build_in(folder);
    let texts = || handoff.script.items.iter().filter_map(|item| item.text.as_deref());
    // kaniko builds the first stage in the job's own file system, where the script may have left something.
    let may_be_empty =
        |folder: &&str| build.command.builder != Builder::Kaniko || !texts().any(|text| text.contains(folder));
    let otherwise = OTHERWISE.into_iter().find(|folder| may_be_empty(folder)).unwrap_or("/src-of-stagefold");
    folder.filter(may_hold).filter(may_be_empty).unwrap_or(otherwise).to_owned()
}
