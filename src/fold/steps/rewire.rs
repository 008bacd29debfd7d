//! Jobs that needed a build job need the image job.
//!
//! ```yaml
//! deploy: {needs: [build]}
//! ```
//! becomes
//! ```yaml
//! deploy: {needs: [image]}
//! ```

use super::{Edits, needs};
use crate::finding::Finding;
use crate::fold::edit_failed;
use crate::fold::rewire::{self, Follower};
use crate::fold::situation::Situation;
use crate::gitlab::{Job, PipelineFile, Value};
use crate::syntax::yaml::{NodeId, edit};
use crate::text::{RepositoryPath, TextEdit};

pub(super) fn followers(situations: &[Situation<'_>]) -> Edits {
    let going: Vec<_> = situations.iter().filter(|situation| !situation.fate.is_to_stay()).collect();
    let gone: Vec<_> = going.iter().map(|situation| &*situation.producer.name).collect();
    let mut done: Vec<&str> = Vec::new();
    let mut edits = Vec::new();
    for situation in &going {
        for follower in rewire::followers(situation) {
            if !done.contains(&&*follower.job.name) {
                done.push(&follower.job.name);
                edits.extend(follow(situation, follower, &gone)?);
            }
        }
    }
    Ok(edits)
}

fn follow(situation: &Situation<'_>, follower: Follower<'_>, gone: &[&str]) -> Edits {
    let mut edits = Vec::new();
    for keyword in ["needs", "dependencies"] {
        let Some(field) = follower.job.fields.field(keyword) else {
            continue;
        };
        let names = |item: &&Value| name_of(item).is_some_and(|name| gone.contains(&&*name));
        let mut entries: Vec<_> = field.value.one_or_many().iter().filter(names).collect();
        let list = List { situation, job: follower.job, keyword, value: &field.value };
        let is_listed = names_of(&field.value).any(|name| *name == *follower.image.name);
        let is_asked_for = keyword == "needs" || follower.reads;
        if is_asked_for && !entries.is_empty() && (!is_listed || follower.reads) {
            let entry = entries.remove(0);
            edits.push(list.put(entry, follower)?);
        }
        edits.extend(list.take_out(&entries)?);
    }
    Ok(edits)
}

/// A list of jobs that a job needs, or whose files it downloads.
struct List<'a> {
    situation: &'a Situation<'a>,
    job: &'a Job,
    keyword: &'a str,
    value: &'a Value,
}

type Edit = Result<(RepositoryPath, TextEdit), Box<Finding>>;

impl List<'_> {
    /// The entry names the image job, whose own files were never asked for.
    fn put(&self, entry: &Value, Follower { image, reads, .. }: Follower<'_>) -> Edit {
        let (file, path) = self.file()?;
        let name = entry.get("job").map_or(entry.origin.node, |job| job.origin.node);
        if reads && names_of(self.value).any(|name| *name == *image.name) {
            return Err(self.failed());
        }
        let hands_on = image.artifacts().hands_on_files() || image.artifacts().fields.get("reports").is_some();
        let is_bare = entry.mapping().is_none();
        let takes = entry.get("artifacts").and_then(Value::text).as_deref() != Some("false");
        let edit = match (hands_on && takes && !reads, is_bare) {
            (true, true) => needs::without_artifacts(file, self.value.origin.node, entry.origin.node, &image.name),
            (true, false) => None,
            (false, _) => edit::replace_scalar(&file.tree, name, &image.name),
        };
        Ok((path, edit.ok_or_else(|| self.failed())?))
    }

    fn take_out(&self, entries: &[&Value]) -> Edits {
        if entries.is_empty() {
            return Ok(Vec::new());
        }
        let (file, path) = self.file()?;
        let items: &[NodeId] = file.tree.node(self.value.origin.node).items();
        let places: Vec<_> = (0..items.len())
            .filter(|at| items.get(*at).is_some_and(|item| entries.iter().any(|entry| entry.origin.node == *item)))
            .collect();
        let edit = if places.len() == items.len() {
            Some(needs::empty_list(&file.tree, self.value.origin.node))
        } else {
            edit::remove_items(&file.tree, self.value.origin.node, &places)
        };
        Ok(vec![(path, edit.ok_or_else(|| self.failed())?)])
    }

    fn file(&self) -> Result<(&PipelineFile, RepositoryPath), Box<Finding>> {
        let file = self.situation.pipeline.file(self.value.origin.file).ok_or_else(|| self.failed())?;
        Ok((file, file.source.path().clone()))
    }

    fn failed(&self) -> Box<Finding> {
        let location = self.situation.pipeline.keyword_location(self.job, self.keyword);
        edit_failed(location, &format!("'{}' of '{}' cannot be mended here", self.keyword, self.job.name))
    }
}

/// The jobs that a list names.
fn names_of(list: &Value) -> impl Iterator<Item = std::rc::Rc<str>> {
    list.one_or_many().iter().filter_map(name_of)
}

/// The job that an entry names.
fn name_of(entry: &Value) -> Option<std::rc::Rc<str>> {
    entry.text().or_else(|| entry.get("job").and_then(Value::text))
}
