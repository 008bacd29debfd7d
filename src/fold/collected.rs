//! Files that no `COPY` takes alone, since their glob may match folders, are collected at the end of the builder stage.
//!
//! ```yaml
//! artifacts:
//!     paths: ["packages/*/dist"]
//! ```
//! with a `COPY . .` becomes
//! ```dockerfile
//! RUN mkdir /handoff && bash -O dotglob -c 'cp -a --parents packages/*/dist /handoff/'
//! …
//! COPY . .
//! COPY --from=builder /handoff/ ./
//! ```
//! A `COPY` of such a glob would lay what is in each folder into the same place. `cp --parents` keeps the folders in front, and
//! `-a` the modes of these and of all that lies below (GNU coreutils: cp). `*` matches names that begin with a dot in GitLab
//! Runner, and in bash where `dotglob` is set.

use crate::docker::ImageName;
use crate::gitlab::is_to_be_collected;
use crate::handoff::SourceUse;

use super::situation::Situation;

/// The folder of the builder stage that they are collected in.
pub(super) const FOLDER: &str = "/handoff";

/// The globs of the job that have to be collected, each once.
pub(super) fn globs<'a>(situation: &'a Situation<'_>) -> Vec<&'a str> {
    let handoff = situation.handoff;
    let below = handoff.uses.iter().flat_map(|copy| &copy.sources).filter_map(|source| match source {
        SourceUse::Ancestor { below, .. } => Some(below),
        _ => None,
    });
    let is_own = |path: &str| handoff.flow_of(path).is_none_or(|flow| flow.producer == situation.producer.name);
    let mut globs: Vec<&str> = Vec::new();
    for path in below.flatten().filter(|path| is_to_be_collected(path) && is_own(path)) {
        if !globs.contains(&path.as_str()) {
            globs.push(path);
        }
    }
    globs
}

/// The command that collects them, from the project's folder on.
pub(super) fn command(globs: &[&str]) -> String {
    let copy = format!("cp -a --parents {} {FOLDER}/", globs.join(" "));
    let may_hide = |glob: &&str| glob.split('/').any(|part| part.starts_with(['*', '?']));
    match globs.iter().any(may_hide) {
        true => format!("mkdir {FOLDER} && bash -O dotglob -c '{copy}'"),
        false => format!("mkdir {FOLDER} && {copy}"),
    }
}

/// Whether the image of the build job is known to have bash and GNU's `cp`: that of busybox makes folders of its own modes.
pub(super) fn has_programs(situation: &Situation<'_>) -> bool {
    let name = situation.image.as_ref().and_then(|image| image.name.as_deref());
    name.is_some_and(|name| ImageName::new(name).has_bash() == Some(true))
}

#[cfg(test)]
mod tests {
    use super::command;

    #[test]
    fn hidden_names_are_collected_where_the_glob_fits_them() {
        assert_eq!(command(&["dist/app*"]), "mkdir /handoff && cp -a --parents dist/app* /handoff/");
        assert_eq!(
            command(&["dist/app*", "packages/*/dist"]),
            "mkdir /handoff && bash -O dotglob -c 'cp -a --parents dist/app* packages/*/dist /handoff/'"
        );
    }
}
