//! Changes to a Dockerfile. Each gives a [`crate::text::TextEdit`] for the text that was read and leaves all other
//! bytes alone; a change that cannot be written down is `None`.

mod copy;
mod flags;
mod lines;
mod stage;

pub use copy::CopyPart;

/// `word` in the JSON form.
fn json_string(word: &str) -> String {
    serde_json::Value::from(word).to_string()
}
