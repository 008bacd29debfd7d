use std::fmt::Write;

use super::figures::{Figure, figures};
use super::lines::{Limits, comparison, failure};
use super::words::{Weights, name, verdict};
use crate::prove::{ImageProof, Proof, ProofVerdict};
use crate::report::markdown::{closing_nothing, code, html_code};

/// How far what stands in a block of code is indented: a line that far to the right never ends the block.
const INDENT: usize = 4;

/// `proof` for the description of a merge request on GitLab, without a heading. It ends with a line break.
///
/// Whatever comes from the user's files and names stands in code, where GitLab reads no mention, no reference and no quick
/// action, and is written so that it cannot leave it; no line begins with it. `Closes #1`, which GitLab reads even in code, is
/// kept from it by another space.
#[must_use]
pub fn proof_markdown(proof: &Proof) -> String {
    let mut text = String::new();
    if proof.images.is_empty() {
        text.push_str("**Nothing was proven**: no image is built by the jobs that were folded.\n");
    } else {
        text.push_str("| image | | size | cold | one line changed |\n| --- | --- | --- | --- | --- |\n");
        proof.images.iter().for_each(|image| row(&mut text, image));
    }
    proof.images.iter().for_each(|image| details(&mut text, image));
    let (engine, commit) = (code(&proof.engine), commit(&proof.commit));
    let _ = writeln!(text, "\nBuilt both ways and compared by `stagefold prove`, with {engine}, at commit {commit}.");
    text
}

fn row(text: &mut String, image: &ImageProof) {
    let tags = image.tags.iter().map(|tag| format!(", {}", code(tag))).collect::<String>();
    let figures = figures(image);
    let cell = |name: &str| figures.iter().find(|figure| figure.name == name).map_or_else(|| "-".to_owned(), change);
    let _ = writeln!(
        text,
        "| job {}, {}{tags} | **{}**: {} | {} | {} | {} |",
        code(&image.job),
        code(&image.dockerfile.to_string()),
        image.verdict.name(),
        verdict(image),
        cell("size"),
        cell("cold"),
        cell("one line changed")
    );
}

/// `12 s → 0.8 s, 15 times as fast`.
fn change(figure: &Figure) -> String {
    let shown = |figure: &Option<String>| figure.clone().unwrap_or_else(|| "-".to_owned());
    let factor = if figure.factor.is_empty() { String::new() } else { format!(", {}", figure.factor) };
    format!("{} → {}{factor}", shown(&figure.before), shown(&figure.after))
}

/// What differs, and what failed, for those who open it.
fn details(text: &mut String, image: &ImageProof) {
    if image.verdict == ProofVerdict::Same {
        return;
    }
    let mut lines =
        image.failure.as_ref().map(|failure| self::failure(failure, Limits::MERGE_REQUEST)).unwrap_or_default();
    lines.extend(comparison(&image.comparison, Limits::MERGE_REQUEST));
    let what = match (&image.failure, Weights::of(&image.comparison.differences).sentence()) {
        (Some(failure), _) => format!("what failed {}", failure.way.name()),
        (None, Some(sentence)) => sentence,
        (None, None) => return,
    };
    let mut block = String::new();
    lines.into_iter().for_each(|line| line.further(INDENT).write(&mut block, false));
    let (job, block) = (html_code(&name(&image.job)), closing_nothing(&block));
    let _ = writeln!(text, "\n<details><summary>Job {job}: {what}</summary>\n\n```text\n{block}```\n\n</details>");
}

/// The commit, so that GitLab makes a link of it.
fn commit(commit: &str) -> String {
    let is_name = !commit.is_empty() && commit.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_name { commit.to_owned() } else { code(commit) }
}
