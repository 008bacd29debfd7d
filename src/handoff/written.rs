//! What the words of a program name that writes only what they name.

use super::programs::{has_flag, has_letter, has_word};
use crate::docker::{Step, StepWord, place_in_repository};
use crate::text::RepositoryPath;

/// The words of a program of the operands' table that name what it writes.
pub(super) fn written_operands<'a>(step: &'a Step, name: &str) -> Vec<&'a StepWord> {
    let all: Vec<_> = step.words.iter().skip(1).collect();
    let last = || all.last().copied().filter(|word| !word.raw.contains(':')).into_iter().collect();
    match name {
        "cp" | "install" | "ln" if !has_flag(step, &["-t", "--target-directory"]) && all.len() > 1 => last(),
        "cp" | "mv" | "rm" | "rmdir" | "touch" | "tee" | "ln" | "install" | "mkdir" | "chmod" | "chown" => all,
        "sed" if has_letter(step, &['i']) || has_flag(step, &["--in-place"]) => without_script(step, all),
        "yq" if has_letter(step, &['i']) || has_flag(step, &["--inplace"]) => all,
        "curl" if has_letter(step, &['O']) || has_flag(step, &["--remote-name"]) => all,
        "curl" => behind(step, &['o'], &["--output"]),
        "wget" => {
            let named = behind(step, &['O', 'P'], &["--output-document", "--directory-prefix"]);
            if named.is_empty() { all } else { named }
        }
        "docker" => all,
        "rsync" | "scp" => last(),
        "aws" | "gsutil" | "kubectl" | "oc"
            if ["cp", "mv", "rsync", "sync"].iter().any(|word| has_word(step, word)) =>
        {
            last()
        }
        "pip" | "pip3" => behind(step, &['t'], &["--target"]),
        "gpg" | "grype" | "openssl" | "sort" | "syft" | "trivy" => {
            behind(step, &['o'], &["--output", "-out", "--file"])
        }
        _ => Vec::new(),
    }
}

/// The values of these options: the words behind them, or they themselves where they are written with a `=`.
fn behind<'a>(step: &'a Step, letters: &[char], long: &[&str]) -> Vec<&'a StepWord> {
    let is_option = |raw: &str| {
        let is_cluster = raw.starts_with('-') && !raw.starts_with("--") && raw.ends_with(letters);
        is_cluster || long.contains(&raw)
    };
    let pairs = step.words.iter().zip(step.words.iter().skip(1));
    let apart = pairs.filter(|(option, _)| is_option(&option.raw)).map(|(_, value)| value);
    let joined =
        step.words.iter().filter(|word| word.raw.split_once('=').is_some_and(|(option, _)| long.contains(&option)));
    apart.chain(joined).collect()
}

/// The operands of `sed`, without the script that is the first of them.
fn without_script<'a>(step: &Step, all: Vec<&'a StepWord>) -> Vec<&'a StepWord> {
    let scripts = behind(step, &['e', 'f'], &["--expression", "--file"]);
    let is_script = |word: &&StepWord| scripts.iter().any(|script| std::ptr::eq(*script, *word));
    let operands = all.into_iter().filter(|word| !word.raw.starts_with('-') && !is_script(word));
    operands.skip(usize::from(scripts.is_empty())).collect()
}

/// The folders of the project that a step makes.
pub(super) fn made_folders(step: &Step) -> Vec<RepositoryPath> {
    if step.program() != Some("mkdir") {
        return Vec::new();
    }
    operand_places(step).into_iter().flatten().collect()
}

/// The places that the operands of a step name; `None` for one that is not known, or not in the project.
pub(super) fn operand_places(step: &Step) -> Vec<Option<RepositoryPath>> {
    let operands = step.words.iter().skip(1).filter(|word| !word.raw.starts_with('-'));
    let place = |word: &StepWord| place_in_repository(word.text()?, step.folder.as_ref()?);
    operands.map(place).collect()
}
