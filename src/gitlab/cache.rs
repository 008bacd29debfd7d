use super::path_pattern::PathPattern;
use super::value::{Origin, Value};
use super::variables::Variables;

/// One cache of a job.
#[derive(Clone, Debug)]
pub struct Cache {
    /// The paths.
    pub paths: Vec<PathPattern>,
    /// Everything that git does not track.
    pub untracked: bool,
    /// Whether it is restored, saved, or both.
    pub policy: CachePolicy,
    /// All of it.
    pub value: Value,
}

/// Which way a cache goes (GitLab docs: ci/yaml#cachepolicy).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CachePolicy {
    /// It is restored before the script and saved after it.
    PullPush,
    /// It is only restored.
    Pull,
    /// It is only saved.
    Push,
    /// A variable says so.
    Unknown,
}

impl Cache {
    /// Reads the value of `cache`: one cache or a list of them.
    pub(super) fn read(value: &Value, variables: &Variables) -> Vec<Self> {
        value
            .one_or_many()
            .iter()
            .filter(|cache| cache.mapping().is_some())
            .map(|cache| Self::one(cache, variables))
            .collect()
    }

    /// Whether both name the same archive, so that one job restores what the other saves.
    ///
    /// A key by the job's own name is another one in every job (GitLab docs: ci/caching, "Share caches between jobs").
    #[must_use]
    pub fn same_key(&self, other: &Self) -> bool {
        match (self.value.get("key"), other.value.get("key")) {
            (None, None) => true,
            (Some(one), Some(another)) => one.same(another) && !names_job(one),
            (Some(_), None) | (None, Some(_)) => false,
        }
    }

    /// Whether the script's files are saved.
    #[must_use]
    pub fn saves(&self) -> bool {
        self.policy != CachePolicy::Pull
    }

    /// Whether it is restored before the script.
    #[must_use]
    pub fn restores(&self) -> bool {
        self.policy != CachePolicy::Push
    }

    /// Where it was written.
    #[must_use]
    pub const fn origin(&self) -> Origin {
        self.value.origin
    }

    fn one(value: &Value, variables: &Variables) -> Self {
        let policy = match value.get("policy").and_then(Value::text).as_deref() {
            None | Some("pull-push") => CachePolicy::PullPush,
            Some("pull") => CachePolicy::Pull,
            Some("push") => CachePolicy::Push,
            Some(_) => CachePolicy::Unknown,
        };
        Self {
            paths: PathPattern::read(value.get("paths"), variables),
            untracked: value.get("untracked").and_then(Value::text).as_deref() == Some("true"),
            policy,
            value: value.clone(),
        }
    }
}

/// Whether a key, or its prefix, is made of what differs from job to job (GitLab docs: ci/variables/predefined_variables).
fn names_job(key: &Value) -> bool {
    let parts = [Some(key), key.get("prefix")];
    parts
        .into_iter()
        .flatten()
        .filter_map(Value::text)
        .any(|text| text.contains("CI_JOB_NAME") || text.contains("CI_JOB_ID"))
}
