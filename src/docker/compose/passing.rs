//! What a Compose file gains so that the build of a service passes on what its builder stage reads: arguments and secrets of the
//! name of a variable. Where nobody sets that, Compose passes no argument and an empty secret (Compose specification: build).

use crate::syntax::yaml::{CollectionStyle, Entry, NodeId, NodeKind, ScalarStyle, Tree, edit};
use crate::text::TextEdit;

/// The text of a Compose file, `text`, in which the build of `service` gets these arguments and secrets; `None` where others share
/// what would change, or where one of the secrets has its name from something else.
#[must_use]
pub fn compose_with_passed(text: &str, service: &str, arguments: &[&str], secrets: &[&str]) -> Option<String> {
    let mut text = as_mapping(text, service)?;
    for name in arguments {
        text = passed(&text, service, "args", name)?;
    }
    for name in secrets {
        text = passed(&text, service, "secrets", name)?;
        text = defined(&text, name)?;
    }
    Some(text)
}

/// The text of a Compose file in which a service is built from this context and of this Dockerfile, both as the file names them;
/// `None` where others share what would change.
#[must_use]
pub(in crate::docker) fn compose_with_context(
    text: &str,
    service: &str,
    context: &str,
    dockerfile: &str,
) -> Option<String> {
    let mut text = as_mapping(text, service)?;
    for (key, new) in [("context", context), ("dockerfile", dockerfile)] {
        let tree = Tree::parse(&text).ok()?;
        let build = build_of(&tree, service)?.value;
        let edit = match tree.entry(build, key) {
            Some(Entry { value, .. }) if is_shared(&tree, value) => None,
            Some(Entry { value, .. }) => edit::replace_scalar(&tree, value, new),
            None => {
                let place = tree
                    .node(build)
                    .entries()
                    .iter()
                    .position(|entry| tree.node(entry.key).scalar() == Some("context"));
                edit::add_entry(&tree, build, place? + 1, key, &edit::text_scalar(&tree, new))
            }
        }?;
        text = edit.apply(&text)?;
    }
    Some(text)
}

/// `build: FOLDER` as `build: {context: FOLDER}` is, in lines.
fn as_mapping(text: &str, service: &str) -> Option<String> {
    let tree = Tree::parse(text).ok()?;
    let entry = build_of(&tree, service)?;
    let node = tree.node(entry.value);
    if node.scalar().is_none() {
        return Some(text.to_owned());
    }
    let column = column(&tree, entry.key)?;
    let is_plain = node.scalar_style() == Some(ScalarStyle::Plain) && node.span == node.full_span;
    let indentation = " ".repeat(column + unit(&tree, column));
    let mapping = format!("{}{indentation}context: {}", tree.line_break(), node.span.slice(text));
    let before = text.get(..node.span.start())?;
    let gap = before.len() - before.trim_end_matches(' ').len();
    let span = crate::text::Span::new(node.span.start() - gap, node.span.end());
    is_plain.then(|| TextEdit::replace(span, mapping).apply(text))?
}

/// The text with `name` in a list or a mapping of the build.
fn passed(text: &str, service: &str, key: &str, name: &str) -> Option<String> {
    let tree = Tree::parse(text).ok()?;
    let build = build_of(&tree, service)?.value;
    let edit = match tree.entry(build, key) {
        Some(Entry { value, .. }) if is_shared(&tree, value) => None,
        Some(Entry { value, .. }) => match &tree.node(value).kind {
            NodeKind::Sequence { items, .. } => edit::add_item(&tree, value, items.len(), name),
            NodeKind::Mapping { entries, .. } => edit::add_entry(&tree, value, entries.len(), name, ""),
            _ => None,
        },
        None => add_listed(&tree, build, key, name),
    }?;
    edit.apply(text)
}

/// Adds a list of one item to a mapping, in its manner.
fn add_listed(tree: &Tree, mapping: NodeId, key: &str, name: &str) -> Option<TextEdit> {
    let NodeKind::Mapping { style, entries } = &tree.node(mapping).kind else { return None };
    let unit = unit(tree, column(tree, entries.first()?.key)?);
    let value = match style {
        CollectionStyle::Block => format!("\n{}- {name}", " ".repeat(unit)),
        _ => format!("[{name}]"),
    };
    edit::add_entry(tree, mapping, entries.len(), key, &value)
}

/// The text in which the secret `name` is the variable of that name.
fn defined(text: &str, name: &str) -> Option<String> {
    let tree = Tree::parse(text).ok()?;
    let root = tree.documents().first()?.root?;
    let entries = tree.node(root).entries();
    let step = " ".repeat(unit(&tree, 0));
    let edit = match tree.entry(root, "secrets") {
        Some(Entry { value, .. }) => {
            let all = tree.node(value).entries();
            if let Some(known) = tree.entry(value, name) {
                let [entry] = tree.node(known.value).entries() else { return None };
                let is_same = tree.node(entry.key).scalar() == Some("environment")
                    && tree.node(entry.value).scalar() == Some(name);
                return is_same.then(|| text.to_owned());
            }
            if is_shared(&tree, value) {
                return None;
            }
            edit::add_entry(&tree, value, all.len(), name, &format!("\n{step}environment: {name}"))
        }
        None => {
            let value = format!("\n{step}{name}:\n{step}{step}environment: {name}");
            edit::add_entry(&tree, root, entries.len(), "secrets", &value)
        }
    }?;
    edit.apply(text)
}

/// The entry that says how a service is built, where it is its own alone.
fn build_of(tree: &Tree, service: &str) -> Option<Entry> {
    let root = tree.documents().first()?.root?;
    let service = tree.entry(tree.entry(root, "services")?.value, service)?.value;
    let entry = tree.entry(service, "build")?;
    let merges = tree.entry(entry.value, "<<").is_some();
    (!merges && !is_shared(tree, entry.value)).then_some(entry)
}

/// Whether a node is an alias, or an alias leads to it or to something that holds it.
fn is_shared(tree: &Tree, node: NodeId) -> bool {
    let leads = |other: &NodeKind| match other {
        NodeKind::Alias { target: Some(target), .. } => tree.is_within(node, *target),
        _ => false,
    };
    matches!(tree.node(node).kind, NodeKind::Alias { .. }) || tree.nodes().any(|(_, other)| leads(&other.kind))
}

/// How far from the beginning of its line a node begins, where only blanks stand before it.
fn column(tree: &Tree, node: NodeId) -> Option<usize> {
    let before = tree.text().get(..tree.node(node).full_span.start())?;
    let line = before.rsplit('\n').next().unwrap_or_default();
    Some(line.len())
}

/// By how much the file indents what stands below an entry of this column.
fn unit(tree: &Tree, column_of: usize) -> usize {
    let root = tree.documents().first().and_then(|document| document.root);
    let services = root.and_then(|root| tree.entry(root, "services"));
    let first = services.and_then(|services| tree.node(services.value).entries().first());
    let unit = first.and_then(|first| column(tree, first.key)).unwrap_or(2);
    if column_of.is_multiple_of(unit.max(1)) { unit.clamp(1, 8) } else { 2 }
}

#[cfg(test)]
mod tests {
    use super::{compose_with_context, compose_with_passed};

    #[test]
    fn arguments_and_secrets_stand_where_compose_looks_for_them() {
        let text =
            "services:\n  web:\n    build:\n      context: . # here\n    ports: [\"80\"]\n  db:\n    image: postgres\n";
        let expected = "services:\n  web:\n    build:\n      context: . # here\n      args:\n        - A\n      secrets:\n        - S\n        - T\n    ports: [\"80\"]\n  db:\n    image: postgres\nsecrets:\n  S:\n    environment: S\n  T:\n    environment: T\n";
        assert_eq!(compose_with_passed(text, "web", &["A"], &["S", "T"]).as_deref(), Some(expected));
    }

    #[test]
    fn what_is_there_goes_on_in_its_own_manner() {
        for (text, expected) in [
            (
                "services:\n    web:\n        build: ./web\n        image: a\n",
                "services:\n    web:\n        build:\n            context: ./web\n            args:\n                - A\n        image: a\n",
            ),
            ("services:\n  web:\n    build: {context: .}\n", "services:\n  web:\n    build: {context: ., args: [A]}\n"),
            (
                "services:\n  web:\n    build:\n      args:\n        B: 1\n",
                "services:\n  web:\n    build:\n      args:\n        B: 1\n        A:\n",
            ),
            (
                "services:\n  web:\n    build:\n      args: [B=1]\n",
                "services:\n  web:\n    build:\n      args: [B=1, A]\n",
            ),
        ] {
            assert_eq!(compose_with_passed(text, "web", &["A"], &[]).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn another_context_is_written_in_the_place_of_the_one_that_is_there() {
        let wider = |text| compose_with_context(text, "web", ".", "web/Dockerfile");
        for (text, expected) in [
            (
                "services:\n  web:\n    build: ./web\n",
                "services:\n  web:\n    build:\n      context: .\n      dockerfile: web/Dockerfile\n",
            ),
            (
                "services:\n  web:\n    build:\n      context: web # x\n      args: [A]\n",
                "services:\n  web:\n    build:\n      context: . # x\n      dockerfile: web/Dockerfile\n      args: [A]\n",
            ),
            (
                "services:\n  web:\n    build: {dockerfile: a, context: 'web'}\n",
                "services:\n  web:\n    build: {dockerfile: web/Dockerfile, context: '.'}\n",
            ),
        ] {
            assert_eq!(wider(text).as_deref(), Some(expected), "{text}");
        }
        assert_eq!(wider("services:\n  web: &a\n    build: ./web\n  b: *a\n"), None);
    }

    #[test]
    fn what_others_share_is_left_alone() {
        for text in [
            "x-a: &a\n  context: .\nservices:\n  web:\n    build: *a\n",
            "services:\n  web: &web\n    build: .\n  api:\n    <<: *web\n",
            "x-a: &a {context: .}\nservices:\n  web:\n    build: {<<: *a}\n",
            "services:\n  web:\n    build:\n      context: .\nsecrets:\n  S:\n    file: s\n",
            "services:\n  web:\n    image: a\n",
        ] {
            assert_eq!(compose_with_passed(text, "web", &["A"], &["S"]), None, "{text}");
        }
    }
}
