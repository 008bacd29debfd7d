use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::error::CampaignError;
use super::step::Step;

/// The file of the journal, in the folder of its campaign.
const NAME: &str = "journal.jsonl";

/// How long a step that can be taken again may wait to be put on the disk.
const PATIENCE: Duration = Duration::from_millis(250);

/// How long a lock is waited for.
const MOMENT: Duration = Duration::from_secs(1);

/// The longest line that is read, in bytes: a look at a repository whose files are as large as any that is read.
const LONGEST_LINE: u64 = 1 << 30;

/// What every line begins with.
const BEGINNING: &[u8] = br#"{"step":"#;

/// Where a line of the journal stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LineAt {
    start: u64,
    length: usize,
}

/// The journal of a campaign: one line for each step, appended and never changed.
///
/// One process at a time has it open for writing. What a killed process has left of its last line is cut off.
#[derive(Debug)]
pub(super) struct Journal {
    path: PathBuf,
    writer: Mutex<Writer>,
}

#[derive(Debug)]
struct Writer {
    file: File,
    /// Whether it has to outlive the machine's next fall.
    lasts: bool,
    /// Whether it ends with half a line.
    is_broken: bool,
    synced: Instant,
    is_synced: bool,
}

impl Journal {
    /// Whether there is one in `folder`.
    pub(super) fn is_in(folder: &Path) -> bool {
        folder.join(NAME).exists()
    }

    /// Opens the one in `folder`, or begins it, and hands every step in it to `each`, from the first to the last.
    pub(super) fn open(folder: &Path, each: &mut dyn FnMut(LineAt, Step)) -> Result<Self, CampaignError> {
        let path = folder.join(NAME);
        let broken = |error| CampaignError::of_file(&path, &error);
        let mut file = options().open(&path).map_err(broken)?;
        lock(&file, folder, &path)?;
        let whole = read_steps(&path, &file, each)?;
        end_last_line(&path, &mut file, whole, each)?;
        let writer =
            Mutex::new(Writer { file, lasts: true, is_broken: false, synced: Instant::now(), is_synced: true });
        Ok(Self { path, writer })
    }

    /// Reads the one in `folder` without opening it for writing.
    pub(super) fn read(folder: &Path, each: &mut dyn FnMut(LineAt, Step)) -> Result<(), CampaignError> {
        let path = folder.join(NAME);
        let file = File::open(&path).map_err(|error| CampaignError::of_file(&path, &error))?;
        read_steps(&path, &file, each).map(drop)
    }

    /// The same for a campaign that nobody goes on with.
    pub(super) fn for_now(mut self) -> Self {
        self.writer.get_mut().unwrap_or_else(PoisonError::into_inner).lasts = false;
        self
    }

    /// Appends a step whose like can be taken again: it is on the disk soon.
    pub(super) fn note(&self, step: &Step) -> Result<LineAt, CampaignError> {
        self.append(step, |writer| writer.synced.elapsed() > PATIENCE)
    }

    /// Appends a step that others see: it is on the disk when this returns.
    pub(super) fn record(&self, step: &Step) -> Result<LineAt, CampaignError> {
        self.append(step, |_| true)
    }

    /// Opens the one in `folder` to read it alone, whoever is at work on it: what is appended to this one fails.
    pub(super) fn reading(folder: &Path, each: &mut dyn FnMut(LineAt, Step)) -> Result<Self, CampaignError> {
        let path = folder.join(NAME);
        let file = File::open(&path).map_err(|error| CampaignError::of_file(&path, &error))?;
        read_steps(&path, &file, each)?;
        let writer = Writer { file, lasts: false, is_broken: true, synced: Instant::now(), is_synced: true };
        Ok(Self { path, writer: Mutex::new(writer) })
    }

    /// Moves the file to another folder, once all of it is on the disk.
    pub(super) fn move_to(self, folder: &Path) -> Result<(), CampaignError> {
        self.settle()?;
        let place = folder.join(NAME);
        fs::rename(&self.path, &place).map_err(|error| CampaignError::of_file(&place, &error))
    }

    /// Puts on the disk what waits to be.
    pub(super) fn settle(&self) -> Result<(), CampaignError> {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        writer.sync().map_err(|error| CampaignError::of_file(&self.path, &error))
    }

    /// The same with a step that a worker has put into words, its line break included.
    pub(super) fn note_line(&self, line: &[u8]) -> Result<LineAt, CampaignError> {
        self.append_line(line, |writer| writer.synced.elapsed() > PATIENCE)
    }

    fn append(&self, step: &Step, is_due: impl Fn(&Writer) -> bool) -> Result<LineAt, CampaignError> {
        let line = serde_json::to_string(step).map_err(|error| CampaignError::of_file(&self.path, &error.into()))?;
        self.append_line(format!("{line}\n").as_bytes(), is_due)
    }

    fn append_line(&self, line: &[u8], is_due: impl Fn(&Writer) -> bool) -> Result<LineAt, CampaignError> {
        let broken = |error| CampaignError::of_file(&self.path, &error);
        let length = line.len().saturating_sub(1);
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let start = writer.file.seek(SeekFrom::End(0)).map_err(broken)?;
        if writer.is_broken {
            return Err(broken(io::Error::other("it cannot be written")));
        }
        if let Err(error) = writer.file.write_all(line) {
            // Half a line in the middle could never be read again.
            writer.is_broken = writer.file.set_len(start).is_err();
            return Err(broken(error));
        }
        writer.is_synced = false;
        if is_due(&writer) {
            writer.sync().map_err(broken)?;
        }
        Ok(LineAt { start, length })
    }
}

impl Writer {
    fn sync(&mut self) -> io::Result<()> {
        if !self.is_synced && self.lasts {
            self.file.sync_data()?;
        }
        (self.synced, self.is_synced) = (Instant::now(), true);
        Ok(())
    }
}

/// A journal from which single lines are read again.
#[derive(Debug)]
pub(super) struct Lines {
    path: PathBuf,
    file: File,
}

impl Lines {
    pub(super) fn of(folder: &Path) -> Result<Self, CampaignError> {
        let path = folder.join(NAME);
        let file = File::open(&path).map_err(|error| CampaignError::of_file(&path, &error))?;
        Ok(Self { path, file })
    }

    /// The step that stands at a place.
    pub(super) fn at(&mut self, place: LineAt) -> Result<Step, CampaignError> {
        let mut bytes = vec![0; place.length];
        let read = self.file.seek(SeekFrom::Start(place.start)).and_then(|_| self.file.read_exact(&mut bytes));
        let step = read.and_then(|()| serde_json::from_slice(&bytes).map_err(io::Error::from));
        step.map_err(|error| CampaignError::of_file(&self.path, &error))
    }
}

/// Takes the lock of a journal. One that is held for a moment alone, by a program that was just started from here and has not let go
/// of what it inherited, is waited for.
fn lock(file: &File, folder: &Path, path: &Path) -> Result<(), CampaignError> {
    let end = Instant::now() + MOMENT;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::WouldBlock) if Instant::now() < end => thread::sleep(MOMENT / 20),
            Err(TryLockError::WouldBlock) => return Err(CampaignError::Busy(folder.to_owned())),
            Err(TryLockError::Error(error)) => return Err(CampaignError::of_file(path, &error)),
        }
    }
}

/// How a journal is opened for writing. It holds whole pipelines, which are nobody else's business.
fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Gives the last line its end, or cuts off what a killed process has left of it, where its first `whole` bytes are whole lines.
fn end_last_line(
    path: &Path,
    file: &mut File,
    whole: u64,
    each: &mut dyn FnMut(LineAt, Step),
) -> Result<(), CampaignError> {
    let broken = |error| CampaignError::of_file(path, &error);
    let mut rest = Vec::new();
    file.seek(SeekFrom::Start(whole)).and_then(|_| file.read_to_end(&mut rest)).map_err(broken)?;
    if let Ok(step) = serde_json::from_slice(&rest) {
        each(LineAt { start: whole, length: rest.len() }, step);
        return file.write_all(b"\n").map_err(broken);
    }
    let beginning = rest.get(..rest.len().min(BEGINNING.len())).unwrap_or_default();
    if !BEGINNING.starts_with(beginning) {
        let why = "it is no line of a journal".to_owned();
        return Err(CampaignError::Damaged { path: path.to_owned(), line: 0, why });
    }
    file.set_len(whole).and_then(|()| file.seek(SeekFrom::End(0)).map(drop)).map_err(broken)
}

/// Hands every step of the journal to `each`, and says how many bytes its whole lines take.
fn read_steps(path: &Path, file: &File, each: &mut dyn FnMut(LineAt, Step)) -> Result<u64, CampaignError> {
    let broken = |error| CampaignError::of_file(path, &error);
    let mut reader = BufReader::new(file);
    let (mut start, mut line, mut number) = (0, Vec::new(), 0);
    loop {
        line.clear();
        let read = (&mut reader).take(LONGEST_LINE).read_until(b'\n', &mut line).map_err(broken)?;
        number += 1;
        // A last line without its end is what a killed process has left.
        let Some(text) = line.strip_suffix(b"\n") else {
            let is_last = (read as u64) < LONGEST_LINE;
            let why = "the line is longer than any that is written".to_owned();
            return if is_last {
                Ok(start)
            } else {
                Err(CampaignError::Damaged { path: path.to_owned(), line: number, why })
            };
        };
        let step = serde_json::from_slice(text).map_err(|error| CampaignError::Damaged {
            path: path.to_owned(),
            line: number,
            why: error.to_string(),
        })?;
        each(LineAt { start, length: text.len() }, step);
        start += read as u64;
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{CampaignError, Journal, LineAt, Lines, NAME, Step};

    fn applied(project: &str) -> Step {
        Step::Applied { project: project.to_owned() }
    }

    fn steps(folder: &std::path::Path) -> Vec<(LineAt, Step)> {
        let mut steps = Vec::new();
        Journal::read(folder, &mut |place, step| steps.push((place, step))).unwrap();
        steps
    }

    #[test]
    fn what_is_appended_is_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::open(folder.path(), &mut |_, _| panic!("it is empty")).unwrap();
        let first = journal.note(&applied("a\nb")).unwrap();
        let second = journal.record(&applied("é")).unwrap();
        let expected = [(first, applied("a\nb")), (second, applied("é"))];
        assert_eq!(steps(folder.path()), expected);
        let mut lines = Lines::of(folder.path()).unwrap();
        assert_eq!(lines.at(second).unwrap(), applied("é"));
        assert_eq!(lines.at(first).unwrap(), applied("a\nb"));
    }

    #[test]
    fn a_torn_last_line_is_cut_off_and_the_next_stands_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(NAME);
        drop(Journal::open(folder.path(), &mut |_, _| {}).unwrap().record(&applied("a")));
        let whole = fs::read(&path).unwrap();
        for cut in 1..whole.len() - 1 {
            fs::write(&path, [&whole[..], &whole[..cut]].concat()).unwrap();
            let mut seen = 0;
            let journal = Journal::open(folder.path(), &mut |_, _| seen += 1).unwrap();
            journal.record(&applied("b")).unwrap();
            assert_eq!((seen, steps(folder.path()).len()), (1, 2), "{cut}");
        }
    }

    #[test]
    fn a_last_line_that_only_lost_its_end_is_kept_and_what_is_no_line_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(NAME);
        fs::write(&path, serde_json::to_string(&applied("a")).unwrap()).unwrap();
        let mut seen = 0;
        drop(Journal::open(folder.path(), &mut |_, _| seen += 1).unwrap().record(&applied("b")));
        assert_eq!((seen, steps(folder.path()).len()), (1, 2));
        fs::write(&path, "my notes").unwrap();
        let error = Journal::open(folder.path(), &mut |_, _| {}).unwrap_err();
        assert!(matches!(error, CampaignError::Damaged { .. }), "{error}");
        assert_eq!(fs::read_to_string(&path).unwrap(), "my notes");
    }

    #[test]
    fn one_process_at_a_time_writes() {
        let folder = tempfile::tempdir().unwrap();
        let _first = Journal::open(folder.path(), &mut |_, _| {}).unwrap();
        let error = Journal::open(folder.path(), &mut |_, _| {}).unwrap_err();
        assert!(matches!(error, CampaignError::Busy(_)), "{error}");
    }

    #[test]
    fn a_damaged_line_is_named() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(NAME), "{\"step\":\"applied\",\"project\":\"a\"}\n{\"step\":\"flown\"}\n")
            .unwrap();
        let error = Journal::open(folder.path(), &mut |_, _| {}).unwrap_err();
        assert!(matches!(error, CampaignError::Damaged { line: 2, .. }), "{error}");
    }
}
