use std::fs;
use std::io;
use std::path::Path;

/// The lines of a file of variables with their numbers, `NAME=VALUE` each; empty lines and those that begin with `#` are left out
/// (Docker docs: `--env-file`).
///
/// # Errors
/// Where the file cannot be read as UTF-8.
pub fn read_variables(path: &Path) -> io::Result<Vec<(usize, String)>> {
    let text = fs::read_to_string(path)?;
    let lines = text.lines().enumerate().map(|(index, line)| (index + 1, line));
    let lines = lines.filter(|(_, line)| !line.trim_start().starts_with('#') && !line.trim().is_empty());
    Ok(lines.map(|(number, line)| (number, line.to_owned())).collect())
}
