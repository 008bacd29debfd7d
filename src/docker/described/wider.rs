//! A build that a file describes, with the whole project for its context: the file says so then.

use std::collections::BTreeMap;

use super::image_builds;
use crate::docker::bake;
use crate::docker::build_command::{BuildCommand, CommandContext};
use crate::docker::builder::Builder;
use crate::docker::compose::{ComposeFile, compose_with_context};
use crate::docker::script_walk::ScriptWalk;
use crate::docker::wider_context::WiderCommand;
use crate::source::{Overlay, Repository};
use crate::syntax::hcl::{Document, set_texts};
use crate::text::{FileVersions, RepositoryPath};

impl BuildCommand {
    /// This command of `walk` with the project's folder as its context and the same Dockerfile, and the file that describes it as
    /// it is then.
    ///
    /// # Errors
    /// Why it cannot be written, as a whole sentence without a full stop.
    pub fn described_with_project_as_context(
        &self,
        repository: &dyn Repository,
        walk: &ScriptWalk,
    ) -> Result<(WiderCommand, RepositoryPath, String), String> {
        let description = self.described_in.as_ref().ok_or("no file describes the build")?;
        let file = &description.file;
        let others = self.described_beside(repository, walk)?;
        if !others.is_empty() {
            return Err(format!("{file} builds {} with it too, as {}", self.dockerfile, others.join(", ")));
        }
        let unclear = || format!("{file} does not say it in plain words, or for this build alone");
        let source = repository.read(file).map_err(|error| format!("{file}: {error}"))?;
        let text = self.wider_text(source.text(), &description.name).ok_or_else(unclear)?;
        let versions = FileVersions { before: Some(source.text().to_owned()), after: Some(text.clone()) };
        let versions = BTreeMap::from([(file.clone(), versions)]);
        let (before, _) = image_builds(repository, walk);
        let (after, problems) = image_builds(&Overlay::new(repository, &versions), walk);
        let is_own = |other: &BuildCommand| {
            (other.step, other.described_in.as_ref().map(|own| &own.name)) == (self.step, Some(&description.name))
        };
        let is_as_meant = |(then, now): (&BuildCommand, &BuildCommand)| {
            let context = if is_own(then) { &RepositoryPath::root() } else { then.context.folder() };
            now.context.folder() == context && now.dockerfile == then.dockerfile && now.step == then.step
        };
        let is_exact = before.len() == after.len() && before.iter().zip(&after).all(is_as_meant);
        if !problems.is_empty() || !is_exact || description.is_inherited {
            return Err(unclear());
        }
        let mut command = self.clone();
        command.context = CommandContext::Folder(RepositoryPath::root());
        Ok((WiderCommand { command, replacements: Vec::new(), option: None }, file.clone(), text))
    }

    /// What the files of the command describe besides, and may build of the same Dockerfile.
    fn described_beside(&self, repository: &dyn Repository, walk: &ScriptWalk) -> Result<Vec<String>, String> {
        let description = self.described_in.as_ref().ok_or("no file describes the build")?;
        if self.builder == Builder::Compose {
            return Ok(ComposeFile::read(repository, &description.file)?.built_of(&self.dockerfile, &description.name));
        }
        let step = walk.steps.get(self.step).ok_or("the command cannot be found again")?;
        bake::built_of(repository, walk, step, (&self.folder, &self.dockerfile, &description.name))
    }

    /// The text of the file that describes the build, with the wider context.
    fn wider_text(&self, text: &str, name: &str) -> Option<String> {
        let file = &self.described_in.as_ref()?.file;
        let dockerfile = self.dockerfile.as_str();
        let root = RepositoryPath::root();
        if self.builder == Builder::Compose {
            let up: Vec<_> = file.join("..")?.parts().map(|_| "..").collect();
            let context = if up.is_empty() { ".".to_owned() } else { up.join("/") };
            return compose_with_context(text, name, &context, dockerfile);
        }
        // Outside of the folder where it runs, bake asks whether it may read (docker/buildx: `bake/entitlements.go`).
        if self.folder != root {
            return None;
        }
        let is_json = file.as_str().ends_with(".json");
        if !is_json && !file.as_str().ends_with(".hcl") {
            return compose_with_context(text, name, ".", dockerfile);
        }
        let document = if is_json { Document::parse_json(text) } else { Document::parse(text) }.ok()?;
        let mut blocks = document.blocks.iter().filter(|block| block.kind == "target" && block.labels == [name]);
        let block = blocks.next()?;
        set_texts(text, block, ("context", "."), ("dockerfile", dockerfile), is_json)?.apply(text)
    }
}
