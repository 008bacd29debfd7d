//! The stagefold program: parses the arguments, runs, and maps what came of it to an exit code.

use std::io::{self, BufWriter, ErrorKind, IsTerminal, Write};
use std::process::ExitCode;

use anstream::AutoStream;
use anstream::ColorChoice;
use clap::Parser;
use stagefold::cli::{Arguments, Status, Streams, run};

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Where even the help cannot be printed, there is nobody to tell.
            let _ = error.print();
            return u8::try_from(error.exit_code()).map_or(ExitCode::FAILURE, ExitCode::from);
        }
    };
    match run_on_standard_streams(&arguments) {
        Ok(status) => status.code().into(),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "error: {error}");
            Status::Failed.code().into()
        }
    }
}

fn run_on_standard_streams(arguments: &Arguments) -> io::Result<Status> {
    let (out, err) = (io::stdout(), io::stderr());
    let is_fit = |choice| choice != ColorChoice::Never;
    let color_out = arguments.wants_color(is_fit(AutoStream::choice(&out)));
    let color_err = arguments.wants_color(is_fit(AutoStream::choice(&err)));
    let is_terminal = err.is_terminal();
    let (mut out, mut err) = (BufWriter::new(out), err);
    run(arguments, &stagefold::fold, &mut Streams { out: &mut out, err: &mut err, color_out, color_err, is_terminal })
}
