use std::rc::Rc;

use super::value::{Kind, Origin, Value};

/// How deep lists may nest in a script (GitLab: `entry/commands.rb`).
const MOST_LEVELS: usize = 10;

/// One item of a job's script.
#[derive(Clone, Debug)]
pub struct ScriptItem {
    /// The commands; `None` for an item that holds a comment and no command, a YAML null, and for one that is no text.
    pub text: Option<Rc<str>>,
    /// Whether it is neither a text nor a null: `- echo version: 1` is a mapping, and GitLab refuses it.
    pub is_odd: bool,
    /// The scalar that wrote it.
    pub origin: Origin,
}

impl ScriptItem {
    /// The items of a script, nested lists laid flat.
    pub(super) fn read(value: &Value) -> Vec<Self> {
        let mut items = Vec::new();
        flatten(value, 0, &mut items);
        items
    }
}

fn flatten(value: &Value, depth: usize, items: &mut Vec<ScriptItem>) {
    match &value.kind {
        Kind::Sequence(nested) if depth <= MOST_LEVELS => {
            for item in nested.iter() {
                flatten(item, depth + 1, items);
            }
        }
        Kind::Null if depth == 0 => {}
        _ => {
            let text = value.text();
            let is_odd = text.is_none() && !value.is_null();
            items.push(ScriptItem { text, is_odd, origin: value.origin });
        }
    }
}
