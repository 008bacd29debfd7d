//! One folder of `tests/fixtures`: a repository before and, where it folds, after.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test stops where something is not as it must be"
)]

use std::collections::BTreeMap;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, LazyLock, Mutex};

use tempfile::TempDir;

/// A case of `tests/fixtures/<name>`.
///
/// It holds the folder `before`, a repository; the folder `after`, where it folds; and, where there is
/// more to say, a file `case` with lines `key: value`:
///
/// - `verdict`: what the program must say; `folded` where there is an `after`, and needed where there is none;
/// - `finding`: a code that must be among the findings, once for each;
/// - `again`: what the program must say of the folded repository, where that is not `nothing-to-fold`;
/// - `arguments`: words to pass on the command line after the command.
///
/// Empty lines and lines that start with `#` are passed over.
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) verdict: String,
    pub(crate) again: String,
    pub(crate) findings: Vec<String>,
    pub(crate) arguments: Vec<String>,
    folder: PathBuf,
}

/// What the program printed, and its exit code.
pub(crate) struct Printed {
    pub(crate) out: String,
    pub(crate) err: String,
    pub(crate) code: i32,
}

/// Every file of a folder but those of git, with its kind (`file`, `executable`, `link`) and its bytes.
pub(crate) type Tree = BTreeMap<String, (&'static str, Vec<u8>)>;

/// The folder `.git` of each case: it takes git four times as long to make one as to write it down again.
static HISTORIES: LazyLock<Mutex<BTreeMap<String, Arc<Tree>>>> = LazyLock::new(Mutex::default);

/// The root of this package.
pub(crate) fn package() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All cases, sorted by name.
pub(crate) fn all() -> Vec<Case> {
    let Ok(entries) = fs::read_dir(package().join("tests/fixtures")) else { return Vec::new() };
    let folders = entries.map(|entry| entry.unwrap().path()).filter(|path| path.is_dir());
    let mut cases: Vec<_> = folders.map(Case::read).collect();
    cases.sort_by(|left, right| left.name.cmp(&right.name));
    cases
}

/// Checks every case, and only then fails with the names of those that did not hold.
pub(crate) fn each(check: impl Fn(&Case)) {
    let holds = |case: &Case| {
        let result = catch_unwind(AssertUnwindSafe(|| check(case)));
        if result.is_err() {
            eprintln!("^ in tests/fixtures/{}\n", case.name);
        }
        result.is_ok()
    };
    let failed: Vec<_> = all().into_iter().filter(|case| !holds(case)).map(|case| case.name).collect();
    assert!(failed.is_empty(), "{} cases failed: {}", failed.len(), failed.join(", "));
}

impl Case {
    fn read(folder: PathBuf) -> Self {
        let name = folder.file_name().unwrap().to_str().unwrap().to_owned();
        let again = "nothing-to-fold".to_owned();
        let mut case = Self { name, verdict: String::new(), again, findings: vec![], arguments: vec![], folder };
        let text = fs::read_to_string(case.folder.join("case")).unwrap_or_default();
        for line in text.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#')) {
            match line.split_once(':').map(|(key, value)| (key, value.trim())) {
                Some(("verdict", value)) => case.verdict = value.to_owned(),
                Some(("again", value)) => case.again = value.to_owned(),
                Some(("finding", value)) => case.findings.push(value.to_owned()),
                Some(("arguments", value)) => case.arguments = value.split_whitespace().map(str::to_owned).collect(),
                _ => panic!("{}: what does '{line}' mean?", case.name),
            }
        }
        if case.verdict.is_empty() && case.folds() {
            case.verdict = "folded".to_owned();
        }
        case
    }

    /// Whether the fold is made.
    pub(crate) fn folds(&self) -> bool {
        self.folder.join("after").is_dir()
    }

    /// The repository as it is.
    pub(crate) fn before(&self) -> Tree {
        tree(&self.folder.join("before"))
    }

    /// The repository as it must be after the fold: what it was, where there is none.
    pub(crate) fn after(&self) -> Tree {
        tree(&self.folder.join(if self.folds() { "after" } else { "before" }))
    }

    /// Copies the repository to `to`.
    pub(crate) fn copy(&self, to: &Path) {
        copy(&self.folder.join("before"), to);
    }

    /// A git repository of its own that holds the case, all committed.
    pub(crate) fn check_out(&self) -> TempDir {
        let root = TempDir::new().unwrap();
        self.copy(root.path());
        let place = root.path().join(".git");
        let known = HISTORIES.lock().unwrap().get(&self.name).map(Arc::clone);
        if let Some(history) = known {
            for (name, (_, bytes)) in history.iter() {
                let path = place.join(name);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, bytes).unwrap();
            }
        } else {
            commit(root.path());
            HISTORIES.lock().unwrap().insert(self.name.clone(), Arc::new(tree(&place)));
        }
        root
    }

    /// Runs `stagefold COMMAND WORDS...` in `root` with the arguments of the case.
    pub(crate) fn run(&self, root: &Path, command: &str, words: &[&str]) -> Printed {
        let arguments = self.arguments.iter().map(String::as_str);
        let printed = stagefold(root, &[&[command], words, &arguments.collect::<Vec<_>>()].concat());
        let folder = root.file_name().unwrap().to_str().unwrap();
        assert!(
            !printed.out.contains(folder) && !printed.err.contains(folder),
            "the output names a path of this machine"
        );
        printed
    }
}

/// Runs the program in `folder`, without anything from outside that could change what it prints.
pub(crate) fn stagefold(folder: &Path, words: &[&str]) -> Printed {
    let mut command = Command::new(env!("CARGO_BIN_EXE_stagefold"));
    for variable in ["CLICOLOR_FORCE", "CLICOLOR", "NO_COLOR", "COLUMNS", "RUST_BACKTRACE"] {
        command.env_remove(variable);
    }
    without_settings(&mut command);
    let output = command.current_dir(folder).args(words).stdin(Stdio::null()).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Printed { out: text(output.stdout), err: text(output.stderr), code: output.status.code().unwrap() }
}

/// Makes a git repository of `folder` and commits all that is in it, ignored files included.
pub(crate) fn commit(folder: &Path) {
    git(folder, &["init", "-q", "-b", "main", "--template="], "");
    git(folder, &["add", "-f", "."], "");
    git(folder, &["commit", "-q", "--allow-empty", "-m", "before"], "");
}

/// Runs git in `folder`, which takes `input` on stdin and must succeed without a word.
pub(crate) fn git(folder: &Path, words: &[&str], input: &str) {
    let mut command = Command::new("git");
    command.args(["-c", "core.autocrlf=false", "-c", "user.name=fixture", "-c", "user.email=fixture@example.org"]);
    command.current_dir(folder).args(words).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    without_settings(&mut command);
    let mut child = command.spawn().unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn without_settings(command: &mut Command) {
    command.env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_CONFIG_GLOBAL", "/dev/null");
    for variable in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX"] {
        command.env_remove(variable);
    }
}

/// What stands in `root`.
pub(crate) fn tree(root: &Path) -> Tree {
    let mut tree = Tree::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.is_symlink() {
                folders.extend((path.file_name().unwrap() != ".git").then_some(path));
                continue;
            }
            let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
            tree.insert(name, contents(&path));
        }
    }
    tree
}

fn contents(path: &Path) -> (&'static str, Vec<u8>) {
    if path.is_symlink() {
        return ("link", fs::read_link(path).unwrap().into_os_string().into_encoded_bytes());
    }
    (if is_executable(path) { "executable" } else { "file" }, fs::read(path).unwrap())
}

#[cfg(unix)]
fn is_executable(path: &Path) -> bool {
    std::os::unix::fs::PermissionsExt::mode(&fs::metadata(path).unwrap().permissions()) & 0o100 != 0
}

#[cfg(not(unix))]
fn is_executable(_: &Path) -> bool {
    false
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let to = to.join(path.file_name().unwrap());
        if path.is_symlink() {
            #[cfg(unix)]
            std::os::unix::fs::symlink(fs::read_link(&path).unwrap(), to).unwrap();
        } else if path.is_dir() {
            copy(&path, &to);
        } else {
            fs::copy(path, to).unwrap();
        }
    }
}
