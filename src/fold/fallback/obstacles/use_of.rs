use crate::finding::Location;
use crate::gitlab::{Job, PathPattern, Pipeline};
use crate::handoff::{JobScript, TreeUse, names_beside_commands, tree_use};

/// What a job does with some files, as far as its scripts tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::fold::fallback) enum Use {
    /// It leaves them alone.
    None,
    /// It uses them, or may do so: where, and how.
    Some(Location, String),
}

/// What `job` does with the files of `patterns`, in any of its scripts.
pub(in crate::fold::fallback) fn use_of(pipeline: &Pipeline, job: &Job, patterns: &[PathPattern]) -> Use {
    let scripts = [JobScript::new(job), JobScript::of_keyword(job, "after_script")];
    let found = scripts.iter().find_map(|script| used(pipeline, script, patterns));
    found.map_or(Use::None, |(location, how)| Use::Some(location.unwrap_or_else(|| pipeline.job_location(job)), how))
}

fn used(pipeline: &Pipeline, script: &JobScript, patterns: &[PathPattern]) -> Option<(Option<Location>, String)> {
    if let Some((item, message)) = script.walk.opaque.first() {
        let how = format!("has a script that cannot be read here: {message}");
        return Some((script.item_location(pipeline, *item), how));
    }
    let text = |item: usize| script.items.get(item).and_then(|item| item.text.as_deref()).unwrap_or_default();
    if let Some(item) = (0..script.items.len()).find(|item| names_beside_commands(text(*item), patterns)) {
        let how = "speaks of some of them in a loop, a condition or a trap".to_owned();
        return Some((script.item_location(pipeline, item), how));
    }
    script.walk.steps.iter().find_map(|step| {
        let how = match tree_use(step, patterns) {
            TreeUse::None => return None,
            TreeUse::Touches(word) => format!("uses {word}"),
            TreeUse::Unknown(program) => format!("runs {program}, which may use any file"),
        };
        Some((script.step_location(pipeline, step), how))
    })
}
