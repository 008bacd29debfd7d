//! What GitLab's own templates define, so that a pipeline that includes one need not be refused for it.
//!
//! The names are those of GitLab's repository (`lib/gitlab/ci/templates`). Nothing says which GitLab runs the pipeline, so they
//! are those of several versions between GitLab 11 and 18, though not of every one; a `*` stands for the rest of a name
//! that changes from one version to the next. `Deploy` is from memory. A template that is not in the table may hold
//! anything.

/// What is known of one of GitLab's templates in all its versions.
#[derive(Debug, PartialEq, Eq)]
pub struct Template {
    /// Its file, without the folder and without `.gitlab-ci.yml`.
    name: &'static str,
    /// The jobs and hidden jobs that it defines, as patterns.
    jobs: &'static [&'static str],
    /// The keys at the top of a pipeline that it sets.
    pub globals: &'static [&'static str],
    /// The stages that its jobs run in.
    pub stages: &'static [&'static str],
    /// What its jobs read of the files that earlier jobs hand on.
    pub reads: Reads,
}

/// What the jobs of a template read of the artifacts of earlier jobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reads {
    /// Nothing: `dependencies: []`, or no jobs at all.
    Nothing,
    /// They download the artifacts of earlier stages and scan the texts in the tree for their report.
    Texts,
    /// There is no telling.
    Anything,
}

const VARIABLES: &[&str] = &["variables"];
const TEST: &[&str] = &["test"];

/// The table, sorted by name.
const TEMPLATES: &[Template] = &[
    Template {
        name: "Auto-DevOps",
        jobs: &[
            ".auto*",
            ".cs*",
            ".dast*",
            ".ds-*",
            ".manual*",
            ".production*",
            ".review*",
            ".rollout*",
            ".sast-*",
            ".secret-*",
            ".stop*",
            ".timed*",
            "build",
            "canary",
            "code_quality",
            "container_scanning",
            "dast*",
            "dependency_scanning",
            "license_*",
            "performance",
            "production*",
            "review",
            "rollout*",
            "sast",
            "secret_detection*",
            "staging",
            "stop_*",
            "test",
            "timed*",
            "*-sast",
            "*-dependency_scanning",
            "*_performance",
        ],
        globals: &["after_script", "before_script", "default", "image", "stages", "variables", "workflow"],
        stages: &["build", "cleanup", "dast", "performance", "production", "review", "staging", "test"],
        reads: Reads::Anything,
    },
    Template { name: "Branch-Pipelines", jobs: &[], globals: &["workflow"], stages: &[], reads: Reads::Nothing },
    Template {
        name: "Build",
        jobs: &["build", "build_artifact", ".build*"],
        globals: VARIABLES,
        stages: &["build"],
        reads: Reads::Anything,
    },
    Template {
        name: "Code-Quality",
        jobs: &["code_quality", "codequality"],
        globals: &[],
        stages: TEST,
        reads: Reads::Texts,
    },
    Template {
        name: "Container-Scanning",
        jobs: &["container_scanning", ".cs*"],
        globals: VARIABLES,
        stages: TEST,
        reads: Reads::Nothing,
    },
    Template {
        name: "DAST",
        jobs: &["dast", ".dast*"],
        globals: &["stages", "variables"],
        stages: &["dast"],
        reads: Reads::Texts,
    },
    Template {
        name: "Dependency-Scanning",
        jobs: &[
            "dependency_scanning",
            "dependency-scanning*",
            "*-dependency_scanning",
            ".ds-*",
            ".cyclone*",
            ".gemnasium-*",
            ".deprecated-*",
        ],
        globals: VARIABLES,
        stages: TEST,
        reads: Reads::Texts,
    },
    Template {
        name: "Deploy",
        jobs: &[
            ".auto*",
            ".manual*",
            ".production*",
            ".review*",
            ".rollout*",
            ".stop*",
            ".timed*",
            "canary",
            "production*",
            "review",
            "rollout*",
            "staging",
            "stop_review",
            "timed*",
        ],
        globals: VARIABLES,
        stages: &["canary", "cleanup", "production", "review", "staging"],
        reads: Reads::Anything,
    },
    Template {
        name: "Docker",
        jobs: &["build", "build-master", "docker-build"],
        globals: &[],
        stages: &["build"],
        reads: Reads::Anything,
    },
    Template { name: "Kaniko", jobs: &["kaniko-build"], globals: &[], stages: &["build"], reads: Reads::Anything },
    Template {
        name: "License-Management",
        jobs: &["license_management", "license_scanning"],
        globals: VARIABLES,
        stages: TEST,
        reads: Reads::Nothing,
    },
    Template {
        name: "License-Scanning",
        jobs: &["license_management", "license_scanning"],
        globals: VARIABLES,
        stages: TEST,
        reads: Reads::Nothing,
    },
    Template { name: "MergeRequest-Pipelines", jobs: &[], globals: &["workflow"], stages: &[], reads: Reads::Nothing },
    Template {
        name: "SAST",
        jobs: &["sast", "*-sast", ".sast-*", ".*-sast", ".*-exist-rules", ".deprecated-*"],
        globals: VARIABLES,
        stages: TEST,
        reads: Reads::Texts,
    },
    Template {
        name: "SAST-IaC",
        jobs: &["iac-sast", "*-iac-sast", ".*-sast"],
        globals: VARIABLES,
        stages: TEST,
        reads: Reads::Texts,
    },
    Template {
        name: "Secret-Detection",
        jobs: &["secret_detection*", ".secret-analyzer"],
        globals: VARIABLES,
        stages: TEST,
        reads: Reads::Texts,
    },
    Template {
        name: "Terraform",
        jobs: &[
            ".build",
            ".cleanup",
            ".deploy",
            ".destroy",
            ".fmt",
            ".init",
            ".terraform*",
            ".validate",
            "build",
            "deploy",
            "fmt",
            "init",
            "validate",
            "*-sast",
        ],
        globals: &["cache", "image", "stages", "variables"],
        stages: &["build", "cleanup", "deploy", "init", "test", "validate"],
        reads: Reads::Anything,
    },
    Template { name: "Test", jobs: &["test"], globals: VARIABLES, stages: TEST, reads: Reads::Anything },
];

impl Template {
    /// The template that `include:template` names: `Jobs/SAST.gitlab-ci.yml`, with or without folder, of any edition.
    pub(super) fn find(path: &str) -> Option<&'static Self> {
        let file = path.rsplit('/').next().unwrap_or_default();
        let stem = file.strip_suffix(".gitlab-ci.yml")?;
        let name = stem.split('.').next().unwrap_or_default();
        TEMPLATES.iter().find(|template| template.name == name)
    }

    /// Whether it may define or change the job `name`.
    #[must_use]
    pub fn may_define(&self, name: &str) -> bool {
        self.jobs.iter().any(|pattern| match pattern.split_once('*') {
            Some((start, end)) => {
                name.len() >= start.len() + end.len() && name.starts_with(start) && name.ends_with(end)
            }
            None => *pattern == name,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{TEMPLATES, Template};

    #[test]
    fn the_table_is_sorted_and_each_pattern_has_one_star_at_most() {
        let names: Vec<_> = TEMPLATES.iter().map(|template| template.name).collect();
        assert!(names.is_sorted(), "{names:?}");
        let mut patterns = TEMPLATES.iter().flat_map(|template| template.jobs);
        assert!(patterns.all(|pattern| pattern.matches('*').count() <= 1));
    }

    #[test]
    fn folders_and_editions_make_no_difference() {
        let name = |path: &str| Template::find(path).map(|template| template.name);
        assert_eq!(name("Jobs/SAST.gitlab-ci.yml"), Some("SAST"));
        assert_eq!(name("Security/Dependency-Scanning.latest.gitlab-ci.yml"), Some("Dependency-Scanning"));
        assert_eq!(name("SAST.yml"), None);
        assert_eq!(name("Verify/FailFast.gitlab-ci.yml"), None);
    }

    #[test]
    fn names_that_change_with_the_version_are_covered() {
        let sast = Template::find("SAST.gitlab-ci.yml").unwrap();
        assert!(["sast", "semgrep-sast", ".sast-analyzer", ".mobsf-sast"].iter().all(|name| sast.may_define(name)));
        assert!(!["build", "test", ".build"].iter().any(|name| sast.may_define(name)));
    }
}
