use std::io::{self, Write};
use std::str::FromStr;

use similar::get_close_matches;

use super::status::Status;
use crate::finding::Code;

/// Prints the page of `code`, or a list of all codes.
pub(super) fn run(code: Option<Code>, out: &mut dyn Write) -> io::Result<Status> {
    match code {
        Some(code) => write!(out, "{}", code.page())?,
        None => list(out)?,
    }
    Ok(Status::Done)
}

fn list(out: &mut dyn Write) -> io::Result<()> {
    let width = Code::ALL.iter().map(|code| code.name().len()).max().unwrap_or_default();
    Code::ALL
        .iter()
        .try_for_each(|code| writeln!(out, "{:width$}  {:7}  {}", code.name(), code.severity().name(), code.title()))
}

/// The code called `name`; where there is none, the error names those that are spelled most like it.
pub(super) fn code_named(name: &str) -> Result<Code, String> {
    Code::from_str(name).map_err(|error| match nearest(name).as_slice() {
        [] => format!("{error}; `stagefold explain` lists them all"),
        names => format!("{error}; did you mean {}?", names.join(" or ")),
    })
}

fn nearest(name: &str) -> Vec<&'static str> {
    // Comparing takes time in proportion to both lengths; nobody misspells a name by hundreds of letters.
    let name = name.get(..name.floor_char_boundary(100)).unwrap_or_default();
    let names: Vec<_> = Code::ALL.iter().map(|code| code.name()).collect();
    get_close_matches(name, &names, 3, 0.6)
}

#[cfg(test)]
mod tests {
    use super::{Code, code_named, run};

    fn printed(code: Option<Code>) -> String {
        let mut out = Vec::new();
        run(code, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_code_prints_its_page_and_no_code_prints_all() {
        assert_eq!(printed(Some(Code::NullScriptItem)), Code::NullScriptItem.page());
        let list = printed(None);
        assert_eq!(list.lines().count(), Code::ALL.len());
        let line: Vec<_> =
            list.lines().find(|line| line.starts_with("null-script-item")).unwrap().split_whitespace().collect();
        assert_eq!(line[1..4], ["warning", "A", "script"]);
    }

    #[test]
    fn an_unknown_code_names_those_like_it() {
        assert_eq!(code_named("null-script-item"), Ok(Code::NullScriptItem));
        let error = code_named("nul-scipt-item").unwrap_err();
        assert!(error.contains("did you mean null-script-item"), "{error}");
        assert!(code_named("zzz").unwrap_err().contains("lists them all"));
        assert!(code_named(&"é".repeat(100_000)).is_err());
    }
}
