use super::reading::{Parts, Reading, array, from, joined};
use tree_sitter::{Node, Parser};

pub(crate) fn read(text: &str) -> Reading {
    let mut parser = Parser::new();
    parser.set_language(&tree_sitter_containerfile::LANGUAGE.into()).map_err(|error| error.to_string())?;
    let tree = parser.parse(text, None).ok_or("no tree")?;
    if tree.root_node().has_error() {
        return Err("the tree holds an error".to_owned());
    }
    let file = File { text, escape: stagefold::syntax::dockerfile::Dockerfile::parse(text).escape };
    let is_instruction = |node: &Node<'_>| node.kind().ends_with("_instruction");
    Ok(children(tree.root_node()).filter(is_instruction).map(|node| file.line(node)).collect())
}

struct File<'a> {
    text: &'a str,
    escape: char,
}

fn children(node: Node<'_>) -> impl Iterator<Item = Node<'_>> {
    (0..node.child_count()).filter_map(move |index| node.child(u32::try_from(index).ok()?))
}

impl File<'_> {
    fn raw(&self, node: Node<'_>) -> &str {
        self.text.get(node.byte_range()).unwrap_or_default()
    }

    fn line(&self, node: Node<'_>) -> String {
        if let Some(inner) = children(node).find(|child| child.kind().ends_with("_instruction")) {
            let outer = children(node).next().map_or("", |first| first.kind());
            let line = self.line(inner);
            return if outer == "ONBUILD" { format!("ONBUILD {line}") } else { self.check(node, inner) };
        }
        Parts {
            keyword: children(node).next().map_or("?", |first| first.kind()).to_owned(),
            flags: self.flags(node),
            arguments: self.arguments(node),
            heredocs: self.heredocs(node),
        }
        .line()
    }

    fn check(&self, node: Node<'_>, inner: Node<'_>) -> String {
        let arguments = format!("CMD {}", self.arguments(inner));
        Parts { keyword: "HEALTHCHECK".to_owned(), flags: self.flags(node), arguments, ..Parts::default() }.line()
    }

    fn flags(&self, node: Node<'_>) -> Vec<String> {
        let is_flag = |child: &Node<'_>| matches!(child.kind(), "param" | "mount_param");
        children(node).filter(is_flag).map(|child| self.raw(child).replace('"', "")).collect()
    }

    fn arguments(&self, node: Node<'_>) -> String {
        if let Some(strings) = children(node).find(|child| child.kind() == "json_string_array") {
            return self.strings(strings);
        }
        if let Some(image) = children(node).find(|child| child.kind() == "image_spec") {
            let name = children(node).find(|child| child.kind() == "image_alias");
            return from(self.raw(image), name.map(|name| self.raw(name)));
        }
        let before = |child: &Node<'_>| matches!(child.kind(), "param" | "mount_param" | "end_of_options");
        let keyword = children(node).next().map_or(node.start_byte(), |keyword| keyword.end_byte());
        let start = children(node).filter(before).last().map_or(keyword, |last| last.end_byte());
        let heredoc = children(node).find(|child| child.kind() == "heredoc_block");
        let end = heredoc.map_or(node.end_byte(), |block| block.start_byte());
        joined(self.text.get(start..end).unwrap_or_default(), self.escape)
    }

    fn strings(&self, node: Node<'_>) -> String {
        let strings = children(node).filter(|child| child.kind().ends_with("string"));
        let read = |child| serde_json::from_str::<String>(self.raw(child)).unwrap_or_default();
        let values: Vec<String> = strings.map(read).collect();
        array(values.iter().map(String::as_str))
    }

    fn heredocs(&self, node: Node<'_>) -> Vec<String> {
        let blocks = children(node).filter(|child| child.kind() == "heredoc_block");
        let body = |block: Node<'_>| {
            let content = children(block).find(|child| child.kind() == "heredoc_content");
            content.map_or(String::new(), |content| self.raw(content).to_owned())
        };
        blocks.map(body).collect()
    }
}
