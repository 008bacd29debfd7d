//! The run: every project is looked at once, and what that comes to is written into the journal.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use super::Campaign;
use super::error::CampaignError;
use super::look::failed;
use super::pool::{Pool, Reply};
use super::project::{Place, Project};
use super::setup::Setup;
use super::standing::Standing;
use super::step::{Looked, Step};
use super::worker::{Request, Told};
use crate::finding::Code;
use crate::outcome::Verdict;
use crate::process::Interrupt;

/// The most git commands that one look waits for: asking for the branch, cloning or fetching.
const GIT_COMMANDS: u32 = 3;

/// Which projects are looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Selection {
    /// All whose look would come to something new; what failed without being read stays failed.
    #[default]
    Changed,
    /// The same, and all that failed.
    ChangedAndFailed,
    /// What failed, and nothing else.
    Failed,
}

/// How the projects of a run are looked at.
#[derive(Clone, Copy, Debug)]
pub struct Run<'a> {
    /// The program that a worker is, and the words that make it one.
    pub worker: (&'a Path, &'a [&'a str]),
    /// What every worker is told.
    pub setup: &'a Setup,
    /// How many workers there are.
    pub workers: usize,
    /// The most time to look at one project, beside what git may take.
    pub time_limit: Duration,
    /// Which projects are looked at.
    pub selection: Selection,
    /// Whether a signal asks to stop.
    pub interrupt: &'a Interrupt,
}

/// What is told while a campaign runs.
#[derive(Clone, Copy, Debug)]
pub enum Progress<'a> {
    /// A project was looked at.
    Looked(&'a [Told]),
    /// Nothing about it has changed since a look came to this.
    Unchanged(&'a Project, Option<Verdict>),
}

impl Campaign {
    /// Notes that the campaign begins or goes on.
    ///
    /// # Errors
    /// Where the journal cannot be written.
    pub fn begin(&mut self, sources: Vec<String>, shard: Option<String>) -> Result<(), CampaignError> {
        self.sources.clone_from(&sources);
        self.shard.clone_from(&shard);
        let here = std::env::current_dir().ok().map(|here| here.display().to_string());
        self.record(&Step::Begun { version: env!("CARGO_PKG_VERSION").to_owned(), sources, here, shard })
    }

    /// Notes which projects the sources no longer name, where `projects` are all that they do.
    ///
    /// # Errors
    /// Where the journal cannot be written.
    pub fn forget_others(&self, projects: &[Project]) -> Result<(), CampaignError> {
        let named: BTreeSet<_> = projects.iter().map(|project| project.name.as_str()).collect();
        let known = self.standings.iter().filter(|(_, standing)| standing.looked.is_some());
        for (name, _) in known.filter(|(name, _)| !named.contains(name.as_str())) {
            self.journal.note(&Step::Gone { project: name.clone() })?;
        }
        Ok(())
    }

    /// Looks at `projects`, and keeps what each comes to.
    ///
    /// # Errors
    /// Where the journal cannot be written or no worker be started. What is wrong with a project is kept as what it came to.
    pub fn run(
        &self,
        projects: &[Project],
        run: &Run<'_>,
        progress: &mut dyn FnMut(Progress<'_>),
    ) -> Result<(), CampaignError> {
        let pool = Pool { program: run.worker, setup: run.setup, workers: run.workers, interrupt: run.interrupt };
        let request = |index: usize| match projects.get(index) {
            Some(project) => self.request(index, project, run),
            None => Ok(None),
        };
        let asked = pool.ask_all(projects.len(), &request, &mut |index, result| {
            let Some(project) = projects.get(index) else { return Ok(()) };
            match result {
                Reply::Unchanged => progress(Progress::Unchanged(project, self.verdict(project))),
                Reply::Looked(told, line) => {
                    self.journal.note_line(&line)?;
                    progress(Progress::Looked(&told));
                }
                Reply::TooLong | Reply::TooMuch | Reply::Died(_) => {
                    let looked = run.failed(project, &result);
                    let told = Told::of(&looked);
                    self.journal.note(&Step::Looked(Box::new(looked)))?;
                    progress(Progress::Looked(&told));
                }
            }
            Ok(())
        });
        self.journal.settle().and(asked)
    }

    /// What the last look before this run came to.
    fn verdict(&self, project: &Project) -> Option<Verdict> {
        self.standings.get(&project.name).and_then(|standing| standing.verdict)
    }

    /// What a worker is asked about a project, and how long it may take; `None` where it is not to be looked at.
    fn request(
        &self,
        number: usize,
        project: &Project,
        run: &Run<'_>,
    ) -> Result<Option<(Request, Duration)>, CampaignError> {
        let standing = self.standings.get(&project.name);
        let has_failed = standing.is_some_and(|standing| standing.verdict == Some(Verdict::Failed));
        let known = match (run.selection, has_failed) {
            (Selection::Failed, false) => return Ok(None),
            (Selection::Failed | Selection::ChangedAndFailed, true) => None,
            _ => standing.map_or(Ok(None), |standing: &Standing| self.looked(standing))?,
        };
        // A look that another place, or other pipelines, came to says nothing about these.
        let known = known.filter(|known| known.project == *project).map(|known| known.inputs);
        Ok(Some((Request { number, project: project.clone(), known }, run.limit(project))))
    }
}

impl Run<'_> {
    /// The look at a project that a worker could not finish.
    fn failed(&self, project: &Project, reply: &Reply) -> Looked {
        let failed = |code, message: &str, help: &str| failed(project, self.setup, code, message, help);
        match reply {
            Reply::Died(words) if words.contains("memory allocation") => {
                let message = format!("it asked for more than {} MiB of memory", self.setup.memory_limit >> 20);
                failed(Code::LimitExceeded, &message, "give it more with --memory-limit")
            }
            Reply::Died(words) => {
                let message = format!("stagefold itself failed on this repository: {words}");
                let help = "please report it; the other repositories are not touched by this";
                failed(Code::InternalError, &message, help)
            }
            Reply::TooMuch => {
                let message = "what it comes to is longer than 32 MiB";
                failed(Code::LimitExceeded, message, "look at it by itself with 'stagefold diff'")
            }
            _ => {
                let message = format!("it was given up after {} s", self.limit(project).as_secs());
                failed(Code::LimitExceeded, &message, "give it more with --time-limit")
            }
        }
    }

    /// How long a look at a project may take: what git may take to fetch it comes on top.
    fn limit(&self, project: &Project) -> Duration {
        let git_time = match &project.place {
            Place::Folder(_) => Duration::ZERO,
            Place::Bare(_) | Place::Remote(_) => Duration::from_secs(self.setup.git_time_limit) * GIT_COMMANDS,
        };
        self.time_limit + git_time
    }
}
