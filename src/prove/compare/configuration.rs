//! The run configuration of two images.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::super::difference::{Aspect, Change, Difference, Reason, Subject, Weight};

/// The keys that say how a container of the image runs, or what a Dockerfile that starts from it gets.
const KEYS: [&str; 12] = [
    "Cmd",
    "Entrypoint",
    "Env",
    "ExposedPorts",
    "Healthcheck",
    "Labels",
    "OnBuild",
    "Shell",
    "StopSignal",
    "User",
    "Volumes",
    "WorkingDir",
];

/// What an absent value is called.
const NONE: &str = "none";

/// The parts of a value that can differ by themselves, each as it is shown: a variable of `Env`, a label, a port. A value that is
/// one whole, as `Cmd` is, has one part without a name.
type Parts = BTreeMap<String, String>;

/// A part as both have it.
type Both = (Option<String>, Option<String>);

/// Parts that differ.
type Differing = BTreeMap<String, Both>;

/// The differences of two configurations. A part in which `again` differs from `before` too is not reproducible; but one that is in
/// both of them is not lost by chance.
pub(super) fn differences(before: &Value, after: &Value, again: Option<&Value>) -> Vec<Difference> {
    let mut differences = Vec::new();
    for key in KEYS {
        let noisy = again.map(|again| differing(key, before, again)).unwrap_or_default();
        let is_noise = |part: &String, after: &Option<String>| {
            noisy.get(part).is_some_and(|(_, again)| again.is_some() == after.is_some())
        };
        let (harmless, counting): (Differing, Differing) =
            differing(key, before, after).into_iter().partition(|(part, (_, after))| is_noise(part, after));
        differences.extend(difference(key, &counting, Weight::Counts));
        differences.extend(difference(key, &harmless, Weight::Harmless(Reason::NotReproducible)));
    }
    differences
}

fn difference(key: &str, parts: &Differing, weight: Weight) -> Option<Difference> {
    let shown = |side: fn(&Both) -> Option<&String>| {
        let parts: Vec<&str> = parts.values().filter_map(side).map(String::as_str).collect();
        if parts.is_empty() { NONE.to_owned() } else { parts.join(", ") }
    };
    let (before, after) = (shown(|(before, _)| before.as_ref()), shown(|(_, after)| after.as_ref()));
    (!parts.is_empty()).then(|| Difference {
        subject: Subject::Configuration(key.to_owned()),
        change: Change::Aspects(vec![Aspect { name: "value", before, after }]),
        weight,
        detail: None,
    })
}

/// The parts in which two values of a key differ. Variables that are the same but for their order are one difference.
fn differing(key: &str, left: &Value, right: &Value) -> Differing {
    let (left, right) = (left.get(key).unwrap_or(&Value::Null), right.get(key).unwrap_or(&Value::Null));
    if left == right || is_empty(left) && is_empty(right) {
        return Differing::new();
    }
    let (lefts, rights) = (parts(key, left), parts(key, right));
    if lefts == rights {
        return Differing::from([(String::new(), (Some(left.to_string()), Some(right.to_string())))]);
    }
    let names: BTreeSet<&String> = lefts.keys().chain(rights.keys()).collect();
    let pairs = names.into_iter().map(|name| (name.clone(), (lefts.get(name).cloned(), rights.get(name).cloned())));
    pairs.filter(|(_, (left, right))| left != right).collect()
}

/// Engines write nothing as `null`, as an empty list, object or string, or leave the key out.
fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty(),
        Value::Object(map) => map.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

fn parts(key: &str, value: &Value) -> Parts {
    match value {
        empty if is_empty(empty) => Parts::new(),
        Value::Array(list) if key == "Env" => {
            let variables = list.iter().map(text);
            variables.map(|variable| (variable.split('=').next().unwrap_or_default().to_owned(), variable)).collect()
        }
        Value::Object(map) => map.iter().map(|(name, value)| (name.clone(), named(name, value))).collect(),
        whole => Parts::from([(String::new(), text(whole))]),
    }
}

/// A label has a text, a port and a volume have an empty object.
fn named(name: &str, value: &Value) -> String {
    if value.as_object().is_some_and(serde_json::Map::is_empty) {
        name.to_owned()
    } else {
        format!("{name}={}", text(value))
    }
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::super::difference::{Change, Reason, Subject, Weight};
    use super::differences;

    /// Each difference as `KEY: before -> after`, with a `~` where it does not count.
    fn told(before: &Value, after: &Value, again: Option<&Value>) -> Vec<String> {
        let all = differences(before, after, again).into_iter().map(|difference| {
            let Subject::Configuration(key) = difference.subject else { panic!("a file") };
            let Change::Aspects(aspects) = difference.change else { panic!("not an aspect") };
            let mark = match difference.weight {
                Weight::Counts => "",
                Weight::Harmless(Reason::NotReproducible) => "~",
                Weight::Harmless(other) => panic!("{other:?}"),
            };
            assert_eq!((aspects.len(), aspects[0].name), (1, "value"));
            format!("{mark}{key}: {} -> {}", aspects[0].before, aspects[0].after)
        });
        all.collect()
    }

    #[test]
    fn every_key_is_compared_and_nothing_else() {
        let whole = json!({"Cmd": ["a", "b"], "Entrypoint": ["/e"], "Env": ["A=1", "B=2"], "ExposedPorts": {"80/tcp": {}},
            "Healthcheck": {"Test": ["CMD", "t"]}, "Labels": {"l": "1"}, "OnBuild": ["RUN x"], "Shell": ["sh"],
            "StopSignal": "SIGINT", "User": "u", "Volumes": {"/v": {}}, "WorkingDir": "/w", "Image": "sha256:1", "Hostname": "h"});
        let none = json!({"Image": "sha256:2"});
        let expected = [
            r#"Cmd: ["a","b"] -> none"#,
            r#"Entrypoint: ["/e"] -> none"#,
            "Env: A=1, B=2 -> none",
            "ExposedPorts: 80/tcp -> none",
            r#"Healthcheck: Test=["CMD","t"] -> none"#,
            "Labels: l=1 -> none",
            r#"OnBuild: ["RUN x"] -> none"#,
            r#"Shell: ["sh"] -> none"#,
            "StopSignal: SIGINT -> none",
            "User: u -> none",
            "Volumes: /v -> none",
            "WorkingDir: /w -> none",
        ];
        assert_eq!(told(&whole, &none, None), expected);
        assert_eq!(told(&none, &whole, None).len(), 12);
        assert!(told(&whole, &whole, None).is_empty());
    }

    #[test]
    fn nothing_is_the_same_however_it_is_written() {
        let nothings =
            [json!(null), json!([]), json!({}), json!(""), json!({"Cmd": null, "Env": [], "Labels": {}, "User": ""})];
        for before in &nothings {
            for after in &nothings {
                assert!(told(before, after, None).is_empty());
                assert!(told(&json!({"Cmd": before["Cmd"], "Env": before}), &json!({"Env": after}), None).len() <= 1);
            }
        }
    }

    #[test]
    fn only_the_parts_that_differ_are_told() {
        let before = json!({"Env": ["PATH=/bin", "A=1", "GONE=x=y"], "Labels": {"a": "1", "same": "s"}});
        let after = json!({"Env": ["PATH=/bin", "A=2", "NEW"], "Labels": {"same": "s", "b": ""}});
        assert_eq!(told(&before, &after, None), ["Env: A=1, GONE=x=y -> A=2, NEW", "Labels: a=1 -> b="]);
        let turned = json!({"Env": ["A=1", "PATH=/bin", "GONE=x=y"], "Labels": {"same": "s", "a": "1"}});
        assert_eq!(
            told(&before, &turned, None),
            [r#"Env: ["PATH=/bin","A=1","GONE=x=y"] -> ["A=1","PATH=/bin","GONE=x=y"]"#]
        );
    }

    #[test]
    fn noise_excuses_its_own_part_alone() {
        let before = json!({"Env": ["ID=1", "A=1"], "Labels": {"created": "x"}, "Cmd": ["a"]});
        let again = json!({"Env": ["ID=2", "A=1"], "Labels": {"created": "y"}, "Cmd": ["a"]});
        let after = json!({"Env": ["ID=3"], "Labels": {"created": "z"}, "Cmd": ["b"]});
        let expected =
            [r#"Cmd: ["a"] -> ["b"]"#, "Env: A=1 -> none", "~Env: ID=1 -> ID=3", "~Labels: created=x -> created=z"];
        assert_eq!(told(&before, &after, Some(&again)), expected);
        let without = json!({"Env": ["A=1"], "Labels": {"created": "z"}, "Cmd": ["a"]});
        let expected = ["Env: ID=1 -> none", "~Labels: created=x -> created=z"];
        assert_eq!(told(&before, &without, Some(&again)), expected);
        // What differs in the second build alone is none of the new way's.
        assert!(told(&before, &before, Some(&again)).is_empty());
    }
}
