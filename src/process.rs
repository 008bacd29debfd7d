//! Other programs: started so that a signal or the end of their time ends them with all that they have started.

mod interrupt;
mod invocation;
mod trouble;

pub use interrupt::Interrupt;

pub(crate) use invocation::{Answer, Invocation, Log};
pub(crate) use trouble::Trouble;
