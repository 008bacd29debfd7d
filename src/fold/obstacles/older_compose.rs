//! `docker-compose` of the first generation refuses a whole file in which a secret is a variable or a build has secrets, whatever
//! it is asked to do (docker/compose 1.29: `config_schema_compose_spec.json`).

use crate::fold::fate::Fate;
use crate::fold::situation::Situation;
use crate::source::FileKind;
use crate::text::RepositoryPath;

const PROGRAM: &str = "docker-compose";

/// Where the pipeline or a script of the repository runs it, as the end of a sentence.
pub(super) fn runs_in(situation: &Situation<'_>) -> Option<String> {
    let goes = |name: &str| situation.producer.name.as_ref() == name && situation.fate == Fate::Goes;
    let mut jobs = situation.pipeline.jobs().iter().filter(|job| !goes(job.name.as_ref()));
    let job = jobs.find(|job| {
        let keywords = ["before_script", "script", "after_script"];
        let mut items = keywords.iter().flat_map(|keyword| job.script_of(keyword));
        items.any(|item| item.text.as_deref().is_some_and(runs))
    });
    if let Some(job) = job {
        return Some(format!("job '{}' runs", job.name));
    }
    let is_pipeline = |path: &RepositoryPath| situation.pipeline.files().iter().any(|file| file.source.path() == path);
    let tracked = situation.repository.tracked().iter();
    let mut scripts = tracked.filter(|(path, kind)| !is_pipeline(path) && may_run(path, **kind));
    let script = scripts.find(|(path, _)| situation.repository.read(path).is_ok_and(|file| runs(file.text())));
    script.map(|(path, _)| format!("{path} runs"))
}

/// Whether a file is a script, or one of those that hold commands, by its name.
fn may_run(path: &RepositoryPath, kind: FileKind) -> bool {
    let name = path.file_name().to_ascii_lowercase();
    let names = ["makefile", "jenkinsfile", "justfile", "procfile", "rakefile"];
    let endings = [".bash", ".js", ".json", ".mk", ".py", ".rb", ".sh", ".toml", ".yaml", ".yml"];
    kind == FileKind::Executable
        || names.iter().any(|it| name.contains(it))
        || endings.iter().any(|ending| name.ends_with(ending))
}

/// Whether a text names the program, and not only a file such as `docker-compose.yml`, outside of comments.
fn runs(text: &str) -> bool {
    let lines = text.lines().filter(|line| !line.trim_start().starts_with('#'));
    let is_of_name = |letter: char| letter.is_alphanumeric() || matches!(letter, '.' | '-' | '_');
    let mut found = lines.flat_map(|line| line.match_indices(PROGRAM).map(move |(at, _)| (line, at)));
    found.any(|(line, at)| {
        let before = line.get(..at).unwrap_or_default();
        let after = line.get(at + PROGRAM.len()..).unwrap_or_default();
        !before.ends_with(is_of_name) && !after.starts_with(is_of_name)
    })
}

#[cfg(test)]
mod tests {
    use super::runs;

    #[test]
    fn the_program_is_told_from_its_files() {
        for text in [
            "docker-compose up -d",
            "\t@docker-compose -f docker-compose.yml pull",
            "ssh host 'docker-compose pull'",
            "/usr/local/bin/docker-compose config",
            "exec(\"docker-compose\", \"up\")",
        ] {
            assert!(runs(text), "{text}");
        }
        for text in [
            "docker compose -f docker-compose.yml up",
            "# docker-compose up",
            "my-docker-compose x",
            "docker-compose_x",
        ] {
            assert!(!runs(text), "{text}");
        }
    }
}
