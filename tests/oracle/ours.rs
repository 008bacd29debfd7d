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
    default: Map<String, Json>,
}

/// One keyword of one job, or of the top of the file, as both have it.
pub(crate) struct Keyword {
    /// `job.keyword`, or the keyword where it stands at the top.
    pub(crate) place: String,
    /// The keyword; at the top, with a dot before it.
    pub(crate) name: String,
    pub(crate) ours: Option<Json>,
    pub(crate) theirs: Option<Json>,
    /// What the pipeline's `default:` has under the keyword.
    pub(crate) inherited: Option<Json>,
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
        let stages: Json = pipeline.stages().iter().map(|stage| Json::from(&**stage)).collect();
        let written = |key: &str| Some((key.to_owned(), json(pipeline.top().get(key)?)));
        let top = ["variables", "workflow"].into_iter().filter_map(written).chain([("stages".to_owned(), stages)]);
        let default = fields(written("default").map(|(_, default)| default).as_ref());
        Self { jobs: jobs.collect(), top: top.collect(), default }
    }

    /// Every keyword that we or they have.
    pub(crate) fn keywords(&self, theirs: &Json) -> Vec<Keyword> {
        let is_global = |(name, _): &(String, Json)| GLOBAL.contains(&name.as_str());
        let (top, jobs): (Map<_, _>, Map<_, _>) = fields(Some(theirs)).into_iter().partition(is_global);
        let of_top =
            pairs(&self.top, &top).into_iter().map(|keyword| Keyword { name: format!(".{}", keyword.name), ..keyword });
        let of_jobs = pairs(&self.jobs, &jobs).into_iter().flat_map(|job| {
            let of_job = pairs(&fields(job.ours.as_ref()), &fields(job.theirs.as_ref()));
            of_job.into_iter().map(move |keyword| Keyword {
                place: format!("{}.{}", job.name, keyword.name),
                inherited: self.default.get(&keyword.name).cloned(),
                ..keyword
            })
        });
        of_top.chain(of_jobs).collect()
    }
}

fn pairs(ours: &Map<String, Json>, theirs: &Map<String, Json>) -> Vec<Keyword> {
    let names: BTreeSet<_> = ours.keys().chain(theirs.keys()).collect();
    let pair = |name: &String| Keyword {
        place: name.clone(),
        name: name.clone(),
        ours: ours.get(name).cloned(),
        theirs: theirs.get(name).cloned(),
        inherited: None,
    };
    names.into_iter().map(pair).collect()
}

fn fields(mapping: Option<&Json>) -> Map<String, Json> {
    mapping.and_then(Json::as_object).cloned().unwrap_or_default()
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
