//! The program that a job's container runs, as GitLab Runner writes it: one shell for all lines, in its own folder, that
//! stops at the first failure (GitLab Runner: `shells/bash.go`).

use super::environment::JobEnvironment;

/// Where our own files lie in a container of a job.
pub(super) const OWN_FOLDER: &str = "/stagefold";

/// Finds the shell as the runner does, and lets it run a file. Words behind it: the file.
const FIND_SHELL: &str = r#"for shell in /usr/local/bin/bash /usr/bin/bash /bin/bash /usr/local/bin/sh /usr/bin/sh /bin/sh /busybox/sh; do
  [ -x "$shell" ] && break
done
"#;

/// Runs the lines of an image job beside itself: a stand-in that cannot answer ends them, and this program with them.
const BESIDE: &str = r#"ln -s "$shell" /stagefold/sh
"$shell" /stagefold/script & script=$!
echo "$script" >/stagefold/process
{ wait "$script"; } 2>/dev/null; status=$?
[ ! -e /stagefold/stopped ] || exit 0
exit "$status"
"#;

/// The command of a container that runs all lines of a build job.
pub(super) fn command_of_build_job() -> Vec<String> {
    shell(&format!("{FIND_SHELL}exec \"$shell\" {OWN_FOLDER}/script\n"))
}

/// The command of a container that runs the lines of an image job up to the first that a stand-in cannot answer.
pub(super) fn command_of_image_job() -> Vec<String> {
    shell(&format!("{FIND_SHELL}{BESIDE}"))
}

fn shell(program: &str) -> Vec<String> {
    ["sh", "-c", program].map(str::to_owned).to_vec()
}

/// The script: the runner's guards, the variables, and the lines behind the echo of each.
pub(super) fn script(environment: &JobEnvironment, folder: &str, before: &str, lines: &[&str]) -> String {
    let mut program = String::new();
    for (name, value) in environment.iter().filter(|(name, _)| is_name(name)) {
        program.push_str(&format!("export {name}={}\n", quoted(value)));
    }
    program.push_str(before);
    program.push_str(&format!("cd {}\n", quoted(folder)));
    for line in lines {
        let first = line.lines().next().unwrap_or_default();
        program.push_str(&format!("echo {}\n{line}\n", quoted(&format!("$ {first}"))));
    }
    let guard =
        "case \"$(set -o 2>/dev/null)\" in *pipefail*) set -o pipefail;; esac\nset -o errexit\nset +o noclobber\n";
    format!("{guard}(eval {}) </dev/null\n", quoted(&program))
}

/// Whether a shell takes it for a variable's name.
fn is_name(name: &str) -> bool {
    let is_of_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    !name.is_empty() && name.bytes().all(is_of_name) && !name.starts_with(|first: char| first.is_ascii_digit())
}

/// A text as one word of a shell.
pub(super) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::{JobEnvironment, script};

    /// What the script prints, and its exit status.
    fn run(shell: &str, lines: &[&str]) -> (String, Option<i32>) {
        let mut environment = JobEnvironment::default();
        environment.set("TEXT", "it's\n$HOME `x` \\ \"y\"");
        environment.set("no name", "x");
        let text = script(&environment, "/tmp", "", lines);
        let output = Command::new(shell).args(["-c", &text]).output().unwrap();
        let printed = String::from_utf8(output.stdout).unwrap();
        let own: Vec<_> = printed.lines().filter(|line| !line.starts_with("$ ")).collect();
        (own.join("\n"), output.status.code())
    }

    #[test]
    fn lines_are_one_program_that_stops_at_the_first_failure() {
        for shell in ["sh", "bash"] {
            assert_eq!(run(shell, &["cd /", "pwd"]), ("/".to_owned(), Some(0)), "{shell}");
            assert_eq!(run(shell, &["echo a", "false", "echo b"]), ("a".to_owned(), Some(1)), "{shell}");
            assert_eq!(run(shell, &["exit 7"]).1, Some(7), "{shell}");
            assert_eq!(run(shell, &["cat", "echo end"]).0, "end", "{shell}");
        }
        assert_eq!(run("bash", &["false | true", "echo b"]), (String::new(), Some(1)));
    }

    #[test]
    fn values_come_as_they_are() {
        assert_eq!(run("sh", &["printf %s \"$TEXT\""]).0, "it's\n$HOME `x` \\ \"y\"");
    }
}
