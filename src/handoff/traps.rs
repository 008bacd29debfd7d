//! What a `trap` of a script runs when the script ends.

use super::programs::WITHOUT_FILES;
use crate::syntax::shell::{Command, Script};

/// Whether a word of `trap` is an option, a signal, or commands that have nothing to do with files of the project.
pub(super) fn is_harmless(word: &str) -> bool {
    let is_signal = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || b"-+".contains(&byte);
    if word.bytes().all(is_signal) || matches!(word, "-l" | "-p") {
        return true;
    }
    let script = Script::parse(word);
    let is_apart = |command: &Command| {
        let words: Option<Vec<_>> = command.words.iter().map(|word| word.literal()).collect();
        let words = words.unwrap_or_default();
        let words: Vec<_> = words.iter().map(AsRef::as_ref).collect();
        let is_known = match words.as_slice() {
            ["docker" | "podman", "logout" | "rm" | "rmi" | "stop", ..] => true,
            ["rm", operands @ ..] => {
                operands.iter().all(|operand: &&str| operand.starts_with("/tmp/") || operand.starts_with('-'))
            }
            _ => command.name().is_some_and(|name| WITHOUT_FILES.contains(&name.as_str())),
        };
        is_known && command.redirections.is_empty()
    };
    script.opaque.is_none() && script.commands.iter().all(is_apart)
}
