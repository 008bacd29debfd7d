//! Why gitlab-ci-local's preview differs from what GitLab resolves, and so from ours.

use serde_json::{Value as Json, json};

use crate::ours::Keyword;

/// A difference with a name: `turn` makes of our value what gitlab-ci-local makes of it.
pub(crate) struct Reason {
    pub(crate) name: &'static str,
    /// The keywords of a job that it is about; with a dot before it, one at the top.
    pub(crate) keywords: &'static [&'static str],
    pub(crate) turn: fn(&Keyword, Option<Json>) -> Option<Json>,
}

/// A pipeline that only one of both refuses, by a part of the line `CASE/SIDE: its words`; the first that fits counts.
pub(crate) struct Refusal {
    pub(crate) name: &'static str,
    pub(crate) words: &'static str,
}

/// A difference of two YAML parsers, in one place of one case: what each reads there, as JSON.
pub(crate) struct Reading {
    pub(crate) name: &'static str,
    pub(crate) place: &'static str,
    pub(crate) ours: &'static str,
    pub(crate) theirs: &'static str,
}

pub(crate) const REFUSALS: &[Refusal] = &[
    Refusal {
        name: "it fetches what a project includes, and has no network here",
        words: "Project include could not be fetched",
    },
    Refusal { name: "it fetches a remote file, and has no network here", words: "Remote include could not be fetched" },
    Refusal {
        name: "it refuses a script item that is a mapping, as GitLab does; we read on and refuse the fold",
        words: "refuse-script-item-of-yaml/before: build script contains non string value",
    },
    Refusal {
        name: "it refuses a script item without a command, which GitLab took for years (finding null-script-item)",
        words: "script contains non string value",
    },
    Refusal {
        name: "its YAML parser wants a bracket to close right of its key, and libyaml does not",
        words: "deficient indentation",
    },
    Refusal {
        name: "it takes a byte order mark for text, which libyaml does not",
        words: "byte-order-mark/before: YAMLException",
    },
    Refusal {
        name: "it takes a byte order mark for text, after the fold as before it",
        words: "byte-order-mark/after: YAMLException",
    },
    Refusal {
        name: "its YAML parser merges no quoted `<<`, which Psych does",
        words: "merge-keys-in-a-list/before: build must have script specified",
    },
    Refusal {
        name: "it asks git for a branch that a bare folder does not have",
        words: "git diff --name-only origin/main",
    },
    Refusal { name: "it asks a component's project, and has no network here", words: "git ls-remote --tags" },
    Refusal {
        name: "it refuses a stage that no list has, as GitLab does; we say so in a note",
        words: "stage:deploy not found for deploy",
    },
    Refusal {
        name: "it refuses a file that is not there, as GitLab does; we read on and refuse the fold",
        words: "Local include file cannot be found ci/gone.yml",
    },
    Refusal {
        name: "it refuses an input without a value, as GitLab does; we read on and refuse the fold",
        words: "refuse-inputs-without-value/before: This GitLab CI configuration is invalid",
    },
    Refusal {
        name: "it knows no `run`; we read on and refuse the fold",
        words: "refuse-keyword-run/before: build must have script specified",
    },
];

/// The pipelines that gitlab-ci-local takes and GitLab does not.
pub(crate) const OUR_REFUSALS: &[Refusal] = &[
    Refusal {
        name: "it expands aliases without a bound",
        words: "failed-aliases-of-aliases/before: yaml-aliases-too-many",
    },
    Refusal {
        name: "it reads a date as text, which GitLab's loader does not allow",
        words: "failed-date/before: yaml-date",
    },
    Refusal { name: "it takes a file that holds nothing", words: "failed-empty/before: pipeline-empty" },
    Refusal { name: "it takes a list for a pipeline", words: "failed-list/before: pipeline-not-a-mapping" },
];

/// Stands in a [`Reading`] for a keyword that is not there.
pub(crate) const NOTHING: &str = "nothing";

const LEFT_OUT: &str = "it leaves out an include whose rules do not hold here, and we read all that may be there";

const fn left_out(place: &'static str, ours: &'static str) -> Reading {
    Reading { name: LEFT_OUT, place, ours, theirs: NOTHING }
}

const OF_THE_WORKFLOW: &str = "it gives the variables of the workflow's rule that holds here to all jobs";

const fn of_the_workflow(place: &'static str, ours: &'static str, theirs: &'static str) -> Reading {
    Reading { name: OF_THE_WORKFLOW, place, ours, theirs }
}

/// Ours are what Ruby's Psych 4.0 reads.
pub(crate) const READINGS: &[Reading] = &[
    Reading {
        name: "its YAML parser lets a key of the mapping win over a merged one, and Psych the later one",
        place: "merge-key-order/before: build.script",
        ours: r#"["npm ci","npm run build"]"#,
        theirs: r#"["npm run compile"]"#,
    },
    Reading {
        name: "its YAML parser lets the first of two merges win, and Psych the later one",
        place: "merge-keys-twice/before: build.script",
        ours: r#"["npm ci","npm run build"]"#,
        theirs: r#"["npm run compile"]"#,
    },
    Reading {
        name: "its YAML parser has the scalars of YAML 1.2, and Psych those of YAML 1.1",
        place: "scalars-of-yaml-1-1/before: build.variables",
        ours: r#"{"BUILD_WINDOW":45000,"CHANNEL":"n","FILE_MODE":493,"MEMORY_LIMIT":4096,"MINIFY":true,"NOTHING":null,"RELEASE":"12:30","SCALE":1.5,"SOURCE_MAPS":false}"#,
        theirs: r#"{"BUILD_WINDOW":"12:30","CHANNEL":"n","FILE_MODE":"755","MEMORY_LIMIT":"4_096","MINIFY":"yes","NOTHING":"","RELEASE":"12:30","SCALE":"1.5","SOURCE_MAPS":"off"}"#,
    },
    Reading {
        name: "it passes over `truncate`, which GitLab applies to an input",
        place: "inputs-of-a-local-file/before: build.variables",
        ours: r#"{"BUILD_MODE":"prod"}"#,
        theirs: r#"{"BUILD_MODE":"production"}"#,
    },
    of_the_workflow(
        "variable-by-workflow-rule/before: variables",
        r#"{"NODE_ENV":"development"}"#,
        r#"{"NODE_ENV":"production"}"#,
    ),
    of_the_workflow(
        "variable-by-workflow-rule/after: variables",
        r#"{"NODE_ENV":"development"}"#,
        r#"{"NODE_ENV":"production"}"#,
    ),
    of_the_workflow(
        "ci-variable-of-the-workflow/before: variables",
        r#"{"MODE":"development"}"#,
        r#"{"MODE":"production"}"#,
    ),
    of_the_workflow(
        "ci-variable-of-the-workflow/after: variables",
        r#"{"MODE":"development"}"#,
        r#"{"MODE":"production"}"#,
    ),
    of_the_workflow(
        "refuse-ci-variable-of-the-workflow-overridden/before: variables",
        r#"{"MODE":"development"}"#,
        r#"{"MODE":"production"}"#,
    ),
    left_out("include-rules-add-a-job/before: lint.image", r#""node:22""#),
    left_out("include-rules-add-a-job/before: lint.needs", "[]"),
    left_out("include-rules-add-a-job/before: lint.script", r#"["npx eslint src"]"#),
    left_out("include-rules-add-a-job/before: lint.stage", r#""build""#),
    left_out("include-rules-add-a-job/after: lint.image", r#""node:22""#),
    left_out("include-rules-add-a-job/after: lint.needs", "[]"),
    left_out("include-rules-add-a-job/after: lint.script", r#"["npx eslint src"]"#),
    left_out("include-rules-add-a-job/after: lint.stage", r#""build""#),
    left_out("refuse-include-rules-change-the-build/before: variables", r#"{"NODE_ENV":"development"}"#),
    left_out("refuse-include-rules-touch-what-another-brings/before: variables", r#"{"NODE_ENV":"development"}"#),
];

/// In the order in which gitlab-ci-local changes a value.
pub(crate) const REASONS: &[Reason] = &[
    Reason { name: "it drops `extends` once it is resolved", keywords: &["extends"], turn: |_, _| None },
    Reason {
        name: "it lets jobs inherit six keywords of `default` and no more",
        keywords: &["hooks", "id_tokens", "interruptible", "retry", "tags"],
        turn: |keyword, ours| ours.filter(|ours| Some(ours) != keyword.inherited.as_ref()),
    },
    Reason { name: "it writes an image as a mapping", keywords: &["image"], turn: |_, ours| ours.map(named) },
    Reason { name: "it writes services as mappings", keywords: &["services"], turn: |_, ours| each(ours, named) },
    Reason {
        name: "it writes a script as a list",
        keywords: &["after_script", "before_script", "script"],
        turn: |_, ours| ours.map(listed),
    },
    Reason {
        name: "it writes the needs as mappings and fills in what they leave out",
        keywords: &["needs"],
        turn: |_, ours| {
            each(ours, |need| {
                with_defaults(
                    if need.is_string() { json!({"job": need}) } else { need },
                    &[("artifacts", json!(true)), ("optional", json!(false))],
                )
            })
        },
    },
    Reason {
        name: "it drops two keys of an image",
        keywords: &["image"],
        turn: |_, ours| ours.map(|image| without(image, &["kubernetes", "pull_policy"])),
    },
    Reason {
        name: "it drops the engine's options of a service",
        keywords: &["services"],
        turn: |_, ours| each(ours, |service| without(service, &["docker"])),
    },
    Reason { name: "it writes the caches as a list", keywords: &["cache"], turn: |_, ours| ours.map(listed) },
    Reason {
        name: "it drops the untracked files of a cache",
        keywords: &["cache"],
        turn: |_, ours| each(ours, |cache| without(cache, &["untracked"])),
    },
    Reason {
        name: "it fills in what a cache leaves out",
        keywords: &["cache"],
        turn: |_, ours| {
            each(ours, |cache| with_defaults(cache, &[("policy", json!("pull-push")), ("when", json!("on_success"))]))
        },
    },
    Reason {
        name: "it writes the file of a child pipeline as a list of mappings",
        keywords: &["trigger"],
        turn: |_, ours| {
            values(ours, |include| if include.is_string() { json!([{ "local": include }]) } else { include })
        },
    },
    Reason {
        name: "it keeps only the values of variables, with `$$` for each `$` that is not to be expanded",
        keywords: &["variables", ".variables"],
        turn: |_, ours| values(ours, value_of_variable),
    },
    Reason {
        name: "it writes the values of variables as text",
        keywords: &["variables", ".variables"],
        turn: |_, ours| {
            values(ours, |value| if value.is_boolean() || value.is_number() { value.to_string().into() } else { value })
        },
    },
];

fn value_of_variable(variable: Json) -> Json {
    match (variable.get("value").and_then(Json::as_str), variable.get("expand")) {
        (Some(value), Some(Json::Bool(false))) => value.replace('$', "$$").into(),
        (Some(value), _) => value.into(),
        (None, _) => variable,
    }
}

fn named(value: Json) -> Json {
    if value.is_string() { json!({"name": value}) } else { value }
}

fn listed(value: Json) -> Json {
    if value.is_array() { value } else { json!([value]) }
}

fn each(list: Option<Json>, turn: impl Fn(Json) -> Json) -> Option<Json> {
    list.map(|list| match list {
        Json::Array(items) => items.into_iter().map(turn).collect(),
        other => other,
    })
}

fn values(mapping: Option<Json>, turn: impl Fn(Json) -> Json) -> Option<Json> {
    mapping.map(|mapping| match mapping {
        Json::Object(fields) => Json::Object(fields.into_iter().map(|(key, value)| (key, turn(value))).collect()),
        other => other,
    })
}

fn with_defaults(mut mapping: Json, defaults: &[(&str, Json)]) -> Json {
    if let Json::Object(fields) = &mut mapping {
        for (key, value) in defaults {
            fields.entry(*key).or_insert_with(|| value.clone());
        }
    }
    mapping
}

fn without(mut mapping: Json, keys: &[&str]) -> Json {
    if let Json::Object(fields) = &mut mapping {
        fields.retain(|key, _| !keys.contains(&key.as_str()));
    }
    mapping
}
