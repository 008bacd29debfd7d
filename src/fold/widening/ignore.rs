//! The ignore file of a context that becomes wider.

use std::sync::Arc;

use super::from_context;
use crate::docker::{BuildCommand, BuildContext, image_builds};
use crate::gitlab::{Pipeline, folder_before_glob};
use crate::handoff::{Handoff, ImageBuild, JobScript, other_builders};
use crate::source::{Repository, SourceFile};
use crate::syntax::dockerignore::DockerIgnore;
use crate::text::{ChangeError, ChangeSet, RepositoryPath, Span, TextEdit};

/// An ignore file whose patterns go on from the project's folder.
pub(in crate::fold) struct IgnoreFile {
    /// The file as it is, with the patterns that it has then: their places are those of the file as it is.
    pub(super) patterns: (Arc<SourceFile>, DockerIgnore),
    /// The file that they are written to.
    path: RepositoryPath,
    /// Its text then.
    text: String,
    /// What becomes of the file as it is.
    fate: IgnoreFate,
}

/// What becomes of an ignore file whose patterns go on from the project's folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum IgnoreFate {
    /// It is that of the Dockerfile itself, and changes where it is.
    Changes,
    /// Nothing reads it any more.
    Goes,
    /// Other builds may read it.
    Stays,
}

impl IgnoreFile {
    /// Adds to `changes` what becomes of the file.
    ///
    /// # Errors
    /// Where these speak of the file already.
    pub(in crate::fold) fn move_along(&self, changes: &mut ChangeSet) -> Result<(), ChangeError> {
        match self.fate {
            IgnoreFate::Changes => {
                let whole = Span::new(0, self.patterns.0.text().len());
                return changes.edit(self.path.clone(), TextEdit::replace(whole, self.text.clone()));
            }
            IgnoreFate::Goes => changes.delete(self.patterns.0.path().clone())?,
            IgnoreFate::Stays => {}
        }
        changes.create(self.path.clone(), self.text.clone())
    }
}

/// The ignore file that goes along, where the context has one.
///
/// # Errors
/// Why it cannot.
pub(super) fn moved(
    repository: &dyn Repository,
    pipeline: &Pipeline,
    handoff: &Handoff,
    has_buildkit: bool,
) -> Result<Option<IgnoreFile>, String> {
    let build = &handoff.build;
    let Some((source, ignore)) = &build.context.ignore else {
        return Ok(None);
    };
    let (dockerfile, folder) = (&build.command.dockerfile, &build.context.folder);
    let own = BuildContext::own_ignore_file(dockerfile);
    if !has_buildkit {
        return Err(format!("it is not certain that the builder reads {own}, where the patterns would have to go"));
    }
    let unclear = || format!("{} has a pattern that cannot be written from further up", source.path());
    let text = below(source.text(), folder).ok_or_else(unclear)?;
    let mut patterns = DockerIgnore::parse(&text);
    if patterns.patterns.len() != ignore.patterns.len() {
        return Err(unclear());
    }
    for (new, old) in patterns.patterns.iter_mut().zip(&ignore.patterns) {
        new.span = old.span;
    }
    let is_copied = |path: &RepositoryPath| {
        let takes = |source: &str| folder.join(source).is_some_and(|place| path.is_within(&place));
        !build.context.leaves_out(path) && staying(handoff).any(takes)
    };
    let text = if *source.path() != own && is_copied(&own) {
        // The image had no such file.
        let gap = if text.ends_with('\n') { "" } else { "\n" };
        format!("{text}{gap}{own}\n")
    } else {
        text
    };
    let fate = if *source.path() == own {
        IgnoreFate::Changes
    } else if !is_copied(source.path())
        && is_only_dockerfile(repository, dockerfile)
        && !is_used_elsewhere(repository, pipeline, build)
    {
        IgnoreFate::Goes
    } else {
        IgnoreFate::Stays
    };
    Ok(Some(IgnoreFile { patterns: (Arc::clone(source), patterns), path: own, text, fate }))
}

/// An ignore file that leaves nothing out, in the place of that of the project, which is not meant for this image.
///
/// # Errors
/// Where that cannot be read.
pub(super) fn of_nothing(repository: &dyn Repository, build: &ImageBuild) -> Result<IgnoreFile, String> {
    let dockerfile = &build.command.dockerfile;
    let path = BuildContext::own_ignore_file(dockerfile);
    let of_project = RepositoryPath::new(".dockerignore").unwrap_or_default();
    let source = repository.read(&of_project).map_err(|error| format!("{of_project}: {error}"))?;
    let text = "# Nothing is left out: the .dockerignore of the project is not for this image.\n".to_owned();
    Ok(IgnoreFile { patterns: (source, DockerIgnore::parse("")), path, text, fate: IgnoreFate::Stays })
}

/// Whether nothing else in the repository looks like the description of an image, or of several.
pub(in crate::fold) fn is_only_dockerfile(repository: &dyn Repository, dockerfile: &RepositoryPath) -> bool {
    let describes = |path: &RepositoryPath| {
        let name = path.file_name().to_ascii_lowercase();
        ["dockerfile", "containerfile", "compose", "docker-bake", "skaffold"].iter().any(|part| name.contains(part))
    };
    !repository.tracked().keys().any(|path| path != dockerfile && describes(path))
}

/// Whether another build of the pipeline may send the folder to an engine.
pub(in crate::fold) fn is_used_elsewhere(repository: &dyn Repository, pipeline: &Pipeline, build: &ImageBuild) -> bool {
    let is_other = |command: &BuildCommand| {
        command.context.folder() == &build.context.folder && command.dockerfile != build.command.dockerfile
    };
    pipeline.jobs().iter().any(|job| {
        let script = JobScript::of_image_job(repository, job);
        let (commands, problems) = image_builds(repository, &script.walk);
        commands.iter().any(is_other) || !problems.is_empty() || !other_builders(&script).is_empty()
    })
}

/// The context of a build that had no ignore file: that of the project is read then.
///
/// # Errors
/// Why it could keep from the image what this had.
pub(super) fn of_project(repository: &dyn Repository, handoff: &Handoff) -> Result<BuildContext, String> {
    let build = &handoff.build;
    let context =
        BuildContext::read(repository, &RepositoryPath::root(), &build.command.dockerfile, &build.command.removed)
            .map_err(|(path, error)| format!("{path}: {error}"))?;
    let may_be_left_out = |path: &&str| {
        let Some((_, ignore)) = &context.ignore else {
            return false;
        };
        build.context.folder.join(folder_before_glob(path)).is_none_or(|place| {
            let is_file = repository.tracked().contains_key(&place);
            if is_file { ignore.matches(place.as_str()) } else { ignore.may_exclude_below(place.as_str()) }
        })
    };
    match staying(handoff).find(may_be_left_out) {
        Some(path) => {
            Err(format!("the ignore file of the project would be read then, and may leave out some of {path}"))
        }
        None => Ok(context),
    }
}

/// The paths of the sources that stay in the context.
fn staying(handoff: &Handoff) -> impl Iterator<Item = &str> {
    from_context(&handoff.build, &handoff.uses).filter_map(|source| source.path.as_deref())
}

/// The text of an ignore file whose patterns match below `folder` what they matched at the top; `None` where one cannot be
/// written so, or what the builder would refuse stands among them.
pub(in crate::fold) fn ignore_lines_below(text: &str, folder: &RepositoryPath) -> Option<String> {
    let moved = below(text, folder)?;
    (DockerIgnore::parse(&moved).patterns.len() == DockerIgnore::parse(text).patterns.len()).then_some(moved)
}

/// The text of an ignore file whose patterns match below `folder` what they matched at the top.
fn below(text: &str, folder: &RepositoryPath) -> Option<String> {
    let (mark, rest) = match text.strip_prefix('\u{feff}') {
        Some(rest) => ("\u{feff}", rest),
        None => ("", text),
    };
    let lines: Option<Vec<_>> = rest.split_inclusive('\n').map(|line| line_below(line, folder)).collect();
    Some(format!("{mark}{}", lines?.concat()))
}

fn line_below(line: &str, folder: &RepositoryPath) -> Option<String> {
    let pattern = line.trim();
    if line.starts_with('#') || pattern.is_empty() {
        return Some(line.to_owned());
    }
    let (mark, path) = pattern.strip_prefix('!').map_or(("", pattern), |path| ("!", path.trim_start()));
    let path = path.trim_start_matches("./").trim_start_matches('/');
    if path.is_empty() || path.split('/').any(|part| matches!(part, "." | "..")) {
        return None;
    }
    // At the very front `**name` matches whatever ends so, in the middle of a name too; further in, and with another
    // glob behind it, it is the same as `**/name` (moby/patternmatcher: `Pattern.compile`).
    let path = match path.strip_prefix("**").filter(|rest| !rest.is_empty() && !rest.starts_with(['/', '*'])) {
        Some(rest) if rest.contains(['*', '?', '[', '\\']) => format!("**/{rest}"),
        Some(rest) => format!("**/*{rest}"),
        None => path.to_owned(),
    };
    let end = line.get(line.trim_end_matches(['\r', '\n']).len()..).unwrap_or_default();
    Some(format!("{mark}{folder}/{path}{end}"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{DockerIgnore, RepositoryPath, below};

    fn web() -> RepositoryPath {
        RepositoryPath::new("web").unwrap()
    }

    #[test]
    fn patterns_go_on_below_the_folder() {
        let text = "\u{feff}# what is made\n/dist\r\n!dist/index.html\n\n**/*.map\n  ! ./a\n*";
        let expected = "\u{feff}# what is made\nweb/dist\r\n!web/dist/index.html\n\nweb/**/*.map\n!web/a\nweb/*";
        assert_eq!(below(text, &web()).as_deref(), Some(expected));
        assert_eq!(below("../other", &web()), None);
        assert_eq!(below(".", &web()), None);
    }

    proptest! {
        #[test]
        fn the_same_files_are_left_out(
            patterns in proptest::collection::vec("!?/?(\\*\\*/?)?[ab*]{1,2}(/[ab*]{1,2})?", 1..5),
            path in "[ab]{1,2}(/[ab]{1,2}){0,2}",
        ) {
            let text = patterns.join("\n");
            let Some(moved) = below(&text, &web()) else { return Ok(()) };
            let (old, new) = (DockerIgnore::parse(&text), DockerIgnore::parse(&moved));
            prop_assert_eq!(old.matches(&path), new.matches(&format!("web/{path}")), "{} in {:?}", path, text);
        }
    }
}
