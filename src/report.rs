//! What the user is told: a patch that git takes, findings with the lines they speak of, and JSON.
//!
//! Everything here turns an [`Outcome`](crate::Outcome) or a [`Proof`](crate::prove::Proof) into text; nothing here
//! writes to a stream or touches a file. What comes from the user's files is shown with its control characters made visible,
//! except in the patch, which is byte for byte what the files hold.

mod entry;
mod inventory;
mod json;
mod markdown;
mod patch;
mod proof;
mod repository;
mod sentence;
mod snippet;
mod terminal;

pub use entry::{Entry, Tally};
pub use inventory::{Inventory, InventoryFormat, Reason, write_inventory};
pub use json::{json_end, json_entry, json_line, json_start};
pub use markdown::code as markdown_code;
pub use patch::{colored, patch};
pub use proof::{proof_json, proof_markdown, proof_text, proof_value};
pub use repository::{ChangeKind, ChangeReport, FindingReport, HandoffReport, RepositoryReport, Savings, report_line};
pub use sentence::{Tense, closing_line, visible};
pub use terminal::{Detail, Terminal};
