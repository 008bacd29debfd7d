//! The images that a command of a script uses.

use super::container::{container_words, engine_words, option, spelled};
use crate::docker::{Step, StepWord};

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
