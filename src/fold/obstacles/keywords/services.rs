//! `services`: a `RUN` has none, so the build must not have used one (GitLab docs: ci/services).

use super::mentions::{Asked, file_that, holds_word};
use crate::docker::ImageName;
use crate::finding::{Code, Finding};
use crate::fold::situation::Situation;
use crate::gitlab::{Origin, Value};
use crate::handoff::JobScript;
use crate::text::RepositoryPath;

/// Words that speak of a service by another name than that of its image.
const SYNONYMS: [(&str, &[&str]); 9] = [
    ("chrome", &["selenium", "webdriver"]),
    ("elasticsearch", &["elastic"]),
    ("mariadb", &["mysql"]),
    ("minio", &["s3"]),
    ("mongo", &["mongodb", "mongoose"]),
    ("mysql", &["mariadb"]),
    ("postgis", &["postgres", "postgresql", "pg", "PGHOST"]),
    ("postgres", &["postgresql", "pg", "PGHOST", "psql"]),
    ("rabbitmq", &["amqp", "amqplib"]),
];

/// Words of builds that start containers by themselves, which an engine beside the job is for.
const OF_CONTAINERS: [&str; 6] =
    ["testcontainers", "dockerode", "DOCKER_HOST", "docker-maven-plugin", "com.bmuschko.docker", "docker-py"];

/// Words of commands that do so.
const OF_COMMANDS: [&str; 6] =
    ["testcontainers", "bootBuildImage", "build-image", "dockerBuild", "jibDockerBuild", "docker-compose"];

/// Services that keep tables or documents.
const DATABASES: [&str; 5] = ["mariadb", "mongo", "mysql", "postgis", "postgres"];

/// Words of commands that bring these up to date, wherever they have the address from.
const OF_DATABASES: [&str; 3] = ["migrate", "migration", "migrations"];

/// Where the services of a job answer with some executors.
const HERE: [&str; 2] = ["localhost", "127.0.0.1"];

/// A service of the build job.
struct Service {
    /// The image, as it is written or expanded.
    image: String,
    /// The words that speak of it.
    words: Vec<String>,
    origin: Origin,
}

/// What names a service.
enum Mention {
    Job(String),
    File(RepositoryPath, String),
}

pub(super) fn check(situation: &Situation<'_>) -> Vec<Finding> {
    let services = situation.producer.get("services").map(Value::one_or_many).unwrap_or_default();
    let named = situation.producer.services().into_iter();
    let services = named.filter_map(|(image, origin)| {
        let value = services.iter().find(|value| value.origin == origin)?;
        Some(Service::new(image, value))
    });
    services.filter_map(|service| service.finding(situation)).collect()
}

impl Service {
    fn new(image: String, value: &Value) -> Self {
        let name = ImageName::new(&image).name.to_owned();
        let alias = value.get("alias").and_then(Value::text).unwrap_or_default();
        let aliases = alias.split([',', ' ']).filter(|alias| !alias.is_empty()).map(str::to_owned);
        let is_kin = |known: &str| name.contains(known);
        let kin = SYNONYMS.iter().filter(|(known, _)| is_kin(known));
        let kin = kin.flat_map(|(known, words)| words.iter().chain([known])).map(|word| (*word).to_owned());
        let words = aliases.chain(kin).chain(name.split(['-', '_', '.']).map(str::to_owned)).chain([name.clone()]);
        let mut words: Vec<_> = words.filter(|word| word.len() > 1).collect();
        words.sort();
        words.dedup();
        Self { image, words, origin: value.origin }
    }

    fn is_engine(&self) -> bool {
        ImageName::new(&self.image).name == "docker"
    }

    fn is_database(&self) -> bool {
        DATABASES.iter().any(|known| ImageName::new(&self.image).name.contains(known))
    }

    fn finding(&self, situation: &Situation<'_>) -> Option<Finding> {
        let location = situation.pipeline.location(self.origin);
        let Some(mention) = self.mention(situation) else {
            // An engine stands beside many jobs, as those inherit it; without it nothing is missing.
            let message =
                format!("the service {} goes with the build job, for nothing in the build names it", self.image);
            return (!self.is_engine()).then(|| Finding::new(Code::ServiceUnused, location, message));
        };
        let by = match mention {
            Mention::Job(word) => format!("the job itself speaks of '{word}'"),
            Mention::File(path, _) if path.is_root() => {
                "the repository is too large to tell whether it names it".to_owned()
            }
            Mention::File(path, words) => format!("{path} speaks of {words}"),
        };
        let message = format!("the build job has the service {}, and a docker build has no services: {by}", self.image);
        let help = "if the build does not use it, remove it from the job ('services: []' where it is inherited)";
        Some(Finding::new(Code::ServiceInUse, location, message).with_help(help))
    }

    fn mention(&self, situation: &Situation<'_>) -> Option<Mention> {
        if self.is_engine() {
            // A `docker` in the script is refused as a command by itself.
            let in_job = word_of_job(situation, &OF_COMMANDS).map(Mention::Job);
            return in_job.or_else(|| self.in_files(situation, &OF_CONTAINERS.map(str::to_owned)));
        }
        if self.image.contains('$') {
            return Some(Mention::Job(self.image.clone()));
        }
        self.in_job(situation).map(Mention::Job).or_else(|| self.in_files(situation, &self.words))
    }

    fn in_job(&self, situation: &Situation<'_>) -> Option<String> {
        let of_kind = OF_DATABASES.iter().filter(|_| self.is_database()).copied();
        let words: Vec<_> = self.words.iter().map(String::as_str).chain(HERE).chain(of_kind).collect();
        word_of_job(situation, &words)
    }

    fn in_files(&self, situation: &Situation<'_>, words: &[String]) -> Option<Mention> {
        let holds = |text: &str| words.iter().any(|word| holds_word(text, word));
        let path = file_that(situation, Asked::Build, &holds)?;
        let file = situation.repository.read(&path).ok();
        let found = words.iter().find(|word| file.as_ref().is_some_and(|file| holds_word(file.text(), word)));
        Some(Mention::File(path, found.map_or_else(String::new, |word| format!("'{word}'"))))
    }
}

/// The first of `words` that stands in the scripts or the variables of the build job.
fn word_of_job(situation: &Situation<'_>, words: &[&str]) -> Option<String> {
    let after = JobScript::of_keyword(situation.producer, "after_script");
    let items = situation.producer_script.items.iter().chain(&after.items);
    let scripts = items.filter_map(|item| item.text.as_deref());
    let variables = &situation.producer.variables;
    let values = variables.names().filter_map(|name| Some(variables.get(name)?.0));
    let texts: Vec<_> = scripts.chain(variables.names()).chain(values).collect();
    let mut found = words.iter().filter(|word| texts.iter().any(|text| holds_word(text, word)));
    found.next().map(|word| (*word).to_owned())
}

#[cfg(test)]
mod tests {
    use super::SYNONYMS;

    #[test]
    fn the_table_is_sorted() {
        assert!(SYNONYMS.is_sorted_by_key(|(name, _)| *name));
    }
}
