//! The image job no longer waits for the build jobs, but for what these waited for.

use super::Edits;
use crate::finding::{Code, Finding};
use crate::fold::edit_failed;
use crate::fold::situation::Situation;
use crate::gitlab::{Job, Need, NeedSource, PipelineFile, Value};
use crate::syntax::yaml::{CollectionStyle, NodeId, NodeKind, edit};
use crate::text::TextEdit;

pub(super) fn mend(situations: &[&Situation<'_>]) -> Edits {
    let Some(consumer) = Consumer::of(situations) else {
        return Ok(Vec::new());
    };
    let mut edits = consumer.needs()?;
    edits.extend(consumer.dependencies()?);
    Ok(edits)
}

/// The image job, and the build jobs that go.
struct Consumer<'a> {
    situation: &'a Situation<'a>,
    gone: Vec<&'a Job>,
}

/// What becomes of `needs` once the build jobs are not in it.
enum Remedy {
    /// Their entries go.
    Entries,
    /// The keyword goes: the stages say the same.
    Keyword,
    /// The list stays, and is empty.
    Empty,
    /// The entry names the job that the build job waited for.
    Other(String),
}

impl<'a> Consumer<'a> {
    fn of(situations: &[&'a Situation<'a>]) -> Option<Self> {
        let situation = *situations.first()?;
        let going = situations.iter().filter(|situation| !situation.fate.is_to_stay());
        Some(Self { situation, gone: going.map(|situation| situation.producer).collect() })
    }

    fn goes(&self, name: &str) -> bool {
        self.gone.iter().any(|job| &*job.name == name)
    }

    fn needs(&self) -> Edits {
        let needs = self.situation.consumer.needs().unwrap_or_default();
        let names_gone = |need: &&Need| matches!(&need.source, NeedSource::Job(name) if self.goes(name));
        let (named, others): (Vec<_>, Vec<_>) = needs.iter().partition(names_gone);
        if named.is_empty() {
            return Ok(Vec::new());
        }
        let jobs: Vec<_> =
            self.gone.iter().copied().filter(|job| named.iter().any(|need| need.is_job(&job.name))).collect();
        let remedy = self.remedy(&jobs, &others).ok_or_else(|| self.not_mended())?;
        self.edit_keyword("needs", &remedy)
    }

    /// What becomes of `needs` without `jobs`, which `others` are left of; `None` where it cannot be written.
    fn remedy(&self, jobs: &[&Job], others: &[&Need]) -> Option<Remedy> {
        let nothing_left = if others.is_empty() { Remedy::Empty } else { Remedy::Entries };
        let by_stage: Vec<_> = jobs.iter().filter(|job| self.waited_for(job).is_none()).collect();
        if by_stage.iter().any(|job| !self.before(job).is_empty()) {
            let says_the_same = others.is_empty() && by_stage.iter().any(|job| self.stages_say_the_same(job));
            return says_the_same.then_some(Remedy::Keyword);
        }
        let names: Vec<_> = jobs.iter().filter_map(|job| self.waited_for(job)).flatten().collect();
        let missing: Vec<_> = names.iter().filter(|name| !others.iter().any(|need| need.is_job(name))).collect();
        match missing.as_slice() {
            [] => Some(nothing_left),
            [name] if jobs.len() == 1 => self.taken_over(jobs.first()?, name).then(|| Remedy::Other((*name).clone())),
            _ => None,
        }
    }

    /// The jobs that one needs by name, those that go replaced by what they need; `None` where it waits for stages.
    fn waited_for(&self, job: &Job) -> Option<Vec<String>> {
        let mut names = Vec::new();
        for need in job.needs()? {
            match need.source {
                NeedSource::Job(name) if !need.is_of_matrix => match self.gone.iter().find(|gone| gone.name == name) {
                    Some(gone) => names.extend(self.waited_for(gone)?),
                    None => names.push(name.to_string()),
                },
                NeedSource::Job(_) | NeedSource::Elsewhere => names.push(String::new()),
            }
        }
        names.sort();
        names.dedup();
        Some(names)
    }

    /// Whether the image job can wait for this job in the place of the build job. It hands on no files, which
    /// the image job would get from then on.
    fn taken_over(&self, producer: &Job, name: &str) -> bool {
        let is_required = producer.needs().unwrap_or_default().iter().all(|need| !need.is_job(name) || !need.optional);
        let job = self.situation.pipeline.job(name).filter(|_| is_required);
        job.is_some_and(|job| !job.artifacts().hands_on_files())
    }

    /// The jobs of the stages before that of `job`, those that go left out.
    fn before(&self, job: &Job) -> Vec<&str> {
        let pipeline = self.situation.pipeline;
        let stage = pipeline.stage_index(job);
        let is_earlier = |other: &&Job| pipeline.stage_index(other) < stage && !self.goes(&other.name);
        pipeline.jobs().iter().filter(is_earlier).map(|other| &*other.name).collect()
    }

    /// Whether waiting by stages makes the image job wait for exactly what the build job waited for, and gives
    /// it no files that it did not get.
    fn stages_say_the_same(&self, producer: &Job) -> bool {
        let pipeline = self.situation.pipeline;
        let earlier = self.before(self.situation.consumer);
        let hands_on = |name: &&str| pipeline.job(name).is_some_and(|job| job.artifacts().hands_on_files());
        earlier == self.before(producer) && !earlier.iter().any(hands_on)
    }

    fn not_mended(&self) -> Box<Finding> {
        let names: Vec<_> = self.gone.iter().map(|job| format!("'{}'", job.name)).collect();
        let message =
            format!("the image job needs {}, and what that waits for cannot be written here", names.join(" and "));
        let finding = Finding::new(Code::NeedsNotMended, self.situation.consumer_location("needs"), message);
        Box::new(finding.with_help("let the image job need what the build job needs, besides the build job"))
    }

    fn dependencies(&self) -> Edits {
        let listed = self.situation.consumer.dependencies().unwrap_or_default();
        let named = listed.iter().filter(|(name, _)| self.goes(name)).count();
        if named == 0 {
            return Ok(Vec::new());
        }
        // Without the keyword the job would download everything, so an empty list stays.
        self.edit_keyword("dependencies", if named == listed.len() { &Remedy::Empty } else { &Remedy::Entries })
    }

    fn edit_keyword(&self, keyword: &str, remedy: &Remedy) -> Edits {
        let situation = self.situation;
        let failed =
            || edit_failed(situation.consumer_location(keyword), &format!("'{keyword}' cannot be mended here"));
        let field = situation.consumer.fields.field(keyword).ok_or_else(failed)?;
        let file = situation.pipeline.file(field.value.origin.file).ok_or_else(failed)?;
        let node = field.value.origin.node;
        let edit = match remedy {
            Remedy::Entries => {
                edit::remove_items(&file.tree, node, &self.places(&field.value, file.tree.node(node).items()))
            }
            Remedy::Keyword => remove_keyword(&file.tree, field.key_origin.node),
            Remedy::Empty => Some(empty_list(&file.tree, node)),
            Remedy::Other(name) => {
                self.names_of(&field.value).first().and_then(|old| edit::replace_scalar(&file.tree, *old, name))
            }
        };
        Ok(vec![(file.source.path().clone(), edit.ok_or_else(failed)?)])
    }

    fn is_gone_item(&self, item: &Value) -> bool {
        let name = item.text().or_else(|| item.get("job").and_then(Value::text));
        name.is_some_and(|name| self.goes(&name))
    }

    fn places(&self, value: &Value, items: &[NodeId]) -> Vec<usize> {
        let found = value.one_or_many().iter().filter(|item| self.is_gone_item(item));
        found.filter_map(|item| items.iter().position(|node| *node == item.origin.node)).collect()
    }

    /// The scalars that name a build job in a list.
    fn names_of(&self, list: &Value) -> Vec<NodeId> {
        let name = |item: &Value| if item.text().is_some() { item.origin.node } else { job_key(item) };
        list.one_or_many().iter().filter(|item| self.is_gone_item(item)).map(name).collect()
    }
}

/// The value of `job` in an entry of `needs`, or the entry where it has none.
fn job_key(entry: &Value) -> NodeId {
    entry.get("job").map_or(entry.origin.node, |job| job.origin.node)
}

fn remove_keyword(tree: &crate::syntax::yaml::Tree, key: NodeId) -> Option<TextEdit> {
    let mapping = tree.parent(key)?;
    let place = tree.node(mapping).entries().iter().position(|entry| entry.key == key)?;
    edit::remove_entries(tree, mapping, &[place])
}

/// `[]` in the place of the list. A block list starts on a line of its own; the empty one stands behind its key, and what
/// a comment says of the last item goes with it.
pub(super) fn empty_list(tree: &crate::syntax::yaml::Tree, list: NodeId) -> TextEdit {
    let span = tree.node(list).span;
    let is_block = matches!(tree.node(list).collection_style(), Some(CollectionStyle::Block));
    let start = if is_block { key_end(tree, list).unwrap_or(span.start()) } else { span.start() };
    let gap = if is_block { " " } else { "" };
    let rest = tree.text().get(span.end()..).unwrap_or_default();
    let line = rest.split(['\n', '\r']).next().filter(|line| is_block && line.trim_start().starts_with('#'));
    let end = span.end() + line.map_or(0, str::len);
    TextEdit::replace(crate::text::Span::new(start, end), format!("{gap}[]"))
}

/// The byte behind the colon in front of a value.
fn key_end(tree: &crate::syntax::yaml::Tree, value: NodeId) -> Option<usize> {
    let parent = tree.parent(value)?;
    let NodeKind::Mapping { entries, .. } = &tree.node(parent).kind else {
        return None;
    };
    let key = entries.iter().find(|entry| entry.value == value)?.key;
    let after = tree.text().get(tree.node(key).full_span.end()..)?;
    Some(tree.node(key).full_span.end() + after.find(':')? + 1)
}

/// A bare name in a list of needs becomes an entry for `job` that is no more than a need, in the manner of its list.
pub(super) fn without_artifacts(file: &PipelineFile, list: NodeId, entry: NodeId, job: &str) -> Option<TextEdit> {
    let tree = &file.tree;
    let span = tree.node(entry).full_span;
    let name = quoted(job);
    if !matches!(tree.node(list).collection_style(), Some(CollectionStyle::Block)) {
        return Some(TextEdit::replace(span, format!("{{job: {name}, artifacts: false}}")));
    }
    let line = tree.text().get(..span.start())?.rsplit('\n').next()?;
    let indentation = " ".repeat(line.chars().count());
    let line_break = tree.line_break();
    Some(TextEdit::replace(span, format!("job: {name}{line_break}{indentation}artifacts: false")))
}

/// A job's name as an item of a flow list.
pub(super) fn quoted(name: &str) -> String {
    let is_plain = name.chars().all(|letter| letter.is_ascii_alphanumeric() || "-_./".contains(letter));
    if is_plain { name.to_owned() } else { format!("'{}'", name.replace('\'', "''")) }
}
