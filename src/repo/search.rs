use std::fs;
use std::path::{Path, PathBuf};

use super::discover::{DiscoveryError, Found, PIPELINE, single_pipeline, written};
use super::tracked::path_below;
use super::walk::{Seen, Sight, Walk, walk};
use crate::text::RepositoryPath;

/// A repository with all of its pipelines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    /// Its root, absolute and free of symbolic links.
    pub root: PathBuf,
    /// The root as the user would write it; `.` for the current directory.
    pub name: String,
    /// What it is.
    pub kind: SiteKind,
}

/// What a repository is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SiteKind {
    /// A folder with these pipelines, the one at its root first, the others sorted.
    Folder(Vec<RepositoryPath>),
    /// A folder of which this pipeline alone is meant.
    Pipeline(RepositoryPath),
    /// A bare repository, whose files nobody has looked at.
    Bare,
}

/// What a search for repositories came to: it goes on past whatever it cannot read.
#[derive(Debug, Default)]
pub struct Searched {
    /// The repositories, in the order of the paths, those below one path sorted. Where paths overlap, one comes several times.
    pub sites: Vec<Site>,
    /// The folders of campaigns, in which nothing is searched: what lies there are copies.
    pub campaigns: Vec<String>,
    /// What could not be searched, with the place of its path among the paths.
    pub errors: Vec<(usize, DiscoveryError)>,
}

/// Finds the repositories that the user means by `paths`, for a look at all of them.
///
/// The rules are those of [`discover`](super::discover()), and more is found. What lies below a path is searched even where the path is
/// a repository. A `.gitlab-ci.yml` in a folder of a git work tree that has one at its root is a further pipeline of
/// that repository. A bare repository that lies in no other one counts as well.
#[must_use]
pub fn search(paths: &[PathBuf]) -> Searched {
    let mut starts = Vec::new();
    let meant: Vec<_> = paths.iter().map(|path| meant(path, &mut starts)).collect();
    let mut walk = walk(&starts).by_start();
    let mut searched = Searched::default();
    let mut starts = starts.iter().enumerate();
    for (index, (path, meant)) in paths.iter().zip(meant).enumerate() {
        match meant {
            Ok(Some(site)) => searched.sites.push(site),
            Ok(None) => {
                if let Some((start, root)) = starts.next() {
                    searched.take(index, path, root, walk.next(start));
                }
            }
            Err(error) => searched.errors.push((index, error)),
        }
    }
    searched.sites.shrink_to_fit();
    searched
}

/// The repository of a pipeline that is named by itself; a folder is put among those that are to be searched.
fn meant(path: &Path, starts: &mut Vec<PathBuf>) -> Result<Option<Site>, DiscoveryError> {
    let unreadable = |error| DiscoveryError::Unreadable(path.to_owned(), error);
    if !fs::metadata(path).map_err(unreadable)?.is_dir() {
        let Found { root, pipeline, name } = single_pipeline(path)?;
        return Ok(Some(Site { root, name, kind: SiteKind::Pipeline(pipeline) }));
    }
    starts.push(fs::canonicalize(path).map_err(unreadable)?);
    Ok(None)
}

impl Searched {
    /// Takes what was seen below the folder `root`, which the user calls `name` and has named as number `index`.
    fn take(&mut self, index: usize, name: &Path, root: &Path, walk: Walk) {
        let before = (self.sites.len(), self.campaigns.len(), self.errors.len());
        // The repositories that the folder at hand lies in, by their place among the sites.
        let mut around: Vec<usize> = Vec::new();
        for seen in walk.seen {
            let folder = root.join(&seen.below);
            while around.last().is_some_and(|&site| !self.lies_in(&folder, site)) {
                around.pop();
            }
            if let Err(error) = self.add(name, &folder, &seen, &mut around) {
                self.errors.push((index, error));
            }
        }
        let unread = walk.unread.into_iter();
        let unread = unread.map(|unread| DiscoveryError::Unreadable(name.join(unread.below), unread.error));
        self.errors.extend(unread.map(|error| (index, error)));
        if before == (self.sites.len(), self.campaigns.len(), self.errors.len()) {
            self.errors.push((index, DiscoveryError::NoPipeline(name.to_owned())));
        }
    }

    fn lies_in(&self, folder: &Path, site: usize) -> bool {
        self.sites.get(site).is_some_and(|site| folder.starts_with(&site.root))
    }

    fn add(&mut self, name: &Path, folder: &Path, seen: &Seen, around: &mut Vec<usize>) -> Result<(), DiscoveryError> {
        let kind = match seen.sight {
            Sight::Further => return self.add_pipeline(folder, around.last().copied()),
            Sight::Campaign => {
                self.campaigns.push(written(&name.join(&seen.below))?);
                return Ok(());
            }
            Sight::Bare => SiteKind::Bare,
            Sight::Repository => SiteKind::Folder(vec![RepositoryPath::new(PIPELINE).unwrap_or_default()]),
        };
        let site = Site { root: folder.to_owned(), name: written(&name.join(&seen.below))?, kind };
        around.extend((seen.sight == Sight::Repository).then_some(self.sites.len()));
        self.sites.push(site);
        Ok(())
    }

    /// Adds the pipeline in `folder` to the repository around it. One without a name has been spoken of already.
    fn add_pipeline(&mut self, folder: &Path, around: Option<usize>) -> Result<(), DiscoveryError> {
        let around = around.and_then(|site| self.sites.get_mut(site));
        if let Some(Site { root, kind: SiteKind::Folder(pipelines), .. }) = around {
            let file = folder.join(PIPELINE);
            pipelines.push(path_below(root, &file).ok_or(DiscoveryError::NotUtf8(file))?);
        }
        Ok(())
    }
}
