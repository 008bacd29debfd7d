//! The images that a command of a script uses.

use super::container::{MOUNTS, container_words, engine_words, is_same_image, spelled};
use super::container_options::option;
use super::job_script::JobScript;
use crate::docker::{BuildCommand, Step, StepWord};

/// The words by which a step runs, pushes, renames or saves an image.
pub(super) fn images_taken(step: &Step) -> Vec<&StepWord> {
    let made = || ["create", "run"].iter().find_map(|verb| container_words(step, verb)).and_then(image_word);
    let operands = |verb: &str| {
        let words = engine_words(step, "image", verb)?;
        Some(words.iter().filter(|word| !word.raw.starts_with('-')).collect::<Vec<_>>())
    };
    let renamed = || operands("tag").map(|words| words.into_iter().take(1).collect());
    let handed_on = || ["push", "save", "inspect", "history"].iter().find_map(|verb| operands(verb));
    made().map(|word| vec![word]).or_else(renamed).or_else(handed_on).unwrap_or_default()
}

/// Whether a step runs, pushes, renames, saves or reads an image with one of these tags.
#[must_use]
pub fn takes_image(step: &Step, tags: &[String]) -> bool {
    let is_image =
        |word: &&StepWord| tags.iter().any(|tag| is_same_image(tag, &word.raw) || is_same_image(tag, &spelled(word)));
    let is_reader = step.program().is_some_and(|program| READERS.contains(&program));
    images_taken(step).iter().any(is_image) || is_reader && step.words.iter().skip(1).any(|word| is_image(&word))
}

/// The word of `docker create` or `docker run` that names the image.
fn image_word(words: &[StepWord]) -> Option<&StepWord> {
    let mut rest = words.iter();
    loop {
        let word = rest.next()?;
        let raw = spelled(word);
        if !raw.starts_with('-') {
            return Some(word);
        }
        option(&raw, &mut rest)?;
    }
}

/// The tags that a build gives: as they are written, and where their variables are known, as they come out.
pub(super) fn known_tags(script: &JobScript, command: &BuildCommand) -> Vec<String> {
    let words = script.walk.steps.get(command.step).map(|step| step.words.as_slice()).unwrap_or_default();
    let of_word = |word: &StepWord| {
        let text = word.text()?;
        let is_tag = command.tags.iter().any(|tag| word.raw.ends_with(tag.as_str()));
        let tag = text.split_once('=').map_or(text, |(_, tag)| tag).trim_start_matches("-t");
        is_tag.then(|| tag.to_owned())
    };
    command.tags.iter().cloned().chain(words.iter().filter_map(of_word)).collect()
}

/// Takes those out of `tags` that another image has taken over.
pub(super) fn drop_those_of(tags: &mut Vec<String>, other: &[String]) {
    tags.retain(|tag| !other.iter().any(|other| is_same_image(tag, other)));
}

/// Programs that look into an image, or load it elsewhere, and leave it as it is.
const READERS: [&str; 10] =
    ["container-structure-test", "cosign", "dive", "dockle", "grype", "k3d", "kind", "snyk", "syft", "trivy"];

/// Whether a step only reads the images that it names: no other image gets one of these tags by it, and no container of it can
/// change files of the job.
pub(super) fn only_reads_images(step: &Step, tags: &[String]) -> bool {
    if step.program().is_some_and(|program| READERS.contains(&program)) {
        return true;
    }
    if let Some(words) = ["create", "run"].iter().find_map(|verb| container_words(step, verb)) {
        return !has_mount(words);
    }
    if let Some(words) = engine_words(step, "image", "tag") {
        let new = words.last();
        return new.is_some_and(|new| {
            !tags.iter().any(|tag| is_same_image(tag, &new.raw) || is_same_image(tag, &spelled(new)))
        });
    }
    ["push", "save", "inspect", "history", "scout", "scan"]
        .iter()
        .any(|verb| engine_words(step, "image", verb).is_some())
}

/// Whether one of the options of `docker create` or `docker run` lays files of the job into the container, or cannot be read.
fn has_mount(words: &[StepWord]) -> bool {
    let mut rest = words.iter();
    while let Some(word) = rest.next() {
        let raw = spelled(word);
        if !raw.starts_with('-') {
            return false;
        }
        let Some(options) = option(&raw, &mut rest) else {
            return true;
        };
        if options.iter().any(|(name, _)| MOUNTS.contains(&name.as_str())) {
            return true;
        }
    }
    true
}
