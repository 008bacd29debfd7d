//! Other programs, started so that a signal ends them and that all they print is kept.
//!
//! Each has a process group of its own: a Ctrl-C at the terminal reaches only this program, which ends the others and then
//! cleans up with others still.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

use super::interrupt::Interrupt;
use super::trouble::Trouble;

/// How often a program that has run for a while is looked at; at first it is more often.
const PAUSE: Duration = Duration::from_millis(20);

/// How long a program has to end by itself once it was asked to.
const GRACE: Duration = Duration::from_secs(8);

/// The most of a log that is read to tell its last lines, in bytes.
const MOST_OF_LOG: i64 = 64 * 1024;

/// How often it is told that a program is still running.
const BEAT: Duration = Duration::from_secs(15);

/// How much of a line is told, in characters.
const MOST_OF_LINE: usize = 120;

/// Who is told what is being done, a line each.
pub(crate) type Listener<'a> = dyn Fn(&str) + 'a;

/// A file that keeps what programs print, and who is told while they do.
#[derive(Clone)]
pub(crate) struct Log<'a> {
    path: PathBuf,
    /// What the log is of, and who is told.
    listener: Option<(String, &'a Listener<'a>)>,
}

impl<'a> Log<'a> {
    pub(crate) const fn new(path: PathBuf) -> Self {
        Self { path, listener: None }
    }

    /// The same, whose last line is told from time to time as the one of `name`.
    pub(crate) fn told_to(self, name: &str, listener: &'a Listener<'a>) -> Self {
        Self { listener: Some((name.to_owned(), listener)), ..self }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Tells the last line. What a terminal would obey is left out.
    fn beat(&self) {
        if let Some((name, listener)) = &self.listener {
            let last = self.last_lines(1).concat();
            let plain: String = last.chars().filter(|letter| !letter.is_control()).take(MOST_OF_LINE).collect();
            listener(&format!("{name}: {}", plain.trim()));
        }
    }

    fn open(&self) -> Result<File, Trouble> {
        let file = OpenOptions::new().create(true).append(true).open(&self.path);
        file.map_err(|error| Trouble::of_file(&self.path, &error))
    }

    /// How long it is, in bytes.
    pub(crate) fn length(&self) -> u64 {
        fs::metadata(&self.path).map_or(0, |metadata| metadata.len())
    }

    /// All of it from the byte `start` on; nothing where it cannot be read.
    pub(crate) fn text_from(&self, start: u64) -> String {
        let bytes = fs::read(&self.path).unwrap_or_default();
        let own = bytes.get(usize::try_from(start).unwrap_or(usize::MAX)..).unwrap_or_default();
        String::from_utf8_lossy(own).into_owned()
    }

    /// The last lines, at most `count`; none where there is no log.
    pub(crate) fn last_lines(&self, count: usize) -> Vec<String> {
        let Ok(mut file) = File::open(&self.path) else { return Vec::new() };
        // A log that is shorter than that cannot be sought from its end, and is read from its beginning.
        let _ = file.seek(io::SeekFrom::End(-MOST_OF_LOG));
        let mut bytes = Vec::new();
        let _ = file.read_to_end(&mut bytes);
        let text = String::from_utf8_lossy(&bytes);
        let lines: Vec<_> = text.lines().filter(|line| !line.trim().is_empty()).map(str::to_owned).collect();
        lines.get(lines.len().saturating_sub(count)..).unwrap_or_default().to_vec()
    }
}

/// A program to be started.
pub(crate) struct Invocation<'a> {
    program: OsString,
    arguments: Vec<OsString>,
    environment: Vec<(String, OsString)>,
    /// Variables of this program that the other one must not see.
    hidden: &'static [&'static str],
    folder: Option<PathBuf>,
    input: Option<PathBuf>,
    output: Option<PathBuf>,
    log: Option<Log<'a>>,
    limit: Option<Duration>,
    held: Option<Arc<File>>,
    /// Whether it belongs to the process group of this program, whose end is then its own.
    shares_group: bool,
}

/// What a program printed where it was asked something.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: ExitStatus,
    pub(crate) text: String,
    pub(crate) errors: String,
}

impl<'a> Invocation<'a> {
    pub(crate) fn new(program: impl Into<OsString>) -> Self {
        let (arguments, environment, hidden) = (Vec::new(), Vec::new(), [].as_slice());
        Self {
            program: program.into(),
            arguments,
            environment,
            hidden,
            folder: None,
            input: None,
            output: None,
            log: None,
            limit: None,
            held: None,
            shares_group: false,
        }
    }

    pub(crate) fn argument(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.arguments.push(argument.as_ref().to_owned());
        self
    }

    pub(crate) fn arguments<S: AsRef<OsStr>>(mut self, arguments: impl IntoIterator<Item = S>) -> Self {
        self.arguments.extend(arguments.into_iter().map(|argument| argument.as_ref().to_owned()));
        self
    }

    pub(crate) fn variable(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.environment.push((name.to_owned(), value.as_ref().to_owned()));
        self
    }

    pub(crate) fn without_variables(mut self, names: &'static [&'static str]) -> Self {
        self.hidden = names;
        self
    }

    pub(crate) fn folder(mut self, folder: &Path) -> Self {
        self.folder = Some(folder.to_owned());
        self
    }

    /// Reads from this file; from nothing without it.
    pub(crate) fn input(mut self, file: &Path) -> Self {
        self.input = Some(file.to_owned());
        self
    }

    /// Ends it with all that it has started once it has run for that long.
    pub(crate) const fn limit(mut self, limit: Duration) -> Self {
        self.limit = Some(limit);
        self
    }

    /// Keeps a file open while it runs, even where this program is killed meanwhile: a lock on the file is held that long.
    pub(crate) fn holding(mut self, file: &Arc<File>) -> Self {
        self.held = Some(Arc::clone(file));
        self
    }

    /// Leaves it in the process group of this program: whoever ends that one ends it as well.
    pub(crate) const fn in_this_group(mut self) -> Self {
        self.shares_group = true;
        self
    }

    /// Writes what goes to stdout into a new file.
    pub(crate) fn output(mut self, file: &Path) -> Self {
        self.output = Some(file.to_owned());
        self
    }

    /// Appends to a log all that has no other place.
    pub(crate) fn log(mut self, log: &Log<'a>) -> Self {
        self.log = Some(log.clone());
        self
    }

    /// What an error calls it, without options and addresses: passwords may stand in both.
    fn name(&self) -> String {
        let words = std::iter::once(&self.program).chain(&self.arguments).map(|word| word.to_string_lossy());
        let plain = words.filter(|word| {
            !word.starts_with('-') && !word.contains(['=', '{']) && !word.contains("://") && !word.contains("refs/")
        });
        plain.take(3).collect::<Vec<_>>().join(" ")
    }

    /// Runs it to its end, or until a signal comes.
    pub(crate) fn run(&self, interrupt: &Interrupt) -> Result<ExitStatus, Trouble> {
        interrupt.check()?;
        let log = self.log.as_ref().map(Log::open).transpose()?;
        let clone = |log: &File| log.try_clone().map_or_else(|_| Stdio::null(), Stdio::from);
        let output = match &self.output {
            Some(path) => File::create(path).map_err(|error| Trouble::of_file(path, &error))?.into(),
            None => log.as_ref().map_or_else(Stdio::null, clone),
        };
        let child = self.spawn(output, log.as_ref().map_or_else(Stdio::null, clone))?;
        self.wait(child, Some(interrupt))
    }

    /// Runs it whatever signals have come, to clean up; what it prints is of no interest.
    pub(crate) fn run_to_the_end(&self) -> Result<ExitStatus, Trouble> {
        let child = self.spawn(Stdio::null(), Stdio::null())?;
        self.wait(child, None)
    }

    /// Runs it and reads what it prints, which has to be little.
    pub(crate) fn ask(&self, interrupt: Option<&Interrupt>) -> Result<Answer, Trouble> {
        if let Some(interrupt) = interrupt {
            interrupt.check()?;
        }
        let file = || tempfile::tempfile().map_err(|error| Trouble::Error(format!("a temporary file: {error}")));
        let (output, errors) = (file()?, file()?);
        let clone = |file: &File| file.try_clone().map_or_else(|_| Stdio::null(), Stdio::from);
        let status = self.wait(self.spawn(clone(&output), clone(&errors))?, interrupt)?;
        Ok(Answer { status, text: read_again(output), errors: read_again(errors) })
    }

    /// As [`Self::ask`], where anything but success is an error in the program's own words.
    pub(crate) fn ask_for_success(&self, interrupt: &Interrupt) -> Result<String, Trouble> {
        let answer = self.ask(Some(interrupt))?;
        if answer.status.success() {
            return Ok(answer.text);
        }
        let words = answer.errors.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("it says nothing");
        Err(Trouble::Error(format!("{}: {words}", self.name())))
    }

    fn spawn(&self, output: Stdio, errors: Stdio) -> Result<Child, Trouble> {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).stdout(output).stderr(errors);
        if !self.shares_group {
            command.process_group(0);
        }
        for name in self.hidden {
            command.env_remove(name);
        }
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        if let Some(folder) = &self.folder {
            command.current_dir(folder);
        }
        command.stdin(match (&self.input, &self.held) {
            (Some(path), _) => File::open(path).map_err(|error| Trouble::of_file(path, &error))?.into(),
            (None, Some(held)) => held.try_clone().map_err(|error| Trouble::Error(error.to_string()))?.into(),
            (None, None) => Stdio::null(),
        });
        let name = self.program.to_string_lossy();
        command.spawn().map_err(|error| Trouble::Error(format!("{name} could not be started: {error}")))
    }

    fn wait(&self, mut child: Child, interrupt: Option<&Interrupt>) -> Result<ExitStatus, Trouble> {
        let broken = |error: io::Error| Trouble::Error(format!("{}: {error}", self.name()));
        let (begun, mut told, mut pause) = (Instant::now(), Instant::now(), Duration::from_millis(1));
        loop {
            if let Some(status) = child.try_wait().map_err(broken)? {
                // What it has left running would go on beside what comes next.
                if !self.shares_group {
                    send(&child, Signal::KILL);
                }
                return Ok(status);
            }
            if let Some(signal) = interrupt.and_then(Interrupt::signal) {
                self.end(&mut child);
                return Err(Trouble::Interrupted(signal));
            }
            if let Some(limit) = self.limit.filter(|limit| begun.elapsed() >= *limit) {
                self.end(&mut child);
                return Err(Trouble::Late(format!("{} took longer than {} s", self.name(), limit.as_secs_f32())));
            }
            if let Some(log) = self.log.as_ref().filter(|_| told.elapsed() >= BEAT) {
                log.beat();
                told = Instant::now();
            }
            thread::sleep(pause);
            pause = (pause * 2).min(PAUSE);
        }
    }

    fn end(&self, child: &mut Child) {
        if self.shares_group {
            // What it has started is ended with the group.
            let _ = child.kill();
            let _ = child.wait();
        } else {
            end(child);
        }
    }
}

/// Asks a program and all that it has started to end, and ends them where they do not.
fn end(child: &mut Child) {
    send(child, Signal::TERM);
    let asked = Instant::now();
    while asked.elapsed() < GRACE && matches!(child.try_wait(), Ok(None)) {
        thread::sleep(PAUSE);
    }
    send(child, Signal::KILL);
    let _ = child.wait();
}

/// Sends a signal to a program and to all that it has started; there may be nobody left to get it.
fn send(child: &Child, signal: Signal) {
    if let Some(group) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
        let _ = kill_process_group(group, signal);
    }
}

fn read_again(mut file: File) -> String {
    let mut bytes = Vec::new();
    let read = file.rewind().and_then(|()| file.read_to_end(&mut bytes));
    read.map_or_else(|_| String::new(), |_| String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File};
    use std::process::Stdio;
    use std::sync::Arc;
    use std::thread;
    use std::time::{Duration, Instant};

    use super::{Interrupt, Invocation, Log, Trouble};

    #[test]
    fn what_is_printed_goes_to_its_files() {
        let folder = tempfile::tempdir().unwrap();
        let log = Log::new(folder.path().join("log"));
        let input = folder.path().join("input");
        fs::write(&input, "given\n").unwrap();
        let shell = Invocation::new("sh").arguments(["-c", "cat; echo aside >&2; exit 3"]).input(&input);
        let status = shell.output(&folder.path().join("out")).log(&log).run(&Interrupt::default()).unwrap();
        assert_eq!(status.code(), Some(3));
        assert_eq!(fs::read_to_string(folder.path().join("out")).unwrap(), "given\n");
        assert_eq!(log.last_lines(5), ["aside"]);
    }

    #[test]
    fn what_takes_too_long_is_ended_with_all_that_it_has_started() {
        let folder = tempfile::tempdir().unwrap();
        let mark = folder.path().join("mark");
        let script = format!("(sleep 2; touch '{}') & wait", mark.display());
        let begun = Instant::now();
        let call = Invocation::new("sh").arguments(["-c", &script]).limit(Duration::from_millis(100));
        let trouble = call.ask(None).unwrap_err();
        assert!(matches!(&trouble, Trouble::Late(what) if what.ends_with(" took longer than 0.1 s")), "{trouble}");
        assert!(begun.elapsed() < Duration::from_secs(2));
        thread::sleep(Duration::from_secs(2));
        assert!(!mark.exists());
    }

    #[test]
    fn a_file_is_held_as_long_as_the_program_runs() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let lock = Arc::new(File::create_new(&path).unwrap());
        lock.lock().unwrap();
        let call = Invocation::new("sleep").argument("1").holding(&lock);
        let mut child = call.spawn(Stdio::null(), Stdio::null()).unwrap();
        drop((call, lock));
        let other = File::open(&path).unwrap();
        assert!(other.try_lock().is_err(), "the program still runs");
        child.wait().unwrap();
        assert!(other.try_lock().is_ok());
    }

    #[test]
    fn the_last_line_is_told_without_what_a_terminal_obeys() {
        let folder = tempfile::tempdir().unwrap();
        let told = std::cell::RefCell::new(Vec::new());
        let listener = |line: &str| told.borrow_mut().push(line.to_owned());
        let log = Log::new(folder.path().join("log")).told_to("job 'build'", &listener);
        fs::write(log.path(), "one\n\x1b[31mtwo\x07\n").unwrap();
        log.beat();
        assert_eq!(*told.borrow(), ["job 'build': [31mtwo"]);
    }

    #[test]
    fn a_program_that_is_not_there_is_named() {
        let trouble = Invocation::new("no-such-program").ask(None).unwrap_err();
        assert!(trouble.to_string().starts_with("no-such-program could not be started"), "{trouble}");
    }

    #[test]
    fn the_last_lines_of_a_log_leave_out_empty_ones() {
        let folder = tempfile::tempdir().unwrap();
        let log = Log::new(folder.path().join("log"));
        assert_eq!(log.last_lines(3), Vec::<String>::new());
        fs::write(log.path(), "a\n\nb\nc\n  \n").unwrap();
        assert_eq!(log.last_lines(2), ["b", "c"]);
    }
}
