//! As much of XML as project files need: which elements stand in which, and their texts.

use crate::text::Span;

/// An element, without those in it.
pub(super) struct Element<'a> {
    /// The names of the elements around it, from the outermost, and its own.
    pub(super) path: Vec<&'a str>,
    /// What stands behind its name in the tag.
    pub(super) attributes: &'a str,
    /// The text behind its tag, up to the next one.
    pub(super) text: &'a str,
    /// The bytes of the tag and the text.
    pub(super) span: Span,
}

impl Element<'_> {
    /// Its own name.
    pub(super) fn name(&self) -> &str {
        self.path.last().copied().unwrap_or_default()
    }

    /// Whether it stands somewhere in an element of this name.
    pub(super) fn is_in(&self, name: &str) -> bool {
        self.path.iter().rev().skip(1).any(|other| *other == name)
    }

    /// The value of an attribute.
    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        let mut rest = self.attributes;
        while let Some((key, behind)) = rest.split_once('=') {
            let quote = behind.trim_start().chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
            let (_, value) = behind.split_once(quote)?;
            let (value, behind) = value.split_once(quote)?;
            if key.trim() == name {
                return Some(value);
            }
            rest = behind;
        }
        None
    }
}

/// The elements of a text in their order; `None` where it defines entities, or its elements do not close.
pub(super) fn elements(text: &str) -> Option<Vec<Element<'_>>> {
    let mut found = Vec::new();
    let mut open: Vec<&str> = Vec::new();
    let mut at = 0;
    while let Some(start) = text.get(at..)?.find('<').map(|offset| at + offset) {
        let rest = text.get(start..)?;
        let skipped = [("<!--", "-->"), ("<?", "?>"), ("<![CDATA[", "]]>")];
        if let Some((_, end)) = skipped.iter().find(|(opening, _)| rest.starts_with(opening)) {
            at = start + rest.find(end)? + end.len();
            continue;
        }
        let end = rest.find('>')?;
        let tag = rest.get(1..end)?;
        at = start + end + 1;
        if tag.starts_with('!') {
            return None;
        }
        if let Some(name) = tag.strip_prefix('/') {
            (open.pop()? == name.trim()).then_some(())?;
            continue;
        }
        let content = tag.trim_end_matches('/');
        let (name, attributes) = content.split_once(char::is_whitespace).unwrap_or((content, ""));
        let behind = text.get(at..)?;
        let inner = behind.find('<').and_then(|length| behind.get(..length)).unwrap_or_default();
        let path = open.iter().copied().chain([name]).collect();
        found.push(Element { path, attributes, text: inner.trim(), span: Span::new(start, at + inner.len()) });
        if !tag.ends_with('/') {
            open.push(name);
        }
    }
    open.is_empty().then_some(found)
}

#[cfg(test)]
mod tests {
    use super::elements;

    #[test]
    fn elements_know_what_they_stand_in() {
        let text = "\u{feff}<?xml?><!-- <no> --><a x='1'><b y=\"2\" z = '3'/><c> t </c>é</a>\n";
        let found = elements(text).unwrap();
        let paths: Vec<_> = found.iter().map(|element| element.path.join("/")).collect();
        assert_eq!(paths, ["a", "a/b", "a/c"]);
        assert_eq!((found[1].attribute("z"), found[1].attribute("q"), found[2].text), (Some("3"), None, "t"));
        assert!(found[2].is_in("a") && !found[2].is_in("c"));
    }

    #[test]
    fn what_is_not_whole_is_told() {
        for text in ["<a>", "<a></b>", "<!DOCTYPE a>", "<a", "</a>", "<", "<!--"] {
            assert!(elements(text).is_none(), "{text}");
        }
        assert!(elements("").unwrap().is_empty());
    }
}
