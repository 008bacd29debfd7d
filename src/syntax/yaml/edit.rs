//! Edits of a tree's text, each leaving every byte alone that it does not have to touch.
//!
//! Every function reads its own result again and compares it, node by node, with what it should have become.
//! What does not pass, and what no rule covers, is `None`: an edit is exact or it is not made. Aliases whose
//! anchor goes are the one thing that is left to the caller, see [`relocate_anchor`].

mod add;
mod check;
mod children;
mod contents;
mod encode;
mod lines;
mod relocate;
mod remove;
mod remove_block;
mod remove_flow;
mod replace;
mod splice;

pub use add::{add_entry, add_item};
pub use contents::{replace_contents, text_scalar};
pub use encode::in_flow;
pub use relocate::relocate_anchor;
pub use remove::{remove_entries, remove_items};
pub use replace::replace_scalar;
pub use splice::{delete_lines_in_scalar, replace_in_scalar};
