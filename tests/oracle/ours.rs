//! Our own resolution of a pipeline, as JSON, laid beside theirs.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Map, Value as Json};
use stagefold::gitlab::{self, Kind, Mapping, Value};
use stagefold::repo::{DiskRepository, PIPELINE};
use stagefold::text::RepositoryPath;

/// Keys at the top of a preview that are no jobs.
const GLOBAL: [&str; 3] = ["stages", "variables", "workflow"];

/// A pipeline, or the code with which it is refused.
pub(crate) type Answer = Result<Pipeline, String>;

/// A resolved pipeline.
pub(crate) struct Pipeline {
    jobs: Map<String, Json>,
    top: Map<String, Json>,
}

/// One keyword of one job, or of the top of the file, as both have it.
pub(crate) struct Keyword {
    /// `job.keyword`, or `keyword` at the top.
    pub(crate) place: String,
    /// The keyword; at the top, with a dot before it.
    pub(crate) name: String,
    pub(crate) ours: Option<Json>,
    pub(crate) theirs: Option<Json>,
}

/// The pipeline of `folder`; `None` where there is none.
pub(crate) fn read(folder: &Path) -> Option<Answer> {
    if !folder.join(PIPELINE).exists() {
        return None;
    }
    let path = RepositoryPath::new(PIPELINE).unwrap();
    let repository = DiskRepository::new(folder, path.clone());
    let read = gitlab::Pipeline::read(&repository, &path);
    Some(read.map(|pipeline| Pipeline::of(&pipeline)).map_err(|finding| finding.code.name().to_owned()))
}

impl Pipeline {
    fn of(pipeline: &gitlab::Pipeline) -> Self {
        let jobs = pipeline.jobs().iter().map(|job| (job.name.to_string(), mapping(&job.fields)));
        let stages: Vec<_> = pipeline.stages().iter().map(|stage| Json::from(&**stage)).collect();
        let top = ["variables", "workflow"]
            .into_iter()
            .filter_map(|key| Some((key.to_owned(), json(pipeline.top().get(key)?))));
        Self { jobs: jobs.collect(), top: top.chain([("stages".to_owned(), stages.into())]).collect() }
    }

    /// Every keyword that we or they have.
    pub(crate) fn keywords(&self, theirs: &Json) -> Vec<Keyword> {
        let theirs = theirs.as_object().unwrap();
        let mut keywords = pairs(
            &self.top,
            &GLOBAL.iter().filter_map(|key| Some(((*key).to_owned(), theirs.get(*key)?.clone()))).collect(),
            ".",
        );
        let jobs = theirs.iter().filter(|(name, _)| !GLOBAL.contains(&name.as_str()));
        let nothing = Map::new();
        for name in jobs.clone().map(|(name, _)| name).chain(self.jobs.keys()).collect::<BTreeSet<_>>() {
            let fields = |job: Option<&Json>| job.and_then(Json::as_object).unwrap_or(&nothing).clone();
            let of_job = pairs(&fields(self.jobs.get(name)), &fields(theirs.get(name)), "");
            keywords.extend(
                of_job.into_iter().map(|keyword| Keyword { place: format!("{name}.{}", keyword.place), ..keyword }),
            );
        }
        keywords
    }
}

fn pairs(ours: &Map<String, Json>, theirs: &Map<String, Json>, before_name: &str) -> Vec<Keyword> {
    let names: BTreeSet<_> = ours.keys().chain(theirs.keys()).collect();
    let pair = |name: &String| Keyword {
        place: name.clone(),
        name: format!("{before_name}{name}"),
        ours: ours.get(name).cloned(),
        theirs: theirs.get(name).cloned(),
    };
    names.into_iter().map(pair).collect()
}

fn mapping(mapping: &Mapping) -> Json {
    mapping.fields().iter().map(|field| (field.key.to_string(), json(&field.value))).collect::<Map<_, _>>().into()
}

fn json(value: &Value) -> Json {
    match &value.kind {
        Kind::Null => Json::Null,
        Kind::Boolean(value) => (*value).into(),
        Kind::Number(text) => serde_json::from_str(text).unwrap_or_else(|_| Json::from(&**text)),
        Kind::Text(text) => Json::from(&**text),
        Kind::Sequence(items) => items.iter().map(json).collect(),
        Kind::Mapping(fields) => mapping(fields),
        Kind::Reference(path) => Json::from(format!("!reference [{}]", path.join(", "))),
    }
}
