//! The rules of the house that the compiler does not hold: which way imports point, who may name which
//! crate, and how long a file may be. Code in `#[cfg(test)]` is not looked at.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops where something is not as it must be")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Each module of the crate, and those it may import besides itself.
const LAYERS: &[(&str, &[&str])] = &[
    ("text", &[]),
    ("source", &["text"]),
    ("finding", &["source", "text"]),
    ("outcome", &["finding", "source", "text"]),
    ("syntax", &["finding", "source", "text"]),
    ("gitlab", &["syntax", "outcome", "finding", "source", "text"]),
    ("docker", &["syntax", "outcome", "finding", "source", "text"]),
    ("ecosystem", &["syntax", "outcome", "finding", "source", "text"]),
    ("handoff", &["gitlab", "docker", "ecosystem", "syntax", "outcome", "finding", "source", "text"]),
    ("fold", &["handoff", "gitlab", "docker", "ecosystem", "syntax", "outcome", "finding", "source", "text"]),
    ("check", &["fold", "handoff", "gitlab", "docker", "ecosystem", "syntax", "outcome", "finding", "source", "text"]),
    ("repo", &["finding", "source", "text"]),
    ("process", &[]),
    ("prove", &["process", "repo", "handoff", "gitlab", "docker", "syntax", "outcome", "finding", "source", "text"]),
    ("report", &["prove", "outcome", "finding", "source", "text"]),
    (
        "campaign",
        &[
            "report", "prove", "process", "repo", "handoff", "gitlab", "docker", "syntax", "outcome", "finding",
            "source", "text",
        ],
    ),
    ("cli", &["campaign", "repo", "process", "prove", "report", "outcome", "finding", "source", "text"]),
];

/// The roots of the two crates, which may import everything.
const ROOTS: [&str; 2] = ["lib", "main"];

/// What only these modules may name. `prove` has its own temporary folders and engines, `campaign` its own folder and workers,
/// and neither a file of the user's.
const RESERVED: &[(&str, &[&str])] = &[
    ("granit_parser", &["syntax"]),
    ("yaml_rust2", &["syntax"]),
    ("brush_parser", &["syntax"]),
    ("hcl_edit", &["syntax"]),
    ("std::fs", &["repo", "process", "prove", "campaign"]),
    ("std::process::Command", &["repo", "process", "prove", "campaign"]),
    ("tempfile", &["repo", "process", "prove", "campaign"]),
    ("tar", &["prove"]),
    ("zip", &["prove"]),
    ("flate2", &["prove"]),
    ("clap", &["cli"]),
];

/// The longest that a file may be without its tests, in lines.
const LONGEST_FILE: usize = 350;

/// A file of the crate, without its tests and comments.
struct Source {
    path: PathBuf,
    module: String,
    /// How many folders deep it lies below `src`.
    depth: usize,
    lines: usize,
    code: String,
}

/// Every source file of the crate; a file called `tests.rs` is a test module by itself, with what lies in `tests`.
fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut folders = vec![root.clone()];
    let mut sources = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.extend((!path.ends_with("tests")).then_some(path));
            } else if path.extension().is_some_and(|extension| extension == "rs") && !path.ends_with("tests.rs") {
                sources.push(Source::read(&path, &root));
            }
        }
    }
    sources.sort_by(|left, right| left.path.cmp(&right.path));
    sources
}

impl Source {
    fn read(path: &Path, root: &Path) -> Self {
        let text = fs::read_to_string(path).unwrap();
        let path = path.strip_prefix(root).unwrap().to_owned();
        let first = path.components().next().unwrap().as_os_str().to_str().unwrap();
        let module = first.trim_end_matches(".rs").to_owned();
        let untested = text.lines().take_while(|line| !line.starts_with("#[cfg(test)]"));
        let lines = untested.clone().count();
        let code = untested.filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
        Self { depth: path.components().count() - 1, path, module, lines, code }
    }

    /// The modules of the crate that it names.
    fn imports(&self) -> BTreeSet<String> {
        let to_root = if ROOTS.contains(&self.module.as_str()) { 0 } else { self.depth + 1 };
        let above = "super::".repeat(to_root);
        let starts = ["crate::", if to_root == 0 { "self::" } else { &above }];
        let mut modules = BTreeSet::new();
        for start in starts {
            for (at, _) in self.code.match_indices(start) {
                let rest = &self.code[at + start.len()..];
                // `crate` inside a longer name is another crate, and a longer row of `super` names no module.
                let is_whole = !self.code[..at].ends_with(|before: char| before.is_alphanumeric() || before == '_');
                if is_whole && !rest.starts_with("super::") {
                    modules.extend(first_names(rest).into_iter().map(|name| module_of(&name)));
                }
            }
        }
        modules.remove(&self.module);
        modules
    }
}

/// The first names of a path or of a group of paths: `a::b` has `a`, `{a::{b, c}, d}` has `a` and `d`.
fn first_names(path: &str) -> Vec<String> {
    let name = |text: &str| -> String {
        text.chars().take_while(|character| character.is_alphanumeric() || *character == '_').collect()
    };
    let Some(group) = path.strip_prefix('{') else { return vec![name(path)] };
    let (mut names, mut depth, mut start) = (Vec::new(), 0, 0);
    for (at, character) in group.char_indices() {
        match character {
            '{' => depth += 1,
            '}' if depth > 0 => depth -= 1,
            ',' | '}' if depth == 0 => {
                names.push(name(group[start..at].trim_start()));
                start = at + 1;
                if character == '}' {
                    break;
                }
            }
            _ => {}
        }
    }
    names.retain(|name| !name.is_empty());
    names
}

/// What the root re-exports by itself, such as `crate::Outcome`, comes from `outcome`.
fn module_of(name: &str) -> String {
    if name.starts_with(char::is_uppercase) { "outcome".to_owned() } else { name.to_owned() }
}

fn fail_on(complaints: &[String]) {
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
}

#[test]
fn imports_point_left() {
    let mut complaints = Vec::new();
    for source in sources().iter().filter(|source| !ROOTS.contains(&source.module.as_str())) {
        let Some((_, allowed)) = LAYERS.iter().find(|(module, _)| *module == source.module) else {
            complaints.push(format!("{}: give the module a line in LAYERS", source.path.display()));
            continue;
        };
        let wrong = source.imports().into_iter().filter(|module| !allowed.contains(&module.as_str()));
        complaints.extend(wrong.map(|module| format!("{}: may not import `{module}`", source.path.display())));
    }
    fail_on(&complaints);
}

#[test]
fn the_table_itself_points_left() {
    for (at, (module, allowed)) in LAYERS.iter().enumerate() {
        let earlier: Vec<_> = LAYERS[..at].iter().map(|(module, _)| *module).collect();
        assert!(allowed.iter().all(|name| earlier.contains(name)), "{module}");
    }
}

#[test]
fn what_is_reserved_is_named_by_its_owner_alone() {
    let mut complaints = Vec::new();
    for source in sources() {
        for (name, owners) in RESERVED {
            let grouped = name.strip_prefix("std::").is_some_and(|name| {
                source.code.match_indices("use std::{").any(|(at, start)| {
                    first_names(&source.code[at + start.len() - 1..]).iter().any(|first| first == name)
                })
            });
            let is_root = *name == "clap" && source.module == "main";
            let path = format!("{name}::");
            let named = source.code.match_indices(&path).any(|(at, _)| {
                !source.code[..at].ends_with(|before: char| before.is_alphanumeric() || before == '_' || before == ':')
            }) || source.code.contains(&format!("use {name};"));
            if (named || grouped) && !owners.contains(&source.module.as_str()) && !is_root {
                complaints.push(format!("{}: only {owners:?} may name `{name}`", source.path.display()));
            }
        }
    }
    fail_on(&complaints);
}

#[test]
fn files_are_short_and_modules_have_no_mod_rs() {
    let mut complaints = Vec::new();
    for source in sources() {
        if source.lines > LONGEST_FILE {
            complaints.push(format!("{}: {} lines outside tests", source.path.display(), source.lines));
        }
        if source.path.ends_with("mod.rs") {
            complaints.push(format!("{}: call it after its folder", source.path.display()));
        }
    }
    fail_on(&complaints);
}

#[test]
fn nothing_outside_tests_can_panic_by_its_own_word() {
    let words = [".unwrap()", ".expect(\"", "panic!(", "unreachable!(", "todo!(", "unimplemented!(", "process::exit"];
    let mut complaints = Vec::new();
    for source in sources() {
        let found = words.iter().filter(|word| source.code.contains(**word));
        complaints.extend(found.map(|word| format!("{}: {word}", source.path.display())));
    }
    fail_on(&complaints);
}

#[test]
fn the_reader_of_imports_sees_groups_and_single_names() {
    let source = Source {
        path: PathBuf::from("fold/step.rs"),
        module: "fold".to_owned(),
        depth: 1,
        lines: 0,
        code: "use crate::{text::{Span, self}, docker::Stage};\nfn a(b: &crate::Outcome) {}\nuse super::super::report::x;\n\
            use super::sibling;\nuse my_crate::other;\nuse crate::fold::own;"
            .to_owned(),
    };
    let imports: Vec<_> = source.imports().into_iter().collect();
    assert_eq!(imports, ["docker", "outcome", "report", "text"]);
}
