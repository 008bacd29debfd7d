//! Images without a name, which builders without BuildKit leave behind each instruction.

use std::cell::{OnceCell, RefCell};
use std::collections::BTreeSet;

use crate::process::Trouble;

/// Those that the builds of one proof have left.
#[derive(Debug, Default)]
pub(super) struct Layers {
    /// The numbers of all images that were there before the first such build.
    known: OnceCell<BTreeSet<String>>,
    left: RefCell<Vec<String>>,
}

impl Layers {
    /// Asks for the numbers of the images that are there, one a line, before the first build.
    pub(super) fn know(&self, list: impl FnOnce() -> Result<String, Trouble>) -> Result<(), Trouble> {
        if self.known.get().is_none() {
            let list = list()?;
            let known = list.lines().map(|id| id.trim().trim_start_matches("sha256:").to_owned()).collect();
            self.known.get_or_init(|| known);
        }
        Ok(())
    }

    /// Remembers those that a builder tells of.
    pub(super) fn note(&self, log: &str) {
        let known = self.known.get().into_iter().flatten();
        let is_new = |id: &String| !known.clone().any(|known| known.starts_with(id.as_str()));
        self.left.borrow_mut().extend(numbers_in(log).into_iter().filter(is_new));
    }

    /// Hands out all that were remembered, the last one first, and forgets them.
    pub(super) fn take(&self) -> Vec<String> {
        let mut left = std::mem::take(&mut *self.left.borrow_mut());
        left.reverse();
        left
    }
}

/// The numbers of images that a builder tells of: ` ---> 0123456789ab`.
fn numbers_in(log: &str) -> Vec<String> {
    let number = |line: &str| {
        let told = line.trim_start().strip_prefix("---> ").or_else(|| line.strip_prefix("--> "))?;
        let number = told.split_whitespace().next_back()?;
        (number.len() >= 11 && number.bytes().all(|byte| byte.is_ascii_hexdigit())).then(|| number.to_owned())
    };
    log.lines().filter_map(number).collect()
}

#[cfg(test)]
mod tests {
    use super::Layers;

    #[test]
    fn layers_are_told_by_their_numbers_and_those_of_before_stay() {
        let layers = Layers::default();
        layers.know(|| Ok("sha256:0123456789abcdef\n".to_owned())).unwrap();
        layers.note(
            "Step 1/2 : FROM alpine\n ---> 0123456789ab\nStep 2/2 : RUN x\n ---> 222222222222\n\
            --> Using cache abcdefabcdef\n ---> no-number\n",
        );
        assert_eq!(layers.take(), ["abcdefabcdef", "222222222222"]);
        assert!(layers.take().is_empty());
    }
}
