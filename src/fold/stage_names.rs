//! The names of the builder stages: `builder` where there is one, those of the build jobs where there are several.

use super::group::Producer;
use crate::docker::Stages;

/// Names for a stage that is alone, the first that is free is taken.
const ALONE: [&str; 3] = ["builder", "builder-ci", "builder-stagefold"];

/// A name for each of `producers`, none of which is one of `stages` or of an image that they start from.
pub(super) fn of(stages: &Stages, producers: &[Producer<'_>]) -> Vec<String> {
    let mut taken: Vec<String> = stages.taken_names().map(|name| name.to_lowercase()).collect();
    if let [_] = producers {
        return vec![alone(stages)];
    }
    let mut names = Vec::new();
    for producer in producers {
        let name = free(&slug(&producer.job.name), &taken);
        taken.push(name.clone());
        names.push(name);
    }
    names
}

/// The name of the one builder stage among these stages.
pub(super) fn alone(stages: &Stages) -> String {
    free_alone(&stages.taken_names().collect::<Vec<_>>())
}

/// The name of the one builder stage among the stages of two Dockerfiles.
pub(super) fn beside(first: &Stages, second: &Stages) -> String {
    free_alone(&first.taken_names().chain(second.taken_names()).collect::<Vec<_>>())
}

fn free_alone(taken: &[String]) -> String {
    let is_free = |name: &&&str| !taken.iter().any(|taken| taken == **name);
    (*ALONE.iter().find(is_free).unwrap_or(&"builder-of-stagefold")).to_owned()
}

/// The name of a job in the letters that a stage may have: `^[a-z][a-z0-9-_.]*$` (Dockerfile reference: FROM).
fn slug(job: &str) -> String {
    let lower = job.to_lowercase();
    let words = lower.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
    let plain = words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join("-");
    let plain = plain.trim_matches('_');
    let is_named = plain.starts_with(|letter: char| letter.is_ascii_lowercase());
    // `scratch` and `context` mean something else to the builder.
    if is_named && !matches!(plain, "scratch" | "context") { plain.to_owned() } else { format!("build-{plain}") }
}

fn free(name: &str, taken: &[String]) -> String {
    let numbered = (2..).map(|number| format!("{name}-{number}"));
    let mut names = std::iter::once(name.to_owned()).chain(numbered);
    names.find(|name| !taken.contains(name)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{free, slug};

    #[test]
    fn a_stage_is_called_after_its_job() {
        assert_eq!(slug("Build: Front End"), "build-front-end");
        assert_eq!(slug("build:web"), "build-web");
        assert_eq!(slug("123"), "build-123");
        assert_eq!(slug("scratch"), "build-scratch");
        assert_eq!(free("web", &["web".to_owned(), "web-2".to_owned()]), "web-3");
    }
}
