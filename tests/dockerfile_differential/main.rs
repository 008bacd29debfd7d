//! Our reading of Dockerfiles against three other parsers, construct by construct.
//!
//! Each row of the table tells what BuildKit reads; ours must say the same. Where another parser does not, the
//! table names its fault. A fault that is no longer there and a difference that has no name fail alike, so that
//! the table stays a true account of why Dockerfiles are not read with one of those crates.

mod dockerfile_parser_crate;
mod ours;
mod parse_dockerfile_crate;
mod reading;
mod table;
mod tree_sitter_crate;

use reading::Reading;
use table::{Fault, ROWS, Row};

/// What is wrong with one row for one parser.
fn verdict(row: &Row, parser: &str, fault: Option<Fault>, reading: &Reading) -> Option<String> {
    let agrees = reading.as_ref().is_ok_and(|lines| lines.iter().eq(row.reads));
    match (agrees, fault) {
        (true, None) => None,
        (false, Some(fault)) if fault.is_error() == reading.is_err() => None,
        (_, Some(fault)) => Some(format!("{}: {parser} no longer has the fault {fault:?}: {reading:?}", row.name)),
        (false, None) => {
            Some(format!("{}: {parser} disagrees\n  expected {:?}\n  found    {reading:?}", row.name, row.reads))
        }
    }
}

#[test]
fn every_construct_is_read_as_the_builder_reads_it() {
    let verdicts = ROWS.iter().flat_map(|row| {
        [
            verdict(row, "ours", None, &ours::read(row.text)),
            verdict(row, "parse-dockerfile", row.parse_dockerfile, &parse_dockerfile_crate::read(row.text)),
            verdict(row, "dockerfile-parser", row.dockerfile_parser, &dockerfile_parser_crate::read(row.text)),
            verdict(row, "tree-sitter", row.tree_sitter, &tree_sitter_crate::read(row.text)),
        ]
    });
    let wrong: Vec<String> = verdicts.flatten().collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_table_is_broad_and_its_names_are_unique() {
    let mut names: Vec<_> = ROWS.iter().map(|row| row.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), ROWS.len());
    assert!(ROWS.len() >= 60);
}
