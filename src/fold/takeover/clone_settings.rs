//! Variables that say how the sources are fetched: the builder stage copies the clone of the image job, so that one
//! must be what the clone of the build job was (GitLab docs: ci/runners/configure_runners).

use super::{Own, Taken, Takeover};
use crate::docker::image_builds;
use crate::finding::{Code, Finding, Location};
use crate::fold::situation::Situation;
use crate::gitlab::{Job, folder_before_glob};
use crate::handoff::ImageBuild;
use crate::source::FileKind;
use crate::text::RepositoryPath;

/// What a setting is about.
#[derive(Clone, Copy, PartialEq, Eq)]
enum About {
    /// Which files there are, so that both jobs must have the same; the first value is the one where nothing is set,
    /// and all of them come to the same files.
    Files(&'static [&'static str]),
    /// Large files, of which there must be some for it to matter.
    LargeFiles(&'static [&'static str]),
    /// Other repositories, which the image job can fetch as well.
    Submodules(&'static [&'static str]),
    /// How much of the history is there.
    History,
    /// Where the project lies.
    Place,
    /// Files of earlier jobs that are left lying about.
    Leftovers,
}

/// Every such variable, sorted.
const SETTINGS: [(&str, About); 12] = [
    ("FF_DISABLE_UMASK_FOR_DOCKER_EXECUTOR", About::Files(&["", "false", "0"])),
    ("FF_DISABLE_UMASK_FOR_KUBERNETES_EXECUTOR", About::Files(&["", "false", "0"])),
    ("GIT_CHECKOUT", About::Files(&["", "true"])),
    ("GIT_CLEAN_FLAGS", About::Leftovers),
    ("GIT_CLONE_PATH", About::Place),
    ("GIT_DEPTH", About::History),
    ("GIT_LFS_SKIP_SMUDGE", About::LargeFiles(&["", "0", "false"])),
    ("GIT_STRATEGY", About::Files(&["", "clone", "fetch"])),
    ("GIT_SUBMODULE_FORCE_HTTPS", About::Submodules(&["", "false"])),
    ("GIT_SUBMODULE_PATHS", About::Submodules(&[""])),
    ("GIT_SUBMODULE_STRATEGY", About::Submodules(&["", "none"])),
    ("GIT_SUBMODULE_UPDATE_FLAGS", About::Submodules(&[""])),
];

pub(super) fn take(own: &Own<'_, '_>) -> Takeover {
    let mut all = Takeover::default();
    for situation in own {
        let settings = SETTINGS.iter().map(|(name, about)| Setting { situation, name, about: *about });
        for setting in settings {
            let one = setting.take();
            let is_new = |taken: &Taken| !all.taken.contains(taken);
            let contradicts =
                |taken: &Taken| all.taken.iter().any(|other| other.variable == taken.variable && other != taken);
            if one.taken.iter().any(contradicts) {
                all.findings.push(setting.differs("and the build jobs differ in it among themselves"));
            } else if one.taken.iter().all(is_new) {
                all.taken.extend(one.taken);
                all.findings.extend(one.findings);
            }
        }
    }
    all
}

/// One setting of one build job, beside that of the image job.
struct Setting<'s, 'a> {
    situation: &'s Situation<'a>,
    name: &'static str,
    about: About,
}

impl Setting<'_, '_> {
    fn take(&self) -> Takeover {
        let (wanted, present) = (self.of(self.situation.producer), self.of(self.situation.consumer));
        match self.about {
            About::Files(plain) => self.files(plain, &wanted, &present),
            About::LargeFiles(_) if !has_large_files(self.situation) => Takeover::default(),
            About::LargeFiles(plain) if is_same(plain, &wanted, &present) => Takeover::default(),
            About::LargeFiles(_) => Takeover::nothing(self.differs("and large files are fetched by one of them alone")),
            About::Submodules(plain) => self.submodules(plain, &wanted, &present),
            About::History if depth(&wanted) > depth(&present) => self.history(),
            About::Leftovers if present.is_some() && wanted != present => {
                Takeover::nothing(self.differs("and what the image job leaves lying would get into the build"))
            }
            About::Place if wanted.is_some() => Takeover::nothing(self.elsewhere()),
            About::History | About::Leftovers | About::Place => Takeover::default(),
        }
    }

    fn of(&self, job: &Job) -> Option<String> {
        job.variables.get(self.name).map(|(value, _)| value.to_owned())
    }

    fn files(&self, plain: &[&str], wanted: &Option<String>, present: &Option<String>) -> Takeover {
        let has_none = |value: &Option<String>| matches!(value.as_deref(), Some("none" | "empty"));
        if self.name == "GIT_STRATEGY" && has_none(present) {
            return Takeover::nothing(self.without_sources());
        }
        if is_same(plain, wanted, present) {
            return Takeover::default();
        }
        let is_strategy = self.name == "GIT_STRATEGY" && has_none(wanted);
        Takeover::nothing(match is_strategy {
            true => self.with_sources(),
            false => self.differs("so the build would see other files"),
        })
    }

    fn submodules(&self, plain: &[&str], wanted: &Option<String>, present: &Option<String>) -> Takeover {
        let submodules = submodules(self.situation);
        let text = wanted.as_deref().unwrap_or_default();
        if submodules.is_empty() || is_same(plain, wanted, present) || !self.is_fetched() {
            Takeover::default()
        } else if present.is_some() || text.contains('$') {
            Takeover::nothing(self.differs("so the build would see other submodules"))
        } else {
            self.moved(&submodules)
        }
    }

    /// Whether either job fetches submodules at all.
    fn is_fetched(&self) -> bool {
        [self.situation.producer, self.situation.consumer].iter().any(|job| {
            let strategy = job.variables.get("GIT_SUBMODULE_STRATEGY");
            strategy.is_some_and(|(value, _)| !matches!(value, "" | "none"))
        })
    }

    fn history(&self) -> Takeover {
        let git = RepositoryPath::new(".git");
        if git.as_ref().is_some_and(|git| self.situation.sources().leaves_out(git)) {
            return Takeover::nothing(self.differs(
                "which says that the build reads the history, and .dockerignore keeps .git out of the builder stage",
            ));
        }
        self.moved(&git.into_iter().collect::<Vec<_>>())
    }

    /// The image job fetches as the build job did, unless its image or another one would hold more by that.
    fn moved(&self, affected: &[RepositoryPath]) -> Takeover {
        let situation = self.situation;
        let own: Vec<_> =
            situation.group.handoffs.iter().filter(|own| own.consumer == situation.consumer.name).collect();
        let is_copied = |path: &&RepositoryPath| own.iter().any(|own| is_copied(&own.build, path));
        if let Some(path) = affected.iter().find(is_copied) {
            return Takeover::nothing(self.differs(&format!("and with it {path} would get into the image as well")));
        }
        let (builds, problems) = image_builds(situation.repository, &situation.handoff.script.walk);
        if builds.len() + problems.len() > own.len() {
            return Takeover::nothing(self.differs("and the image job builds other images, which would see it too"));
        }
        let value = self.situation.producer.get("variables").and_then(|variables| variables.get(self.name));
        let value = value.filter(|value| value.mapping().is_none()).map(crate::gitlab::Value::written);
        let inherited = || self.of(self.situation.producer).filter(|value| !value.is_empty());
        let written = value.or_else(inherited).unwrap_or_else(|| "\"\"".to_owned());
        let message = format!("the image job gets '{}: {written}', for the builder stage copies its clone", self.name);
        let finding = Finding::new(Code::KeywordTakenOver, self.location(), message);
        let taken = Taken { keyword: "variables", variable: Some(self.name.to_owned()), written };
        Takeover { taken: vec![taken], findings: vec![finding] }
    }

    fn location(&self) -> Location {
        let (producer, consumer) = (self.situation.producer, self.situation.consumer);
        let place = producer.variables.get(self.name).or_else(|| consumer.variables.get(self.name));
        place.map_or_else(
            || self.situation.producer_location("variables"),
            |(_, origin)| self.situation.pipeline.location(origin),
        )
    }

    fn differs(&self, why: &str) -> Finding {
        let job = |job: &Job| match self.of(job) {
            Some(value) => format!("'{}' has {} {value}", job.name, self.name),
            None => format!("'{}' sets no {}", job.name, self.name),
        };
        let (producer, consumer) = (job(self.situation.producer), job(self.situation.consumer));
        let message = format!("the two jobs fetch the sources differently: {producer}, {consumer}, {why}");
        Finding::new(Code::CloneSettingsDiffer, self.location(), message)
            .with_help(format!("give both jobs the same {}, or remove it from both", self.name))
    }

    /// The folder of the builder stage is chosen for the whole image, whatever the image job says of its own.
    fn elsewhere(&self) -> Finding {
        let (producer, value) = (&self.situation.producer.name, self.of(self.situation.producer).unwrap_or_default());
        let message = format!(
            "'{producer}' builds in a folder that it chooses ({} is {value}), and the builder stage has a folder of its own",
            self.name
        );
        Finding::new(Code::CloneSettingsDiffer, self.location(), message).with_help(format!(
            "remove {} from '{producer}' if the build makes the same files in any folder, or leave the jobs as they are",
            self.name
        ))
    }

    /// A build job without a clone starts in a folder where only files of earlier jobs are.
    fn with_sources(&self) -> Finding {
        let (producer, consumer) = (&self.situation.producer.name, &self.situation.consumer.name);
        let message = format!(
            "'{producer}' fetches no sources (its {} is {}), and the builder stage would have those that '{consumer}' fetches",
            self.name,
            self.of(self.situation.producer).unwrap_or_default()
        );
        Finding::new(Code::CloneSettingsDiffer, self.location(), message)
            .with_help(format!("remove {} from '{producer}' if the sources do not change what it makes", self.name))
    }

    /// An image job without a clone has no sources to send to the builder stage.
    fn without_sources(&self) -> Finding {
        let origin = self.situation.consumer.variables.get(self.name).map(|(_, origin)| origin);
        let location = origin.map_or_else(|| self.location(), |origin| self.situation.pipeline.location(origin));
        let message = "the image job fetches no sources, so the builder stage would have nothing to build";
        Finding::new(Code::CloneSettingsDiffer, location, message)
            .with_help("let the image job fetch the sources, and see that its image takes no more by that")
    }
}

fn is_same(plain: &[&str], one: &Option<String>, other: &Option<String>) -> bool {
    let is_plain = |value: &Option<String>| plain.contains(&value.as_deref().unwrap_or_default());
    one == other || is_plain(one) && is_plain(other)
}

/// How many commits there are; zero stands for all. Unset, the project says so: 20 unless somebody changed it
/// (GitLab docs: ci/pipelines/settings).
fn depth(value: &Option<String>) -> u64 {
    match value.as_deref().map(str::trim) {
        None | Some("") => 20,
        Some("0") => u64::MAX,
        Some(number) => number.parse().unwrap_or(u64::MAX),
    }
}

/// The folders of submodules, by the commits that git tracks and by `.gitmodules`.
fn submodules(situation: &Situation<'_>) -> Vec<RepositoryPath> {
    let tracked = situation.repository.tracked().iter().filter(|(_, kind)| **kind == FileKind::Submodule);
    let mut paths: Vec<_> = tracked.map(|(path, _)| path.clone()).collect();
    let listed = RepositoryPath::new(".gitmodules").and_then(|path| situation.repository.read(&path).ok());
    for line in listed.iter().flat_map(|file| file.text().lines()) {
        let path = line.split_once('=').filter(|(key, _)| key.trim() == "path");
        paths.extend(path.and_then(|(_, path)| RepositoryPath::new(path.trim())));
    }
    paths
}

/// Whether git keeps some files elsewhere (`filter=lfs`).
fn has_large_files(situation: &Situation<'_>) -> bool {
    let tracked = situation.repository.tracked().keys();
    let attributes = tracked.filter(|path| path.as_str().rsplit('/').next() == Some(".gitattributes"));
    let mut texts = attributes.filter_map(|path| situation.repository.read(path).ok());
    texts.any(|file| file.text().contains("filter=lfs"))
}

/// Whether a `COPY` of the Dockerfile takes what lies at `path` from the context, or may do so.
fn is_copied(build: &ImageBuild, path: &RepositoryPath) -> bool {
    if build.context.leaves_out(path) {
        return false;
    }
    let sources = build.stages.copies.iter().filter(|copy| copy.from.is_none()).flat_map(|copy| &copy.sources);
    sources.into_iter().any(|source| {
        let Some(written) = &source.path else {
            return true;
        };
        build
            .context
            .folder
            .join(folder_before_glob(written))
            .is_none_or(|place| path.is_within(&place) || place.is_within(path))
    })
}

#[cfg(test)]
mod tests {
    use super::{SETTINGS, depth};

    #[test]
    fn the_table_is_sorted() {
        assert!(SETTINGS.is_sorted_by_key(|(name, _)| *name));
    }

    #[test]
    fn the_whole_history_is_the_deepest() {
        let of = |text: &str| depth(&Some(text.to_owned()));
        assert!(of("0") > of("1000") && of("1000") > depth(&None) && depth(&None) > of("1"));
    }
}
