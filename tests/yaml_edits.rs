//! Edits of random YAML in mixed styles, compared with the same edit made to the data.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use proptest::prelude::*;
use stagefold::syntax::yaml::confirm::confirm;
use stagefold::syntax::yaml::{CollectionStyle, Entry, NodeId, NodeKind, Tree, edit};
use stagefold::text::{Span, TextEdit};

#[derive(Clone, Debug, PartialEq)]
enum Data {
    Text(String),
    List(Vec<Data>),
    Map(Vec<(String, Data)>),
}

const TEXTS: [&str; 16] = [
    "word",
    "two words",
    "true",
    "1.10",
    "it's",
    "a \"b\" c",
    "x: y",
    "a #b",
    "# c",
    "",
    " led",
    "é “ü” 漢",
    "one\ntwo\n",
    "# x\n\n  deeper\nend\n",
    "tab\there",
    "- dash",
];

fn any_data() -> impl Strategy<Value = Data> {
    let text = prop::sample::select(&TEXTS[..]).prop_map(|text| Data::Text(text.to_owned()));
    let any = text.prop_recursive(4, 40, 5, |inner| {
        let list = prop::collection::vec(inner.clone(), 0..5).prop_map(Data::List);
        let map = prop::collection::vec(inner, 0..5).prop_map(|values| {
            Data::Map(values.into_iter().enumerate().map(|(place, value)| (format!("key{place}"), value)).collect())
        });
        prop_oneof![list, map]
    });
    prop::collection::vec(any, 1..5).prop_map(|values| {
        Data::Map(values.into_iter().enumerate().map(|(place, value)| (format!("top{place}"), value)).collect())
    })
}

/// Writes data, with every choice of style taken from a tape.
struct Writer<'tape> {
    tape: &'tape [u8],
    at: usize,
    text: String,
}

impl Writer<'_> {
    fn choose(&mut self, count: u8) -> u8 {
        self.at += 1;
        self.tape[self.at % self.tape.len()].wrapping_add(u8::try_from(self.at % 251).unwrap()) % count
    }

    fn comments_above(&mut self, indentation: usize, is_compact: bool) {
        if is_compact {
            return;
        }
        match self.choose(8) {
            0 => self.text.push_str(&format!("{:indentation$}# about the next\n", "")),
            1 => self.text.push_str(&format!("\n{:indentation$}# banner\n\n", "")),
            2 => self.text.push('\n'),
            _ => {}
        }
    }

    fn line_end(&mut self) {
        if self.choose(6) == 0 {
            self.text.push_str(" # at the end");
        }
        self.text.push('\n');
    }

    /// What stands behind `key:` or `-`, line break included.
    fn value(&mut self, data: &Data, indentation: usize, is_item: bool) {
        let is_empty =
            matches!(data, Data::List(list) if list.is_empty()) || matches!(data, Data::Map(map) if map.is_empty());
        match data {
            Data::Text(text) => self.text_value(text, indentation),
            _ if is_empty || self.choose(4) == 0 => {
                self.text.push(' ');
                self.flow(data, indentation);
                self.line_end();
            }
            _ if is_item && self.choose(2) == 0 => {
                self.text.push(' ');
                self.block(data, indentation + 2, true);
            }
            Data::List(_) if !is_item && self.choose(2) == 0 => {
                self.line_end();
                self.block(data, indentation, false);
            }
            _ => {
                self.line_end();
                let deeper = indentation + 1 + usize::from(self.choose(4));
                self.block(data, deeper, false);
            }
        }
    }

    fn block(&mut self, data: &Data, indentation: usize, mut is_compact: bool) {
        let children: Vec<(String, &Data, bool)> = match data {
            Data::List(list) => list.iter().map(|item| ("-".to_owned(), item, true)).collect(),
            Data::Map(map) => map.iter().map(|(key, value)| (format!("{key}:"), value, false)).collect(),
            Data::Text(_) => Vec::new(),
        };
        for (head, value, is_item) in children {
            self.comments_above(indentation, is_compact);
            let spaces = if is_compact { 0 } else { indentation };
            self.text.push_str(&format!("{:spaces$}{head}", ""));
            self.value(value, indentation, is_item);
            is_compact = false;
        }
    }

    fn text_value(&mut self, text: &str, indentation: usize) {
        let is_lines = text.ends_with('\n') && !text.starts_with(' ');
        if is_lines && self.choose(3) > 0 {
            self.text.push_str(" |");
            self.line_end();
            let indentation = indentation + 1 + usize::from(self.choose(3));
            for line in text.lines() {
                let spaces = if line.is_empty() { 0 } else { indentation };
                self.text.push_str(&format!("{:spaces$}{line}\n", ""));
            }
            return;
        }
        self.text.push(' ');
        self.inline(text);
        self.line_end();
    }

    fn inline(&mut self, text: &str) {
        let is_word = !text.is_empty() && text.chars().all(|c| c.is_alphabetic() || c == ' ') && text.trim() == text;
        let written = match self.choose(3) {
            0 if is_word && text != "true" => text.to_owned(),
            1 if !text.contains('\n') => format!("'{}'", text.replace('\'', "''")),
            _ => {
                let escaped = text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
                format!("\"{}\"", escaped.replace('\t', "\\t"))
            }
        };
        self.text.push_str(&written);
    }

    fn flow(&mut self, data: &Data, indentation: usize) {
        let (open, close, children): (char, char, Vec<(Option<&str>, &Data)>) = match data {
            Data::Text(text) => return self.inline(text),
            Data::List(list) => ('[', ']', list.iter().map(|item| (None, item)).collect()),
            Data::Map(map) => ('{', '}', map.iter().map(|(key, value)| (Some(key.as_str()), value)).collect()),
        };
        let is_on_lines = self.choose(3) == 0;
        let deeper = indentation + 4;
        self.text.push(open);
        let last = children.len().saturating_sub(1);
        for (place, (key, value)) in children.into_iter().enumerate() {
            if is_on_lines {
                self.line_end();
                self.comments_above(deeper, false);
                self.text.push_str(&" ".repeat(deeper));
            }
            if let Some(key) = key {
                self.text.push_str(&format!("{key}: "));
            }
            self.flow(value, deeper);
            if place < last || self.choose(4) == 0 {
                self.text.push_str(if is_on_lines { "," } else { ", " });
            }
        }
        if is_on_lines {
            self.line_end();
            self.text.push_str(&" ".repeat(indentation + 2));
        }
        self.text.push(close);
    }
}

fn write(data: &Data, tape: &[u8]) -> String {
    let mut writer = Writer { tape, at: 0, text: String::new() };
    writer.block(data, 0, false);
    let text = if tape[0] < 80 { writer.text.replace('\n', "\r\n") } else { writer.text };
    match tape[tape.len() / 2] % 3 {
        0 => text.trim_end_matches(['\r', '\n']).to_owned(),
        1 => format!("\u{feff}{text}"),
        _ => text,
    }
}

prop_compose! {
    fn any_text()(data in any_data(), tape in prop::collection::vec(any::<u8>(), 40..80)) -> String {
        write(&data, &tape)
    }
}

fn read(tree: &Tree, id: NodeId) -> Data {
    match &tree.node(id).kind {
        NodeKind::Scalar { value, .. } => Data::Text(value.clone()),
        NodeKind::Sequence { items, .. } => Data::List(items.iter().map(|item| read(tree, *item)).collect()),
        NodeKind::Mapping { entries, .. } => {
            let key = |id| tree.node(id).scalar().unwrap().to_owned();
            Data::Map(entries.iter().map(|entry| (key(entry.key), read(tree, entry.value))).collect())
        }
        NodeKind::Alias { .. } => panic!("there are no aliases"),
    }
}

fn root(tree: &Tree) -> Data {
    read(tree, tree.documents()[0].root.unwrap())
}

/// The data with `change` made at the node `id`.
fn changed(tree: &Tree, at: NodeId, id: NodeId, change: &dyn Fn(&mut Data)) -> Data {
    let mut data = match &tree.node(at).kind {
        NodeKind::Sequence { items, .. } => {
            Data::List(items.iter().map(|item| changed(tree, *item, id, change)).collect())
        }
        NodeKind::Mapping { entries, .. } => {
            let key = |id| tree.node(id).scalar().unwrap().to_owned();
            let value = |entry| changed(tree, entry, id, change);
            Data::Map(entries.iter().map(|entry| (key(entry.key), value(entry.value))).collect())
        }
        _ => read(tree, at),
    };
    if at == id {
        change(&mut data);
    }
    data
}

fn check(tree: &Tree, id: NodeId, edit: &TextEdit, change: &dyn Fn(&mut Data)) -> Result<String, TestCaseError> {
    let after = edit.apply(tree.text()).unwrap();
    let root_id = tree.documents()[0].root.unwrap();
    let expected = changed(tree, root_id, id, change);
    let new = Tree::parse(&after).map_err(|error| TestCaseError::fail(format!("{error:?} in {after:?}")))?;
    prop_assert_eq!(root(&new), expected, "in {:?}", after);
    prop_assert!(confirm(tree.text()).is_err() || confirm(&after).is_ok(), "{:?}", after);
    Ok(after)
}

fn pick<T: Copy>(all: &[T], place: usize) -> Option<T> {
    all.get(place.checked_rem(all.len())?).copied()
}

fn nodes(tree: &Tree, is_wanted: impl Fn(&NodeKind) -> bool) -> Vec<NodeId> {
    tree.nodes().filter(|(_, node)| is_wanted(&node.kind)).map(|(id, _)| id).collect()
}

fn is_key(tree: &Tree, id: NodeId) -> bool {
    tree.parent(id).is_some_and(|parent| tree.node(parent).entries().iter().any(|entry| entry.key == id))
}

fn only<T>(kept: &mut Vec<T>, gone: &[usize]) {
    let mut place = 0;
    kept.retain(|_| {
        place += 1;
        !gone.contains(&(place - 1))
    });
}

/// The most blank lines that follow one another.
fn blank_lines(text: &str) -> usize {
    let text = text.strip_suffix('\n').unwrap_or(text);
    text.split('\n')
        .map(|line| line.trim().is_empty())
        .fold((0, 0), |(most, now), blank| {
            let now = if blank { now + 1 } else { 0 };
            (most.max(now), now)
        })
        .0
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn a_written_tree_reads_as_its_data(data in any_data(), tape in prop::collection::vec(any::<u8>(), 40..80)) {
        let text = write(&data, &tape);
        let tree = Tree::parse(&text).map_err(|error| TestCaseError::fail(format!("{error:?} in {text:?}")))?;
        if text.ends_with('\n') {
            prop_assert_eq!(root(&tree), data, "in {:?}", text);
        }
        for (id, node) in tree.nodes() {
            if let Some(parent) = tree.parent(id) {
                prop_assert!(tree.node(parent).span.covers(node.full_span));
            }
            if let Some(value) = node.scalar().filter(|value| !value.is_empty()) {
                prop_assert!(tree.source_span(id, Span::new(0, value.len())).is_some());
            }
        }
    }

    #[test]
    fn what_is_removed_is_gone_and_nothing_else(text in any_text(), place in any::<usize>(), mask in 1u8..32) {
        let tree = Tree::parse(&text).unwrap();
        let collections = nodes(&tree, |kind| matches!(kind, NodeKind::Sequence { .. } | NodeKind::Mapping { .. }));
        let id = pick(&collections, place).unwrap();
        let node = tree.node(id);
        let count = node.items().len() + node.entries().len();
        let gone: Vec<usize> = (0..count).filter(|place| mask & (1 << place) != 0).collect();
        let edit = match node.kind {
            NodeKind::Sequence { .. } => edit::remove_items(&tree, id, &gone),
            _ => edit::remove_entries(&tree, id, &gone),
        };
        let Some(edit) = edit else {
            prop_assert_eq!(gone.len(), count, "in {:?}", text);
            return Ok(());
        };
        let after = check(&tree, id, &edit, &|data| match data {
            Data::List(list) => only(list, &gone),
            Data::Map(map) => only(map, &gone),
            Data::Text(_) => {}
        })?;
        let kept = node.items().iter().copied().chain(node.entries().iter().map(|entry| entry.value));
        let kept: Vec<NodeId> = kept.enumerate().filter(|(place, _)| !gone.contains(place)).map(|(_, id)| id).collect();
        for replacement in edit.replacements() {
            prop_assert!(kept.iter().all(|id| !tree.node(*id).span.conflicts_with(replacement.span)), "in {:?}", text);
        }
        prop_assert!(blank_lines(&after) <= blank_lines(&text), "{:?} became {:?}", text, after);
        if node.collection_style() == Some(CollectionStyle::Block) {
            let within = banners_within(&tree, id, &gone);
            prop_assert_eq!(banners(&after), banners(&text) - within, "{:?} became {:?}", text, after);
        }
    }

    #[test]
    fn a_scalar_takes_any_text(text in any_text(), place in any::<usize>(), value in "[ -~é\n\t]{0,12}") {
        let tree = Tree::parse(&text).unwrap();
        let scalars = nodes(&tree, |kind| matches!(kind, NodeKind::Scalar { .. }));
        let values: Vec<NodeId> = scalars.into_iter().filter(|id| !is_key(&tree, *id)).collect();
        let Some(id) = pick(&values, place) else { return Ok(()) };
        let edit = edit::replace_scalar(&tree, id, &value);
        let edit = edit.ok_or_else(|| TestCaseError::fail(format!("node {:?} of {text:?}", tree.node(id))))?;
        check(&tree, id, &edit, &|data| *data = Data::Text(value.clone()))?;
    }

    #[test]
    fn a_part_of_a_scalar_changes_alone(
        text in any_text(), place in any::<usize>(), from in any::<usize>(), length in 0usize..4, new in "[ -~\n]{0,5}",
    ) {
        let tree = Tree::parse(&text).unwrap();
        let scalars = nodes(&tree, |kind| matches!(kind, NodeKind::Scalar { .. }));
        let values: Vec<NodeId> = scalars.into_iter().filter(|id| !is_key(&tree, *id)).collect();
        let Some(id) = pick(&values, place) else { return Ok(()) };
        let value = tree.node(id).scalar().unwrap().to_owned();
        let start = from % (value.len() + 1);
        let span = Span::new(start, (start + length).min(value.len()));
        let spliced = TextEdit::replace(span, new.clone()).apply(&value);
        if let Some(edit) = edit::replace_in_scalar(&tree, id, span, &new) {
            let spliced = spliced.unwrap();
            check(&tree, id, &edit, &|data| *data = Data::Text(spliced.clone()))?;
        }
    }

    #[test]
    fn what_is_added_is_there(text in any_text(), place in any::<usize>(), at in any::<usize>()) {
        let tree = Tree::parse(&text).unwrap();
        let collections = nodes(&tree, |kind| matches!(kind, NodeKind::Sequence { .. } | NodeKind::Mapping { .. }));
        let id = pick(&collections, place).unwrap();
        let node = tree.node(id);
        let at = at % (node.items().len() + node.entries().len() + 1);
        let new = Data::Text("new".to_owned());
        let edit = match node.kind {
            NodeKind::Sequence { .. } => edit::add_item(&tree, id, at, "new"),
            _ => edit::add_entry(&tree, id, at, "added", "new"),
        };
        let Some(edit) = edit else {
            // A block scalar at the end of a file without a line break would gain one.
            prop_assert!(!text.ends_with('\n'), "{:?} in {:?}", node, text);
            return Ok(());
        };
        check(&tree, id, &edit, &|data| match data {
            Data::List(list) => list.insert(at, new.clone()),
            Data::Map(map) => map.insert(at, ("added".to_owned(), new.clone())),
            Data::Text(_) => {}
        })?;
    }

    #[test]
    fn anything_is_read_or_refused(text in "[-a-c:#&*!|>'\"%@`{}\\[\\], \n\t\r?~0-2é]{0,60}") {
        if let Ok(tree) = Tree::parse(&text) {
            for (id, node) in tree.nodes() {
                prop_assert!(node.full_span.covers(node.span) && node.full_span.end() <= text.len());
                let _ = (edit::remove_items(&tree, id, &[0]), edit::remove_entries(&tree, id, &[0]));
                let _ = (edit::replace_scalar(&tree, id, "x"), edit::relocate_anchor(&tree, id));
                let _ = (edit::add_item(&tree, id, 0, "x"), edit::add_entry(&tree, id, 0, "x", "y"));
            }
            let _ = confirm(&text);
        }
    }
}

fn banners(text: &str) -> usize {
    text.matches("# banner").count()
}

/// How many banners stand inside the children of `id` at the places `gone`.
fn banners_within(tree: &Tree, id: NodeId, gone: &[usize]) -> usize {
    let node = tree.node(id);
    // A banner may stand between a dash or a key and the first child of the value.
    let from_item = |item: &NodeId| {
        let span = tree.node(*item).span;
        let dash = tree.text()[..span.start()].rfind('-').unwrap_or(span.start());
        span.join(Span::at(dash))
    };
    let from_key = |entry: &Entry| tree.node(entry.key).span.join(tree.node(entry.value).span);
    let spans = node.items().iter().map(from_item).chain(node.entries().iter().map(from_key));
    let gone = spans.enumerate().filter(|(place, _)| gone.contains(place)).map(|(_, span)| span);
    gone.map(|span| banners(span.slice(tree.text()))).sum()
}
