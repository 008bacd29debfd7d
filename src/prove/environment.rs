//! The variables that a job sees: what GitLab sets, what the YAML says, and what the user gives, the last one wins
//! (GitLab docs: ci/variables, "CI/CD variable precedence").

use std::collections::BTreeMap;

use crate::gitlab::{Job, ValuePiece, modern_name, names_in};

/// Old names of variables that GitLab no longer sets by itself, but whose jobs are older.
const OLD_NAMES: [&str; 6] =
    ["CI_BUILD_REF", "CI_BUILD_REF_NAME", "CI_BUILD_REF_SLUG", "CI_BUILD_ID", "CI_BUILD_NAME", "CI_BUILD_STAGE"];

/// A project and the commit of it that is built, as GitLab would name them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ProjectFacts {
    /// The host of GitLab.
    pub(super) host: String,
    /// The path of its group: `group` or `group/team`.
    pub(super) group: String,
    /// Its own name in paths.
    pub(super) name: String,
    /// The commit, in full.
    pub(super) commit: String,
    /// The branch.
    pub(super) branch: String,
    /// The first line of the commit's message.
    pub(super) title: String,
    /// Who wrote it: `Name <address>`.
    pub(super) author: String,
    /// When, in ISO 8601.
    pub(super) time: String,
}

impl ProjectFacts {
    /// The folder that the runner clones into.
    pub(super) fn folder(&self) -> String {
        format!("/builds/{}/{}", self.group, self.name)
    }

    /// The folder in which the runner lays variables of the type "file".
    pub(super) fn files_folder(&self) -> String {
        format!("{}.tmp", self.folder())
    }

    /// What GitLab sets in every job of a pipeline for this commit (GitLab docs: ci/variables/predefined_variables).
    fn predefined(&self) -> BTreeMap<String, String> {
        let path = format!("{}/{}", self.group, self.name);
        let slug = slug(&self.branch);
        let short = self.commit.get(..8).unwrap_or(&self.commit);
        let host = &self.host;
        let pairs = [
            ("CI", "true".to_owned()),
            ("GITLAB_CI", "true".to_owned()),
            ("CI_API_V4_URL", format!("https://{host}/api/v4")),
            ("CI_BUILDS_DIR", "/builds".to_owned()),
            ("CI_COMMIT_AUTHOR", self.author.clone()),
            ("CI_COMMIT_BEFORE_SHA", "0".repeat(40)),
            ("CI_COMMIT_BRANCH", self.branch.clone()),
            ("CI_COMMIT_DESCRIPTION", String::new()),
            ("CI_COMMIT_MESSAGE", self.title.clone()),
            ("CI_COMMIT_REF_NAME", self.branch.clone()),
            ("CI_COMMIT_REF_PROTECTED", "true".to_owned()),
            ("CI_COMMIT_REF_SLUG", slug.clone()),
            ("CI_COMMIT_SHA", self.commit.clone()),
            ("CI_COMMIT_SHORT_SHA", short.to_owned()),
            ("CI_COMMIT_TIMESTAMP", self.time.clone()),
            ("CI_COMMIT_TITLE", self.title.clone()),
            ("CI_CONCURRENT_ID", "0".to_owned()),
            ("CI_CONFIG_PATH", ".gitlab-ci.yml".to_owned()),
            ("CI_DEFAULT_BRANCH", self.branch.clone()),
            ("CI_JOB_ID", "1".to_owned()),
            ("CI_JOB_STARTED_AT", self.time.clone()),
            ("CI_JOB_TOKEN", "unknown".to_owned()),
            ("CI_NODE_TOTAL", "1".to_owned()),
            ("CI_PIPELINE_CREATED_AT", self.time.clone()),
            ("CI_PIPELINE_ID", "1".to_owned()),
            ("CI_PIPELINE_IID", "1".to_owned()),
            ("CI_PIPELINE_SOURCE", "push".to_owned()),
            ("CI_PIPELINE_URL", format!("https://{host}/{path}/-/pipelines/1")),
            ("CI_PROJECT_DIR", self.folder()),
            ("CI_PROJECT_ID", "1".to_owned()),
            ("CI_PROJECT_NAME", self.name.clone()),
            ("CI_PROJECT_NAMESPACE", self.group.clone()),
            ("CI_PROJECT_PATH", path.clone()),
            ("CI_PROJECT_PATH_SLUG", self::slug(&path)),
            ("CI_PROJECT_ROOT_NAMESPACE", self.group.split('/').next().unwrap_or_default().to_owned()),
            ("CI_PROJECT_TITLE", self.name.clone()),
            ("CI_PROJECT_URL", format!("https://{host}/{path}")),
            ("CI_PROJECT_VISIBILITY", "private".to_owned()),
            ("CI_REGISTRY", format!("registry.{host}")),
            ("CI_REGISTRY_IMAGE", format!("registry.{host}/{}", path.to_lowercase())),
            ("CI_REGISTRY_PASSWORD", "unknown".to_owned()),
            ("CI_REGISTRY_USER", "gitlab-ci-token".to_owned()),
            ("CI_RUNNER_ID", "1".to_owned()),
            ("CI_SERVER", "yes".to_owned()),
            ("CI_SERVER_HOST", host.clone()),
            ("CI_SERVER_NAME", "GitLab".to_owned()),
            ("CI_SERVER_URL", format!("https://{host}")),
            ("GITLAB_USER_ID", "1".to_owned()),
            ("GITLAB_USER_LOGIN", "user".to_owned()),
            ("GITLAB_USER_NAME", self.author.clone()),
        ];
        pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }
}

/// A name as GitLab writes it in addresses: small letters, digits and hyphens, 63 at most.
fn slug(name: &str) -> String {
    let plain = |character: char| if character.is_ascii_alphanumeric() { character.to_ascii_lowercase() } else { '-' };
    let slug: String = name.chars().map(plain).take(63).collect();
    slug.trim_matches('-').to_owned()
}

/// All variables of one job.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct JobEnvironment(BTreeMap<String, String>);

impl JobEnvironment {
    /// The variables of `job`; `given` are those of the project, which the user says.
    pub(super) fn of(job: &Job, facts: &ProjectFacts, given: &BTreeMap<String, String>) -> Self {
        let mut all = facts.predefined();
        all.insert("CI_JOB_NAME".to_owned(), job.name.to_string());
        all.insert("CI_JOB_STAGE".to_owned(), job.stage().to_string());
        let old = OLD_NAMES.iter().filter_map(|name| Some(((*name).to_owned(), all.get(modern_name(name)?)?.clone())));
        let old: Vec<_> = old.collect();
        all.extend(old);
        let outer = |name: &str| given.get(name).or_else(|| all.get(name)).cloned().unwrap_or_default();
        let own = job.variables.names().map(|name| {
            let pieces = job.variables.pieces(name);
            let pieces = pieces.unwrap_or_else(|| {
                vec![ValuePiece::Text(job.variables.get(name).map(|(text, _)| text.to_owned()).unwrap_or_default())]
            });
            let text = |piece| match piece {
                ValuePiece::Text(text) => text,
                ValuePiece::Variable(name) => outer(&name),
            };
            (name.to_owned(), pieces.into_iter().map(text).collect::<String>())
        });
        let own: Vec<_> = own.collect();
        all.extend(own);
        all.extend(given.clone());
        Self(all)
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    pub(super) fn set(&mut self, name: &str, value: &str) {
        self.0.insert(name.to_owned(), value.to_owned());
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// A keyword's text with its variables in place; one without a value is empty.
    pub(super) fn expand(&self, text: &str) -> String {
        let mut names = names_in(text);
        names.sort_by_key(|name| std::cmp::Reverse(name.len()));
        let value = |name: &str| self.get(name).unwrap_or_default().to_owned();
        names.iter().fold(text.to_owned(), |text, name| {
            text.replace(&format!("${{{name}}}"), &value(name)).replace(&format!("${name}"), &value(name))
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{JobEnvironment, ProjectFacts, slug};
    use crate::gitlab::Pipeline;
    use crate::source::MemoryRepository;
    use crate::text::RepositoryPath;

    fn environment(yaml: &str, given: &[(&str, &str)]) -> JobEnvironment {
        let repository = MemoryRepository::new([(".gitlab-ci.yml", yaml)]);
        let pipeline = Pipeline::read(&repository, &RepositoryPath::new(".gitlab-ci.yml").unwrap()).unwrap();
        let facts = ProjectFacts { group: "g".to_owned(), name: "p".to_owned(), ..ProjectFacts::default() };
        let given: BTreeMap<_, _> = given.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        JobEnvironment::of(pipeline.job("build").unwrap(), &facts, &given)
    }

    #[test]
    fn what_is_given_wins_over_the_yaml_and_that_over_what_is_predefined() {
        let yaml = "variables: {A: top, B: \"$A-$CI_PROJECT_NAME-$X\", CI_REGISTRY: own}\nbuild:\n  variables: {A: job}\n  script: x\n";
        let found = environment(yaml, &[("X", "given"), ("B2", "b")]);
        assert_eq!(found.get("A"), Some("job"));
        assert_eq!(found.get("B"), Some("job-p-given"));
        assert_eq!(found.get("CI_REGISTRY"), Some("own"));
        assert_eq!(environment(yaml, &[("A", "mine")]).get("A"), Some("mine"));
        assert_eq!(found.expand("$A/${B2}x/$NONE."), "job/bx/.");
        assert_eq!(found.get("CI_PROJECT_DIR"), Some("/builds/g/p"));
    }

    #[test]
    fn a_slug_is_short_and_plain() {
        assert_eq!(slug("Feature/A_b-"), "feature-a-b");
        assert_eq!(slug(&"x".repeat(80)).len(), 63);
    }
}
