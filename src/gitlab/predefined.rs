/// What GitLab gives under a name, as far as the name tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VariableKind {
    /// A value that GitLab sets for every pipeline and that may be seen by everybody.
    Predefined,
    /// One that GitLab sets for the job, so that it would differ in another one.
    OfTheJob,
    /// One that old versions of GitLab set, and that is gone since GitLab 16.
    Legacy,
    /// One of the shell or the operating system.
    Shell,
    /// A secret, by GitLab's documentation or by its name; so is every name that nobody defines.
    Secret,
}

/// The kind of the variable `name`, for one that the YAML does not define
/// (GitLab docs: ci/variables/predefined_variables).
#[must_use]
pub fn kind_of_variable(name: &str) -> VariableKind {
    if SHELL.contains(&name) || name.bytes().all(|byte| byte.is_ascii_digit()) {
        VariableKind::Shell
    } else if has_secret_name(name) {
        VariableKind::Secret
    } else if LEGACY.contains(&name) {
        VariableKind::Legacy
    } else if OF_THE_JOB.iter().any(|prefix| name.starts_with(prefix)) {
        VariableKind::OfTheJob
    } else if PREDEFINED.iter().any(|prefix| name.starts_with(prefix)) {
        VariableKind::Predefined
    } else {
        VariableKind::Secret
    }
}

/// Names that the shell or every image defines.
const SHELL: [&str; 20] = [
    "?", "@", "*", "#", "$", "!", "-", "_", "HOME", "PATH", "PWD", "OLDPWD", "USER", "SHELL", "HOSTNAME", "IFS",
    "RANDOM", "SECONDS", "LINENO", "UID",
];

/// Parts of a name that tell of a secret.
const SECRET_PARTS: [&str; 9] = ["TOKEN", "SECRET", "PASS", "PWD", "CRED", "AUTH", "CERT", "PRIVATE", "KEY"];

/// Predefined variables that hold a secret though their names do not say so.
const SECRETS: [&str; 3] = ["CI_REPOSITORY_URL", "KUBECONFIG", "CI_JOB_JWT"];

/// Names of GitLab 8, gone since GitLab 16.
const LEGACY: [&str; 10] = [
    "CI_BUILD_REF",
    "CI_BUILD_REF_NAME",
    "CI_BUILD_REF_SLUG",
    "CI_BUILD_ID",
    "CI_BUILD_NAME",
    "CI_BUILD_STAGE",
    "CI_BUILD_TAG",
    "CI_BUILD_BEFORE_SHA",
    "CI_BUILD_MANUAL",
    "CI_BUILD_TRIGGERED",
];

/// Names, or their beginnings, whose value belongs to one job.
const OF_THE_JOB: [&str; 6] =
    ["CI_JOB_", "CI_NODE_", "CI_ENVIRONMENT_", "CI_RUNNER_", "CI_CONCURRENT_", "CI_BUILDS_DIR"];

/// Names, or their beginnings, whose value belongs to the pipeline.
const PREDEFINED: [&str; 4] = ["CI", "GITLAB_", "TRIGGER_PAYLOAD", "CHAT_"];

/// Whether the name of a variable tells of a secret, whoever defines it.
#[must_use]
pub fn has_secret_name(name: &str) -> bool {
    SECRETS.contains(&name) || name.split('_').any(|part| SECRET_PARTS.iter().any(|secret| part.starts_with(secret)))
}

#[cfg(test)]
mod tests {
    use super::{VariableKind, kind_of_variable};

    #[test]
    fn a_name_that_nobody_defines_is_a_secret() {
        assert_eq!(kind_of_variable("MAVEN_SETTINGS"), VariableKind::Secret);
        assert_eq!(kind_of_variable("NPM_TOKEN"), VariableKind::Secret);
        assert_eq!(kind_of_variable("CI_REPOSITORY_URL"), VariableKind::Secret);
        assert_eq!(kind_of_variable("CI_JOB_TOKEN"), VariableKind::Secret);
    }

    #[test]
    fn predefined_names_are_told_by_what_they_belong_to() {
        assert_eq!(kind_of_variable("CI_COMMIT_SHA"), VariableKind::Predefined);
        assert_eq!(kind_of_variable("CI_JOB_NAME"), VariableKind::OfTheJob);
        assert_eq!(kind_of_variable("CI_BUILD_REF"), VariableKind::Legacy);
        assert_eq!(kind_of_variable("HOME"), VariableKind::Shell);
    }
}
