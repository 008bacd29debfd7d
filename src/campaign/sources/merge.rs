use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::gather::Gathered;
use super::{Origin, SourceError, Sourcing};
use crate::campaign::project::{Place, Project};
use crate::campaign::shard::Shard;
use crate::repo::{PIPELINE, Searched, Site, SiteKind, search};
use crate::text::RepositoryPath;

/// Why a project is left out that is there under another name.
const TWICE: &str = "it is named twice";

/// Makes one list of all that was named: each place once, each name once, sorted.
pub(super) fn merge(gathered: Gathered, shard: Option<Shard>) -> Sourcing {
    let Gathered { paths, remotes, aliases, mut left_out, mut errors, .. } = gathered;
    let (folders, origins): (Vec<PathBuf>, Vec<Origin>) = paths.into_iter().unzip();
    let Searched { sites, campaigns, errors: unsearched } = search(&folders);
    errors.extend(unsearched.into_iter().map(|(index, error)| {
        let origin = origins.get(index).cloned().unwrap_or(Origin::Words);
        SourceError { origin, message: error.to_string() }
    }));
    left_out.extend(campaigns.into_iter().map(|name| (name, "it is the folder of a campaign")));
    let sites = merged_sites(sites, &mut left_out);
    let mut projects = merged_remotes(remotes, aliases, &mut left_out);
    projects.retain(|remote| {
        let is_here = is_of_bare(remote, &sites);
        left_out.extend(is_here.then(|| (remote.name.clone(), TWICE)));
        !is_here
    });
    projects.extend(sites.into_iter().filter_map(|site| {
        let project = project_of(site);
        let is_odd = project.name.contains(char::is_control);
        errors.extend(is_odd.then(|| SourceError::odd_name(&project.name)));
        (!is_odd).then_some(project)
    }));
    projects.sort_by(|one, other| one.name.cmp(&other.name));
    tell_apart(&mut projects);
    let is_own = |name: &str| shard.is_none_or(|shard| shard.holds(name));
    projects.retain(|project| is_own(&project.name));
    left_out.retain(|(name, _)| is_own(name));
    left_out.sort_unstable();
    let left_out = left_out.into_iter().map(|(name, why)| format!("{}: {why}", name.escape_debug())).collect();
    Sourcing { projects, errors, left_out }
}

impl SourceError {
    fn odd_name(name: &str) -> Self {
        let message = format!("'{}': its path holds a control character", name.escape_debug());
        Self { origin: Origin::Words, message }
    }
}

/// Each remote once, under one name; the first address of it counts.
fn merged_remotes(
    mut remotes: Vec<Project>,
    aliases: Vec<(String, String)>,
    left_out: &mut Vec<(String, &'static str)>,
) -> Vec<Project> {
    let aliases: BTreeMap<_, _> = aliases.into_iter().collect();
    for remote in &mut remotes {
        if let Some(name) = aliases.get(&remote.name) {
            remote.name.clone_from(name);
        }
    }
    // A stable sort: of those of one name, the first stays the first.
    remotes.sort_by(|one, other| one.name.cmp(&other.name));
    remotes.dedup_by(|again, first| {
        let is_same = again.name == first.name;
        if is_same {
            first.branch = first.branch.take().or(again.branch.take());
            left_out.push((again.name.clone(), TWICE));
        }
        is_same
    });
    remotes
}

/// Whether the address is that of a bare repository on this machine that is among `sites`, which are sorted by their roots.
fn is_of_bare(remote: &Project, sites: &[Site]) -> bool {
    let Place::Remote(address) = &remote.place else { return false };
    let path = address.strip_prefix("file://").and_then(|path| Path::new(path).canonicalize().ok());
    let site = path.and_then(|path| sites.binary_search_by(|site| site.root.cmp(&path)).ok());
    site.and_then(|site| sites.get(site)).is_some_and(|site| site.kind == SiteKind::Bare)
}

/// Each folder once, with all pipelines that are meant in it.
fn merged_sites(mut sites: Vec<Site>, left_out: &mut Vec<(String, &'static str)>) -> Vec<Site> {
    sites.sort_by(|one, other| one.root.cmp(&other.root));
    sites.dedup_by(|again, first| {
        let is_same = again.root == first.root;
        if is_same && !take_pipelines(first, again) {
            left_out.push((again.name.clone(), TWICE));
        }
        is_same
    });
    // A folder that was named by itself may hold what is a further pipeline of a repository around it.
    let further: BTreeSet<PathBuf> = sites.iter().flat_map(further_folders).collect();
    sites.retain(|site| {
        let is_further = !further.is_empty() && further.contains(&site.root);
        if is_further {
            left_out.push((site.name.clone(), "its pipeline is told with the repository around it"));
        }
        !is_further
    });
    sites
}

/// The folders in which the further pipelines of a repository lie.
fn further_folders(site: &Site) -> impl Iterator<Item = PathBuf> + '_ {
    let pipelines: &[RepositoryPath] = if let SiteKind::Folder(pipelines) = &site.kind { pipelines } else { &[] };
    let further = pipelines.iter().filter(|path| !path.parent().is_root() && path.file_name() == PIPELINE);
    further.map(|pipeline| site.root.join(pipeline.parent().as_str()))
}

/// Adds to `first` what is meant in the same folder once more; whether there was anything to add.
fn take_pipelines(first: &mut Site, again: &mut Site) -> bool {
    match (&mut first.kind, &mut again.kind) {
        (SiteKind::Folder(pipelines), SiteKind::Pipeline(pipeline)) => add_pipeline(pipelines, pipeline),
        (SiteKind::Pipeline(pipeline), SiteKind::Folder(pipelines)) => {
            let is_new = add_pipeline(pipelines, pipeline);
            std::mem::swap(first, again);
            is_new
        }
        (SiteKind::Pipeline(pipeline), SiteKind::Pipeline(other)) if pipeline != other => {
            first.kind = SiteKind::Folder(vec![std::mem::take(pipeline), std::mem::take(other)]);
            true
        }
        (SiteKind::Folder(pipelines), SiteKind::Folder(others)) => {
            let added = others.iter_mut().filter_map(|other| add_pipeline(pipelines, other).then_some(()));
            added.count() > 0
        }
        _ => false,
    }
}

fn add_pipeline(pipelines: &mut Vec<RepositoryPath>, pipeline: &mut RepositoryPath) -> bool {
    let is_new = !pipelines.contains(pipeline);
    pipelines.extend(is_new.then(|| std::mem::take(pipeline)));
    is_new
}

fn project_of(site: Site) -> Project {
    let Site { root, name, kind } = site;
    let main = || vec![RepositoryPath::new(PIPELINE).unwrap_or_default()];
    let (name, place, pipelines) = match kind {
        SiteKind::Folder(pipelines) => (name, Place::Folder(root), pipelines),
        SiteKind::Pipeline(pipeline) if name == "." => (pipeline.to_string(), Place::Folder(root), vec![pipeline]),
        SiteKind::Pipeline(pipeline) => (format!("{name}/{pipeline}"), Place::Folder(root), vec![pipeline]),
        SiteKind::Bare => (name, Place::Bare(root), main()),
    };
    Project { name, place, pipelines, branch: None }
}

/// Gives projects of one name, a folder and a remote say, a number each after the first.
fn tell_apart(projects: &mut [Project]) {
    let is_twice = projects.windows(2).any(|pair| matches!(pair, [one, other] if one.name == other.name));
    if !is_twice {
        return;
    }
    let mut taken: BTreeSet<_> = projects.iter().map(|project| project.name.clone()).collect();
    let mut last = None;
    for project in projects.iter_mut() {
        if last.as_ref() != Some(&project.name) {
            last = Some(project.name.clone());
            continue;
        }
        let mut numbered = (2_u32..).map(|number| format!("{} ({number})", project.name));
        project.name = numbered.find(|name| !taken.contains(name)).unwrap_or_default();
        taken.insert(project.name.clone());
    }
    projects.sort_by(|one, other| one.name.cmp(&other.name));
}
