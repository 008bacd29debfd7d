//! The command line: arguments, one small file for each command, and how many repositories are handled at once.
//!
//! Nothing here ends the process. A command writes to the streams it is given and returns a [`Status`];
//! `main` turns that into an exit code.

mod apply;
mod arguments;
mod batch;
mod campaign;
mod explain;
mod fold;
mod output;
mod prove;
mod status;

use std::io;

pub use arguments::Arguments;
pub use fold::Fold;
pub use output::Streams;
pub use status::Status;

use arguments::Command;
use fold::Doing;

/// Does what `arguments` say, with `fold` as the heart of it.
///
/// # Errors
/// Where the streams cannot be written, or no thread can be started. What is wrong with a repository is told
/// on the streams and counted in the status.
pub fn run(arguments: &Arguments, fold: &Fold, streams: &mut Streams<'_>) -> io::Result<Status> {
    let options = &arguments.options;
    match &arguments.command {
        None => fold::run(&arguments.paths, &Doing::Show, options, fold, streams),
        Some(Command::Diff { paths, prove, how }) => match (prove, how.is_any()) {
            (true, _) => fold::run(paths, &Doing::Prove(how), options, fold, streams),
            (false, false) => fold::run(paths, &Doing::Show, options, fold, streams),
            (false, true) => {
                writeln!(streams.err, "error: options that say how something is proven need --prove")?;
                Ok(Status::Failed)
            }
        },
        Some(Command::Apply { paths, allow }) => fold::run(paths, &Doing::Write(allow.into()), options, fold, streams),
        Some(Command::Prove(prove)) => prove::run(prove, options, fold, streams),
        Some(Command::Audit(audit)) => campaign::audit(options, audit, streams),
        Some(Command::Campaign { command }) => campaign::run(command, options, fold, streams),
        Some(Command::Explain { code }) => explain::run(*code, streams.out),
    }
}
