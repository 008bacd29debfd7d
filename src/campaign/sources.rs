use super::project::{Place, Project};
use super::shard::Shard;
use std::io::Read;
use std::path::PathBuf;
/// x
pub struct Sourcing {
    /// x
    pub projects: Vec<Project>,
    /// x
    pub errors: Vec<String>,
    /// x
    pub left_out: Vec<String>,
}
/// x
pub fn projects(paths: &[String], _from: &[PathBuf], _input: &mut dyn Read, shard: Option<Shard>) -> Sourcing {
    let paths: Vec<_> = paths.iter().map(PathBuf::from).collect();
    let d = crate::repo::discover(&paths);
    let mut projects: Vec<_> = d
        .found
        .into_iter()
        .map(|f| Project { name: f.name, place: Place::Folder(f.root), pipelines: vec![f.pipeline], branch: None })
        .collect();
    projects.retain(|p| shard.is_none_or(|s| s.holds(&p.name)));
    projects.sort_by(|a, b| a.name.cmp(&b.name));
    Sourcing { projects, errors: d.errors.iter().map(ToString::to_string).collect(), left_out: vec![] }
}
