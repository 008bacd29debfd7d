use std::io;
use std::time::Duration;

use super::failed;
use super::remotes::{again, jobs, tell};
use crate::campaign::{Campaign, CampaignError, FIRST_WAIT, Git, Land, LandOutcome, MergeRequest, TITLE, Template};
use crate::cli::arguments::{Format, LandCampaign, Options};
use crate::cli::fold::Fold;
use crate::cli::output::Streams;
use crate::cli::status::Status;
use crate::process::Interrupt;
use crate::report::{Detail, visible};

/// Pushes the branches of a campaign.
pub(super) fn run(
    options: &Options,
    asked: &LandCampaign,
    fold: &Fold,
    streams: &mut Streams<'_>,
) -> io::Result<Status> {
    if options.format != Format::Text {
        return failed(
            &"what is pushed is told as text; 'campaign report' and 'campaign status' have more formats",
            streams,
        );
    }
    let interrupt = Interrupt::listen()?;
    let git = Git::new(interrupt.clone(), Duration::from_secs(asked.git_time_limit.get()));
    let begun = land(options, asked, fold, &git).and_then(|land| {
        let campaign = Campaign::open(&asked.folder.dir).map_err(|error| error.to_string())?;
        Ok((land, campaign))
    });
    let (land, campaign) = match begun {
        Ok(begun) => begun,
        Err(why) => return failed(&why, streams),
    };
    let mut tally = Tally::default();
    let mut told = Ok(());
    let landed = campaign.land(&land, &git, &mut |name, outcome| {
        tally.count(outcome);
        let line = format!("{name}: {}", line(outcome, &land.branch));
        if told.is_ok() && tells(options.detail(), outcome) {
            told = writeln!(streams.err, "{}", visible(&line));
        }
    });
    told?;
    tell_end(landed, &tally, &interrupt, options, streams)
}

fn tell_end(
    landed: Result<(), CampaignError>,
    tally: &Tally,
    interrupt: &Interrupt,
    options: &Options,
    streams: &mut Streams<'_>,
) -> io::Result<Status> {
    if let Err(error) = landed {
        return failed(&error, streams);
    }
    if options.detail() > Detail::Quiet {
        writeln!(streams.err, "{tally}")?;
    }
    if let Some(signal) = interrupt.signal() {
        writeln!(streams.err, "stopped; the same command goes on from here")?;
        return Ok(Status::Interrupted(u8::try_from(signal).unwrap_or_default()));
    }
    Ok(if tally.not == 0 { Status::Done } else { Status::Failed })
}

/// What is asked for, or what is wrong with it: then nothing begins.
fn land<'a>(options: &Options, asked: &LandCampaign, fold: &'a Fold, git: &Git) -> Result<Land<'a>, String> {
    for branch in [Some(&asked.branch), asked.target.as_ref()].into_iter().flatten() {
        git.check_branch(branch)?;
    }
    let options_of_push = asked.labels.iter().chain(&asked.push_options);
    if let Some(option) = options_of_push.into_iter().find(|option| option.chars().any(char::is_control)) {
        return Err(format!("{option:?}: a push option has one line"));
    }
    let title = asked.title.as_deref().unwrap_or(TITLE);
    let title = Template::parse(title, &Template::TITLE_WORDS).map_err(|error| format!("--title: {error}"))?;
    Ok(Land {
        branch: asked.branch.clone(),
        target: asked.target.clone(),
        title,
        message: message(asked)?,
        merge_request: MergeRequest {
            is_wanted: !asked.no_merge_request,
            labels: asked.labels.clone(),
            is_draft: asked.draft,
            options: asked.push_options.clone(),
        },
        limit: asked.limit.map(std::num::NonZero::get),
        rate: asked.rate.map(std::num::NonZero::get),
        only_failed: asked.only_failed,
        jobs: jobs(options),
        first_wait: FIRST_WAIT,
        again: again(options, fold)?,
        tell: &tell,
    })
}

fn message(asked: &LandCampaign) -> Result<Option<Template>, String> {
    let Some(path) = &asked.message else { return Ok(None) };
    Template::read(path).map(Some).map_err(|error| format!("{}: {error}", path.display()))
}

fn tells(detail: Detail, outcome: &LandOutcome) -> bool {
    matches!(outcome, LandOutcome::Not(_))
        || detail > Detail::Quiet && !matches!(outcome, LandOutcome::Left | LandOutcome::Stopped)
}

fn line(outcome: &LandOutcome, branch: &str) -> String {
    let at = |address: &Option<String>| address.as_ref().map(|address| format!(", {address}")).unwrap_or_default();
    match outcome {
        LandOutcome::Pushed(address) => format!("pushed {branch}{}", at(address)),
        LandOutcome::Open(address) => format!("{branch} is there already{}", at(address)),
        LandOutcome::Merged => "nothing to do: the target holds the change already".to_owned(),
        LandOutcome::Left => "left for another time".to_owned(),
        LandOutcome::Not(why) => format!("not pushed: {why}"),
        LandOutcome::Stopped => "stopped".to_owned(),
    }
}

/// How many branches came to what.
#[derive(Default)]
struct Tally {
    pushed: usize,
    already: usize,
    left: usize,
    not: usize,
}

impl Tally {
    fn count(&mut self, outcome: &LandOutcome) {
        let count = match outcome {
            LandOutcome::Pushed(_) => &mut self.pushed,
            LandOutcome::Open(_) | LandOutcome::Merged => &mut self.already,
            LandOutcome::Left | LandOutcome::Stopped => &mut self.left,
            LandOutcome::Not(_) => &mut self.not,
        };
        *count += 1;
    }
}

impl std::fmt::Display for Tally {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { pushed, already, left, not } = self;
        let noun = if *pushed == 1 { "branch" } else { "branches" };
        write!(f, "{pushed} {noun} pushed, {already} there already, {not} not pushed")?;
        if *left > 0 { write!(f, ", {left} left for another time") } else { Ok(()) }
    }
}
