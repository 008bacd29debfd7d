use std::fmt;
use std::io::{self, BufRead, BufReader, Read};

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

/// The longest line of a list, in bytes. Linux takes no longer path.
const LONGEST_LINE: usize = 4096;

/// A project as GitLab's API tells it, and `glab` after it (<https://docs.gitlab.com/api/projects/>).
#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Exported {
    pub(super) path_with_namespace: Option<String>,
    pub(super) ssh_url_to_repo: Option<String>,
    pub(super) http_url_to_repo: Option<String>,
    pub(super) default_branch: Option<String>,
    pub(super) archived: Option<bool>,
    pub(super) empty_repo: Option<bool>,
    pub(super) jobs_enabled: Option<bool>,
    pub(super) builds_access_level: Option<String>,
}

/// One entry of a list, with its number from 1 on.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Entry {
    /// A path or an address, and its line.
    Word(usize, String),
    /// A project of GitLab, the so-many-th.
    Project(usize, Box<Exported>),
    /// A line that cannot be read.
    Bad(usize, &'static str),
}

/// Reads a list, in either form, and hands on its entries one by one, so that a long one takes no memory.
///
/// # Errors
/// Where the list cannot be read any further, with a reason for the user; what was read before has been handed on.
pub(super) fn read_list(list: &mut dyn Read, sink: &mut dyn FnMut(Entry)) -> Result<(), String> {
    let mut list = BufReader::new(list);
    let mut line = 1;
    let first = skip_blank(&mut list, &mut line).map_err(|error| error.to_string())?;
    match first {
        Some(b'[' | b'{') => read_projects(list, line, sink),
        Some(0xff | 0xfe) => Err("it is written in UTF-16; write it in UTF-8".to_owned()),
        _ => read_lines(list, line, sink).map_err(|error| error.to_string()),
    }
}

/// Goes on to the first byte that is neither blank nor of the mark that some editors put before a text.
fn skip_blank(list: &mut impl BufRead, line: &mut usize) -> io::Result<Option<u8>> {
    loop {
        let Some(&byte) = list.fill_buf()?.first() else { return Ok(None) };
        if !byte.is_ascii_whitespace() && !b"\xef\xbb\xbf".contains(&byte) {
            return Ok(Some(byte));
        }
        *line += usize::from(byte == b'\n');
        list.consume(1);
    }
}

fn read_lines(mut list: impl BufRead, first: usize, sink: &mut dyn FnMut(Entry)) -> io::Result<()> {
    let mut bytes = Vec::new();
    for number in first.. {
        bytes.clear();
        if list.by_ref().take(LONGEST_LINE as u64 + 1).read_until(b'\n', &mut bytes)? == 0 {
            break;
        }
        if bytes.len() > LONGEST_LINE {
            list.skip_until(b'\n')?;
            sink(Entry::Bad(number, "the line is too long for a path or an address"));
            continue;
        }
        let Ok(text) = std::str::from_utf8(&bytes) else {
            sink(Entry::Bad(number, "the line is not UTF-8"));
            continue;
        };
        let text = text.trim();
        if text.contains(char::is_control) {
            sink(Entry::Bad(number, "the line holds a control character"));
        } else if !text.is_empty() && !text.starts_with('#') {
            sink(Entry::Word(number, text.to_owned()));
        }
    }
    Ok(())
}

/// Reads one array of projects, several one after another as `glab api --paginate` prints them, or projects without an array.
fn read_projects(list: impl BufRead, line: usize, sink: &mut dyn FnMut(Entry)) -> Result<(), String> {
    let mut json = serde_json::Deserializer::from_reader(list);
    let mut number = 0;
    // Whether this is the end is asked first; what else there is is read by the page, which tells what is wrong with it.
    while json.end().is_err() {
        Page { number: &mut number, sink }.deserialize(&mut json).map_err(|error| told(&error, line))?;
    }
    Ok(())
}

/// An error of JSON, whose lines count from the first that is not blank.
fn told(error: &serde_json::Error, first: usize) -> String {
    let text = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    let what = text.strip_suffix(&place).unwrap_or(&text);
    format!("line {}: {what}", error.line() + first - 1)
}

/// An array of projects, or one.
struct Page<'a> {
    number: &'a mut usize,
    sink: &'a mut dyn FnMut(Entry),
}

impl Page<'_> {
    fn take(&mut self, project: Exported) {
        *self.number += 1;
        (self.sink)(Entry::Project(*self.number, Box::new(project)));
    }
}

impl<'de> DeserializeSeed<'de> for Page<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Page<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a project of GitLab, or a list of them")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut array: A) -> Result<(), A::Error> {
        while let Some(project) = array.next_element()? {
            self.take(project);
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(mut self, object: A) -> Result<(), A::Error> {
        self.take(Exported::deserialize(MapAccessDeserializer::new(object))?);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Entry, read_list};

    /// The entries, each in a word or two, and how the reading ended.
    fn read(list: &[u8]) -> (Vec<String>, Result<(), String>) {
        let mut entries = Vec::new();
        let mut sink = |entry| {
            entries.push(match entry {
                Entry::Word(line, word) => format!("{line} {word}"),
                Entry::Project(number, project) => {
                    format!("{number} {}", project.path_with_namespace.unwrap_or_default())
                }
                Entry::Bad(line, _) => format!("{line} bad"),
            });
        };
        let end = read_list(&mut &*list, &mut sink);
        (entries, end)
    }

    fn entries(list: &[u8]) -> Vec<String> {
        let (entries, end) = read(list);
        end.unwrap();
        entries
    }

    #[test]
    fn a_list_has_a_line_for_each() {
        let list = b"\xef\xbb\xbf\r\n# all of them\r\n a b \r\n\r\n#\r\ngit@host:x/y.git\n  # not this\nlast";
        assert_eq!(entries(list), ["3 a b", "6 git@host:x/y.git", "8 last"]);
        assert_eq!(entries(b""), [""; 0]);
        assert_eq!(entries(b"\n\n  "), [""; 0]);
    }

    #[test]
    fn a_line_that_cannot_be_read_is_told_and_the_others_are_read() {
        let long = [b"x".repeat(10_000), b"\nb\n".to_vec()].concat();
        assert_eq!(entries(&long), ["1 bad", "2 b"]);
        assert_eq!(entries(b"a\n\xff\xfe\nb\0c\nd"), ["1 a", "2 bad", "3 bad", "4 d"]);
        assert!(read(b"\xff\xfea\0\n\0").1.unwrap_err().contains("UTF-16"));
    }

    #[test]
    fn projects_come_in_arrays_or_alone() {
        let project = |name: &str| format!("{{\"path_with_namespace\": {name:?}, \"topics\": [{{\"a\": []}}]}}");
        let (a, b, c) = (project("a"), project("b"), project("c"));
        let expected = ["1 a", "2 b", "3 c"];
        assert_eq!(entries(format!("[{a},{b},{c}]").as_bytes()), expected);
        assert_eq!(entries(format!("\n\u{feff}[{a}][{b}]\n[]\n[{c}]\n").as_bytes()), expected);
        assert_eq!(entries(format!("{a}\n{b}\r\n{c}").as_bytes()), expected);
    }

    #[test]
    fn json_that_is_broken_tells_its_line_and_what_came_before_counts() {
        let (entries, end) = read(b"\n[{\"path_with_namespace\": \"a\"},\n{\"archived\": 7}]");
        assert_eq!(entries, ["1 a"]);
        assert_eq!(end.unwrap_err(), "line 3: invalid type: integer `7`, expected a boolean");
        assert!(read(b"[{}] x").1.unwrap_err().starts_with("line 1: expected value"));
        assert!(read(b"[").1.is_err());
    }

    #[test]
    fn nesting_without_end_is_passed_over_or_refused() {
        let deep = |open: &str, count| open.repeat(count);
        assert!(read(deep("[", 1_000_000).as_bytes()).1.is_err());
        assert!(read(deep("{\"a\":", 1_000_000).as_bytes()).1.is_err());
        assert!(read(deep("{\"archived\":", 1_000_000).as_bytes()).1.is_err());
        let ignored =
            format!("{{\"a\": {}{}, \"path_with_namespace\": \"a\"}}", deep("[", 100_000), deep("]", 100_000));
        assert_eq!(entries(ignored.as_bytes()), ["1 a"]);
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_list(bytes in proptest::collection::vec(any::<u8>(), 0..200), json in any::<bool>()) {
            let bytes = if json { [b"[{".to_vec(), bytes].concat() } else { bytes };
            for entry in read(&bytes).0 {
                prop_assert!(!entry.contains(char::is_control), "{:?}", entry);
            }
        }
    }
}
