use std::io::{self, Write};

use sha2::{Digest, Sha256};

use super::words::{reasons, totals};
use super::{Inventory, json};
use crate::report::repository::RepositoryReport;
use crate::report::sentence::plural;

/// The page, with names in double braces for what is put into it.
const PAGE: &str = include_str!("page.html");

/// How it looks.
const STYLE: &str = include_str!("page.css");

/// What it does.
const SCRIPT: &str = include_str!("page.js");

/// The digits of base 64, as RFC 4648 has them.
const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Prints one page that holds all it needs: the reports stand in it as JSON, and its own script lists them.
///
/// Whatever comes from the user's files is in that JSON alone, where no `<` is left that a browser could read. The page tells the
/// browser to run this script and no other, to use this style, and to load nothing.
pub(super) fn write(
    inventory: &Inventory,
    reports: &mut dyn Iterator<Item = io::Result<RepositoryReport>>,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut rest = PAGE;
    while let Some((before, name, behind)) = next_name(rest) {
        out.write_all(before.as_bytes())?;
        match name {
            "data" => json::write(inventory, reports, &mut |piece| out.write_all(inert(piece).as_bytes()))?,
            name => out.write_all(filled(name, inventory).as_bytes())?,
        }
        rest = behind;
    }
    out.write_all(rest.as_bytes())
}

/// The next name in double braces, with what stands before it and behind it.
fn next_name(page: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = page.split_once("{{")?;
    let (name, behind) = rest.split_once("}}")?;
    Some((before, name, behind))
}

/// What is put in the place of a name; all of it is stagefold's own words.
fn filled(name: &str, inventory: &Inventory) -> String {
    let item = |sentence: &String| format!("<li>{}</li>", grouped(sentence));
    let items = |sentences: Vec<String>| sentences.iter().map(item).collect();
    match name {
        "policy" => policy(),
        "style" => STYLE.to_owned(),
        "script" => SCRIPT.to_owned(),
        "total" => grouped(&plural(inventory.tally.total(), "repository", "repositories")),
        "tally" => grouped(&inventory.tally.to_string()),
        "totals" => items(totals(inventory)),
        "reasons" => items(reasons(inventory)),
        _ => String::new(),
    }
}

/// `text` with the thousands of its numbers set apart, as the script shows them.
fn grouped(text: &str) -> String {
    let mut grouped = String::with_capacity(text.len());
    for (at, character) in text.char_indices() {
        let digits = text.get(at..).map_or(0, |rest| rest.bytes().take_while(u8::is_ascii_digit).count());
        let is_within = grouped.ends_with(|before: char| before.is_ascii_digit());
        if is_within && digits > 0 && digits % 3 == 0 {
            grouped.push(',');
        }
        grouped.push(character);
    }
    grouped
}

/// What the browser may do with the page. The icon is an empty address, so that none is asked for.
fn policy() -> String {
    let hash = |text: &str| format!("'sha256-{}'", base64(&Sha256::digest(text)));
    let (script, style) = (hash(SCRIPT), hash(STYLE));
    format!(
        "default-src 'none'; script-src {script}; style-src {style}; img-src data:; base-uri 'none'; form-action 'none'"
    )
}

/// A piece of JSON in which nothing ends a script, begins a comment or breaks a line: `<` and the line separators of Unicode
/// stand in strings alone, where they can be written by their numbers.
fn inert(json: &str) -> String {
    json.replace('<', "\\u003c").replace('\u{2028}', "\\u2028").replace('\u{2029}', "\\u2029")
}

fn base64(bytes: &[u8]) -> String {
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let bits = (0..3).fold(0_usize, |bits, at| bits << 8 | usize::from(group.get(at).copied().unwrap_or_default()));
        for at in 0..4 {
            let digit = DIGITS.get(bits >> (18 - 6 * at) & 63).filter(|_| at <= group.len());
            text.push(digit.map_or('=', |digit| char::from(*digit)));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{PAGE, SCRIPT, STYLE, base64, filled, grouped, next_name};
    use crate::report::Inventory;

    #[test]
    fn base_64_is_what_rfc_4648_says() {
        let told = ["", "f", "fo", "foo", "foob", "fooba", "foobar"].map(|text| base64(text.as_bytes()));
        assert_eq!(told, ["", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"]);
    }

    #[test]
    fn thousands_are_set_apart() {
        let told = ["1 of 12", "1234 of 5", "999 and 1000", "12345678", "é1000000é"].map(grouped);
        assert_eq!(told, ["1 of 12", "1,234 of 5", "999 and 1,000", "12,345,678", "é1,000,000é"]);
    }

    #[test]
    fn every_name_of_the_page_is_known() {
        let mut rest = PAGE;
        let mut names = Vec::new();
        while let Some((_, name, behind)) = next_name(rest) {
            names.push(name);
            rest = behind;
        }
        names.sort_unstable();
        names.dedup();
        assert_eq!(names, ["data", "policy", "reasons", "script", "style", "tally", "total", "totals"]);
        let words = ["policy", "script", "style", "tally", "total"];
        assert!(words.iter().all(|name| !filled(name, &Inventory::default()).is_empty()));
    }

    #[test]
    fn the_page_names_no_other_host_and_reads_no_text_as_html() {
        for text in [PAGE, STYLE, SCRIPT] {
            let addresses = text.matches("://").count();
            let namespaces = text.matches("http://www.w3.org/2000/svg").count();
            assert_eq!(addresses, namespaces);
            for word in
                ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "url(", "@import", "fetch("]
            {
                assert!(!text.contains(word), "{word}");
            }
        }
        assert!(!SCRIPT.contains("</") && !SCRIPT.contains("<!--") && !STYLE.contains("</"));
    }
}
