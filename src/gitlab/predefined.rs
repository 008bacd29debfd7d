/// What GitLab gives under a name, as far as the name tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VariableKind {
    /// A value that GitLab sets for every pipeline and that may be seen by everybody.
    Predefined,
    /// Such a value that somebody wrote: the message of a commit, the title of a merge request.
    Written,
    /// The name, the stage or the image of the job.
    NameOfTheJob,
    /// One that GitLab sets for the job, so that it would differ in another one.
    OfTheJob,
    /// One that old versions of GitLab set, and that is gone since GitLab 16.
    Legacy,
    /// One of the shell, the operating system or the official images.
    Shell,
    /// A secret, by GitLab's documentation or by its name; so is every name that nobody defines.
    Secret,
}

/// The kind of the variable `name`, for one that the YAML does not define
/// (GitLab docs: ci/variables/predefined_variables).
#[must_use]
pub fn kind_of_variable(name: &str) -> VariableKind {
    let begins = |names: &[&str]| names.iter().any(|beginning| name.starts_with(beginning));
    if SHELL.contains(&name) || OF_IMAGES.contains(&name) || name.bytes().all(|byte| byte.is_ascii_digit()) {
        VariableKind::Shell
    } else if WRITTEN.contains(&name) {
        VariableKind::Written
    } else if has_secret_name(name) {
        VariableKind::Secret
    } else if LEGACY.contains(&name) {
        VariableKind::Legacy
    } else if NAMES_OF_THE_JOB.contains(&name) {
        VariableKind::NameOfTheJob
    } else if begins(&OF_THE_JOB) {
        VariableKind::OfTheJob
    } else if PREDEFINED.contains(&name) || begins(&PREDEFINED_BEGINNINGS) {
        VariableKind::Predefined
    } else {
        VariableKind::Secret
    }
}

/// Names that the shell or every image defines.
const SHELL: [&str; 34] = [
    "?",
    "@",
    "*",
    "#",
    "$",
    "!",
    "-",
    "_",
    "HOME",
    "PATH",
    "PWD",
    "OLDPWD",
    "USER",
    "SHELL",
    "HOSTNAME",
    "IFS",
    "RANDOM",
    "SECONDS",
    "LINENO",
    "UID",
    "EUID",
    "PPID",
    "OPTARG",
    "OPTIND",
    "SHLVL",
    "TERM",
    "TMPDIR",
    "LOGNAME",
    "BASH",
    "BASH_SOURCE",
    "BASH_VERSION",
    "FUNCNAME",
    "OSTYPE",
    "PIPESTATUS",
];

/// Names that official images set for their tools (the `ENV` lines of their Dockerfiles).
const OF_IMAGES: [&str; 35] = [
    "BUNDLE_APP_CONFIG",
    "CARGO_HOME",
    "COMPOSER_HOME",
    "DOTNET_VERSION",
    "GEM_HOME",
    "GOLANG_VERSION",
    "GOPATH",
    "GOROOT",
    "GOTOOLCHAIN",
    "GPG_KEY",
    "GRADLE_HOME",
    "GRADLE_VERSION",
    "JAVA_HOME",
    "JAVA_VERSION",
    "JDK_HOME",
    "JRE_HOME",
    "LANG",
    "LANGUAGE",
    "LC_ALL",
    "M2_HOME",
    "MAVEN_CONFIG",
    "MAVEN_HOME",
    "MAVEN_VERSION",
    "NODE_VERSION",
    "PERL_VERSION",
    "PHP_INI_DIR",
    "PHP_VERSION",
    "PYTHON_PIP_VERSION",
    "PYTHON_VERSION",
    "RUBY_VERSION",
    "RUSTUP_HOME",
    "RUST_VERSION",
    "SBT_VERSION",
    "SCALA_VERSION",
    "YARN_VERSION",
];

/// Parts of a name that tell of a secret.
const SECRET_PARTS: [&str; 9] = ["TOKEN", "SECRET", "PASS", "PWD", "CRED", "AUTH", "CERT", "PRIVATE", "KEY"];

/// What such a part may end with, as `DBPASSWORD` and `npmToken` do.
const SECRET_ENDINGS: [&str; 6] = ["TOKEN", "SECRET", "PASSWORD", "PASSWD", "APIKEY", "CREDENTIALS"];

/// Parts that begin so and tell of something else.
const NO_SECRET_PARTS: [&str; 5] = ["AUTHOR", "AUTHORS", "KEYCLOAK", "KEYWORDS", "PASSENGER"];

/// Predefined variables that hold a secret though their names do not say so.
const SECRETS: [&str; 3] = ["CI_REPOSITORY_URL", "KUBECONFIG", "CI_JOB_JWT"];

/// Predefined variables whose value somebody wrote: it may have several lines, and anybody who may push chooses it.
const WRITTEN: [&str; 11] = [
    "CI_COMMIT_AUTHOR",
    "CI_COMMIT_DESCRIPTION",
    "CI_COMMIT_MESSAGE",
    "CI_COMMIT_TAG_MESSAGE",
    "CI_COMMIT_TITLE",
    "CI_MERGE_REQUEST_ASSIGNEES",
    "CI_MERGE_REQUEST_DESCRIPTION",
    "CI_MERGE_REQUEST_LABELS",
    "CI_MERGE_REQUEST_MILESTONE",
    "CI_MERGE_REQUEST_TITLE",
    "GITLAB_USER_NAME",
];

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

/// Names whose value is what the YAML says of the job.
const NAMES_OF_THE_JOB: [&str; 3] = ["CI_JOB_IMAGE", "CI_JOB_NAME", "CI_JOB_STAGE"];

/// Names, or their beginnings, whose value belongs to one job; a file that the runner makes for it counts as one.
const OF_THE_JOB: [&str; 9] = [
    "CI_BUILDS_DIR",
    "CI_CONCURRENT_",
    "CI_DEBUG_",
    "CI_ENVIRONMENT_",
    "CI_JOB_",
    "CI_NODE_",
    "CI_RUNNER_",
    "CI_SERVER_TLS_",
    "TRIGGER_PAYLOAD",
];

/// Names whose value is the same in every job of the pipeline.
const PREDEFINED: [&str; 28] = [
    "CI",
    "CI_API_GRAPHQL_URL",
    "CI_API_V4_URL",
    "CI_CONFIG_PATH",
    "CI_DEFAULT_BRANCH",
    "CI_DEFAULT_BRANCH_SLUG",
    "CI_DEPENDENCY_PROXY_DIRECT_GROUP_IMAGE_PREFIX",
    "CI_DEPENDENCY_PROXY_GROUP_IMAGE_PREFIX",
    "CI_DEPENDENCY_PROXY_SERVER",
    "CI_DEPENDENCY_PROXY_USER",
    "CI_DEPLOY_FREEZE",
    "CI_DEPLOY_USER",
    "CI_GITLAB_FIPS_MODE",
    "CI_HAS_OPEN_REQUIREMENTS",
    "CI_KUBERNETES_ACTIVE",
    "CI_OPEN_MERGE_REQUESTS",
    "CI_REGISTRY",
    "CI_REGISTRY_IMAGE",
    "CI_REGISTRY_USER",
    "CI_SERVER",
    "CI_TEMPLATE_REGISTRY_HOST",
    "CI_UPSTREAM_JOB_ID",
    "CI_UPSTREAM_PIPELINE_ID",
    "CI_UPSTREAM_PROJECT_ID",
    "GITLAB_CI",
    "GITLAB_FEATURES",
    "GITLAB_USER_ID",
    "GITLAB_USER_LOGIN",
];

/// Beginnings of such names.
const PREDEFINED_BEGINNINGS: [&str; 8] = [
    "CHAT_",
    "CI_COMMIT_",
    "CI_EXTERNAL_PULL_REQUEST_",
    "CI_MERGE_REQUEST_",
    "CI_PAGES_",
    "CI_PIPELINE_",
    "CI_PROJECT_",
    "CI_SERVER_",
];

/// Whether the name of a variable tells of a secret, whoever defines it.
#[must_use]
pub fn has_secret_name(name: &str) -> bool {
    let upper = name.to_ascii_uppercase();
    let tells = |part: &str| {
        SECRET_PARTS.iter().any(|secret| part.starts_with(secret))
            || SECRET_ENDINGS.iter().any(|secret| part.ends_with(secret))
    };
    let mut parts = upper.split('_').filter(|part| !NO_SECRET_PARTS.contains(part));
    SECRETS.contains(&name) || !WRITTEN.contains(&name) && parts.any(tells)
}

#[cfg(test)]
mod tests {
    use super::{VariableKind, kind_of_variable};

    #[test]
    fn a_name_that_nobody_defines_is_a_secret() {
        for name in ["MAVEN_SETTINGS", "NPM_TOKEN", "CI_REPOSITORY_URL", "CI_JOB_TOKEN", "CI_HOST_OF_OURS"] {
            assert_eq!(kind_of_variable(name), VariableKind::Secret, "{name}");
        }
    }

    #[test]
    fn predefined_names_are_told_by_what_they_belong_to() {
        assert_eq!(kind_of_variable("CI_COMMIT_SHA"), VariableKind::Predefined);
        assert_eq!(kind_of_variable("CI_COMMIT_AUTHOR"), VariableKind::Written);
        assert_eq!(kind_of_variable("CI_JOB_NAME"), VariableKind::NameOfTheJob);
        assert_eq!(kind_of_variable("CI_JOB_NAME_SLUG"), VariableKind::OfTheJob);
        assert_eq!(kind_of_variable("CI_BUILD_REF"), VariableKind::Legacy);
        assert_eq!(kind_of_variable("HOME"), VariableKind::Shell);
        assert_eq!(kind_of_variable("JAVA_HOME"), VariableKind::Shell);
    }
}
