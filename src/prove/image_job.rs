//! The image job: its own lines run in a container of its image, and what they ask of an engine is done outside of it.
//!
//! Stand-ins take the place of the programs that build, and of those that log in, push or deploy. The first call that a
//! stand-in has no answer for ends the lines; the call is done by the engine, and the lines run again from their beginning,
//! now with an answer. So an image job of one build runs once, and one that copies files out of a first image a few times.

mod answers;
mod builds;
mod lines;
mod programs;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::archive::{Packer, for_each_below, unpack, whole};
use super::call::{Call, Request};
use super::engine::{Container, ContainerSpec};
use super::environment::JobEnvironment;
use super::job_shell::{OWN_FOLDER, command_of_image_job, script};
use super::session::Session;
use crate::docker::BuildCommand;
use crate::gitlab::Job;
use crate::handoff::is_same_image;
use crate::process::{Log, Trouble};
use crate::repo::DiskRepository;
use crate::source::{MemoryRepository, Repository};
use crate::text::RepositoryPath;

use answers::{Answer, Made};
use builds::Place;
use lines::Lines;
use programs::{BUILDERS, INSTALLING, LEAVING, PASSING, PROGRAM_FOLDERS};

/// The stand-in, which has one name for each program that it stands in for.
const STAND_IN: &[u8] = include_bytes!("stand_in.sh");

/// How many calls of one job are answered; a loop that asks without an end stops there.
const MOST_CALLS: usize = 200;

/// An image job, and what it finds in its folder.
pub(super) struct ImageJob<'a> {
    pub(super) session: &'a Session<'a>,
    pub(super) job: &'a Job,
    pub(super) environment: JobEnvironment,
    /// The archives that make its folder: the clone, and what other jobs hand on, the last one on top.
    pub(super) inputs: Vec<PathBuf>,
    /// The path of the pipeline, by which the folder is known as a repository.
    pub(super) pipeline: &'a RepositoryPath,
    /// Whether layers of earlier builds may be taken.
    pub(super) is_cached: bool,
    /// Which way it is, for the names of images and logs.
    pub(super) label: &'a str,
}

/// An image that the job has built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct BuiltImage {
    /// The engine's name for it.
    pub(super) image: String,
    pub(super) dockerfile: RepositoryPath,
    /// The tags that the build gives it.
    pub(super) tags: Vec<String>,
    /// Further names that it gets by `docker tag`.
    pub(super) names: Vec<String>,
    /// Whether the job itself takes something of it, by a container or by a later build.
    pub(super) is_used: bool,
}

impl BuiltImage {
    /// Whether it has this name.
    fn is_called(&self, name: &str) -> bool {
        self.image == name || self.tags.iter().chain(&self.names).any(|own| is_same_image(own, name))
    }
}

/// What the job has come to so far.
#[derive(Default)]
struct Progress {
    answers: Vec<Answer>,
    images: Vec<BuiltImage>,
    /// Containers that the job made, by the names that it has for them.
    containers: BTreeMap<String, Container>,
}

impl ImageJob<'_> {
    /// Runs its lines up to its last build; the images in the order of their builds.
    pub(super) fn run(&self, repository: &dyn Repository, log: &Log) -> Result<Vec<BuiltImage>, Trouble> {
        if self.job.get("parallel").is_some() {
            let what = format!("job '{}' runs several times (parallel), and prove runs it once", self.job.name);
            return Err(Trouble::Error(what));
        }
        let lines = Lines::of(repository, self.job);
        let mut progress = Progress::default();
        let ended = self.run_lines(&lines, &mut progress, log);
        progress.containers.values().for_each(|container| self.session.engine.remove(container));
        ended.map(|()| progress.images)
    }

    fn run_lines(&self, lines: &Lines, progress: &mut Progress, log: &Log) -> Result<(), Trouble> {
        let mut builds = 0;
        while progress.answers.len() < MOST_CALLS {
            let container = self.session.engine.create(self.container()?)?;
            let ended = self.up_to_next_call(&container, lines, progress, log);
            let answered = match ended {
                Ok(Some(call)) => self.answer(&call, &container, progress, log).map(Some),
                Ok(None) => Ok(None),
                Err(trouble) => Err(trouble),
            };
            self.session.engine.remove(&container);
            let Some(made) = answered? else { return Ok(()) };
            builds += usize::from(made == Made::Images && lines.knows(&progress.images));
            if lines.builds == Some(builds) {
                return Ok(());
            }
        }
        Err(Trouble::Failed(format!("job '{}' calls an engine more than {MOST_CALLS} times", self.job.name)))
    }

    fn container(&self) -> Result<ContainerSpec, Trouble> {
        let mut spec = self.session.container_of(self.job, &self.environment)?;
        spec.command = command_of_image_job();
        spec.has_network = self.session.has_network;
        Ok(spec)
    }

    /// Runs the lines in a fresh container; the call that ended them, or none where they came to their end.
    fn up_to_next_call(
        &self,
        container: &Container,
        lines: &Lines,
        progress: &Progress,
        log: &Log,
    ) -> Result<Option<Call>, Trouble> {
        let engine = self.session.engine;
        let own = self.own_files(lines, &progress.answers)?;
        let files = progress.answers.iter().filter_map(|answer| answer.files.as_ref());
        self.inputs.iter().chain([&own]).chain(files).try_for_each(|archive| engine.copy_in(container, archive))?;
        self.session.scratch.discard(&own);
        let status = engine.start(container, log, None)?;
        let told = self.session.scratch.path("calls.tar");
        if !engine.copy_out(container, OWN_FOLDER, &told)? {
            return Err(Trouble::Error(format!("what job '{}' has asked for cannot be read", self.job.name)));
        }
        let files = small_files(&told)?;
        self.session.scratch.discard(&told);
        if !files.contains_key(Path::new("stopped")) {
            let network =
                if self.session.has_network { "" } else { "; its lines have no network without --with-network" };
            let what =
                format!("job '{}' ended with exit status {status} in front of its build{network}", self.job.name);
            return if status == 0 { Ok(None) } else { Err(Trouble::Failed(what)) };
        }
        let file = |name: &str| files.get(&Path::new("call").join(name)).map(Vec::as_slice).unwrap_or_default();
        Ok(Some(Call::read(file("arguments"), file("environment"), &String::from_utf8_lossy(file("folder")))))
    }

    /// The archive with the script, the stand-ins and the answers.
    fn own_files(&self, lines: &Lines, answers: &[Answer]) -> Result<PathBuf, Trouble> {
        let path = self.session.scratch.path("own.tar");
        let own = OWN_FOLDER.trim_start_matches('/');
        let before = format!("PATH={OWN_FOLDER}/bin:$PATH\n");
        let texts: Vec<_> = lines.texts.iter().map(String::as_str).collect();
        let script = script(&self.environment, &self.session.facts.folder(), &before, &texts);
        let mut packer = Packer::create(&path)?;
        packer.text(&format!("{own}/script"), 0o644, script.as_bytes())?;
        let installing = INSTALLING.iter().filter(|_| !self.session.has_network);
        for program in BUILDERS.iter().chain(&LEAVING).chain(&PASSING).chain(installing) {
            packer.text(&format!("{own}/bin/{program}"), 0o755, STAND_IN)?;
        }
        // A script that sets its own PATH finds stand-ins where the programs themselves would be.
        let real = BUILDERS
            .iter()
            .chain(&LEAVING)
            .flat_map(|program| PROGRAM_FOLDERS.iter().map(move |folder| format!("{folder}/{program}")));
        for place in real.chain(lines.programs.iter().map(|place| place.trim_start_matches('/').to_owned())) {
            packer.text_in_its_folder(&place, 0o755, STAND_IN)?;
        }
        for (index, answer) in answers.iter().enumerate() {
            let folder = format!("{own}/answers/{}", index + 1);
            packer.text(&format!("{folder}/status"), 0o644, format!("{}\n", answer.status).as_bytes())?;
            packer.text(&format!("{folder}/output"), 0o644, &answer.output)?;
        }
        self.session.variable_files(&mut packer)?;
        packer.finish()?;
        Ok(path)
    }

    /// Does what a call asks for.
    fn answer(&self, call: &Call, container: &Container, progress: &mut Progress, log: &Log) -> Result<Made, Trouble> {
        if call.may_build() {
            let work = Workspace::of(self, container)?;
            let repository = DiskRepository::new(work.project(self), self.pipeline.clone());
            let request = call.request(&self.session.facts.folder(), &repository);
            let done = self.answer_request(request, call, &work, container, progress, log);
            self.session.scratch.discard(&work.folder);
            return done;
        }
        let request = call.request(&self.session.facts.folder(), &MemoryRepository::default());
        self.answer_request(request, call, &Workspace::default(), container, progress, log)
    }

    fn answer_request(
        &self,
        request: Request,
        call: &Call,
        work: &Workspace,
        container: &Container,
        progress: &mut Progress,
        log: &Log,
    ) -> Result<Made, Trouble> {
        match request {
            Request::Builds { commands, prints } => {
                let output = self.build_all(&commands, call, work, container, progress, log)?;
                progress.answers.push(Answer::of_output(if prints { output } else { String::new() }));
                Ok(Made::Images)
            }
            Request::Container(asked) => self.make_container(&asked, call, container, progress, log),
            Request::CopyOut { container: from, path, to, follows } => {
                let to = if to == "-" { to } else { call.place(&to) };
                self.copy_out((&from, &path, follows), &to, container, progress)
            }
            Request::Name { image, name } => {
                if let Some(built) = progress.images.iter_mut().rev().find(|built| built.is_called(&image)) {
                    built.names.push(name);
                }
                progress.answers.push(Answer::default());
                Ok(Made::Nothing)
            }
            Request::Nothing(status) => {
                progress.answers.push(Answer { status, ..Answer::default() });
                Ok(Made::Nothing)
            }
            Request::Impossible(what) => {
                Err(Trouble::Error(format!("job '{}' {what}, which stagefold cannot do in its place", self.job.name)))
            }
        }
    }

    /// The images of one call, and their names a line each.
    fn build_all(
        &self,
        commands: &[BuildCommand],
        call: &Call,
        work: &Workspace,
        container: &Container,
        progress: &mut Progress,
        log: &Log,
    ) -> Result<String, Trouble> {
        let mut names = String::new();
        for command in commands {
            let number = progress.images.len() + 1;
            let image = format!("{}:{}-{number}", self.session.image_name(), self.label);
            let named = self.names_of_earlier(command, call, work, &mut progress.images);
            let place = Place { call, work, container };
            let built = self.build(image, command, &place, named, log)?;
            names.push_str(&format!("{}\n", built.image));
            progress.images.push(built);
        }
        Ok(names)
    }
}

/// The job's folder as it was when a call ended its lines, on this machine; nowhere for a call that does not build.
#[derive(Default)]
struct Workspace {
    /// Holds the project under its own name.
    folder: PathBuf,
}

impl Workspace {
    fn of(job: &ImageJob<'_>, container: &Container) -> Result<Self, Trouble> {
        let session = job.session;
        let archive = session.scratch.path("workspace.tar");
        let folder = session.scratch.folder("workspace")?;
        if !session.engine.copy_out(container, &session.facts.folder(), &archive)? {
            return Err(Trouble::Error(format!("the folder of job '{}' cannot be read", job.job.name)));
        }
        unpack(&archive, &folder)?;
        session.scratch.discard(&archive);
        Ok(Self { folder })
    }

    fn project(&self, job: &ImageJob<'_>) -> PathBuf {
        self.folder.join(&job.session.facts.name)
    }
}

/// The small files below the one folder of an archive.
fn small_files(archive: &Path) -> Result<BTreeMap<PathBuf, Vec<u8>>, Trouble> {
    let mut files = BTreeMap::new();
    for_each_below(archive, &mut |entry, below| {
        if below == Path::new("stopped") || below.starts_with("call") {
            files.insert(below.to_owned(), whole(entry, archive)?);
        }
        Ok(())
    })?;
    Ok(files)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;
    use std::os::unix::process::CommandExt;
    use std::path::PathBuf;
    use std::process::{Command, Output, Stdio};

    use tempfile::TempDir;

    use super::{BUILDERS, LEAVING, PASSING, STAND_IN};
    use crate::prove::job_shell::{OWN_FOLDER, command_of_image_job};

    /// A folder that is for a container of an image job what its own folder is.
    struct Machine(TempDir);

    impl Machine {
        fn new() -> Self {
            let machine = Self(TempDir::new().unwrap());
            fs::create_dir_all(machine.path("bin")).unwrap();
            let text = machine.here(&String::from_utf8_lossy(STAND_IN));
            for program in BUILDERS.iter().chain(&LEAVING).chain(&PASSING) {
                let place = machine.path("bin").join(program);
                fs::write(&place, &text).unwrap();
                fs::set_permissions(&place, fs::Permissions::from_mode(0o755)).unwrap();
            }
            machine
        }

        fn path(&self, name: &str) -> PathBuf {
            self.0.path().join(name)
        }

        fn here(&self, text: &str) -> String {
            text.replace(OWN_FOLDER, &self.0.path().to_string_lossy())
        }

        /// Runs a script as a container of the image job does.
        fn run(&self, script: &str) -> Output {
            for name in ["sh", "process", "stopped", "count"] {
                let _ = fs::remove_file(self.path(name));
            }
            let _ = fs::remove_dir_all(self.path("call"));
            fs::write(self.path("script"), self.here(&format!("set -e\nPATH={OWN_FOLDER}/bin:$PATH\n{script}")))
                .unwrap();
            let command: Vec<_> = command_of_image_job().iter().map(|word| self.here(word)).collect();
            let file = |name: &str| fs::File::create(self.path(name)).unwrap();
            let mut started = Command::new("timeout");
            started.arg("20").args(command).stdout(file("out")).stderr(file("err")).process_group(0);
            let mut child = started.spawn().unwrap();
            let group = format!("-{}", child.id());
            let status = child.wait().unwrap();
            // What a container would take down with itself.
            let _ = Command::new("kill").args(["-9", "--", &group]).stderr(Stdio::null()).status();
            let read = |name: &str| fs::read(self.path(name)).unwrap();
            Output { status, stdout: read("out"), stderr: read("err") }
        }

        fn read(&self, name: &str) -> String {
            String::from_utf8_lossy(&fs::read(self.path(name)).unwrap_or_default()).into_owned()
        }
    }

    #[test]
    fn a_build_ends_the_lines_and_is_written_down() {
        let machine = Machine::new();
        let output = machine
            .run("cd /\nexport A=1\n(docker build -t 'a b' . && touch /stagefold/after)\ntouch /stagefold/after\n");
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
        assert!(machine.path("stopped").exists() && !machine.path("after").exists());
        assert_eq!(machine.read("call/arguments"), "docker\0build\0-t\0a b\0.\0");
        assert_eq!(machine.read("call/folder"), "/\n");
        assert!(machine.read("call/environment").split('\0').any(|pair| pair == "A=1"));
    }

    #[test]
    fn an_answer_lets_the_lines_go_on() {
        let machine = Machine::new();
        let laid = machine.path("laid");
        let files = machine.path("answers/1/files").join(laid.strip_prefix("/").unwrap());
        fs::create_dir_all(&files).unwrap();
        fs::write(files.join("dist"), "made").unwrap();
        fs::write(machine.path("answers/1/status"), "0\n").unwrap();
        fs::write(machine.path("answers/1/output"), "name\n").unwrap();
        let output =
            machine.run("id=$(docker create x)\n[ \"$id\" = name ]\ncat /stagefold/laid/dist\ndocker build .\n");
        assert_eq!(String::from_utf8_lossy(&output.stdout), "made");
        assert_eq!(machine.read("call/arguments"), "docker\0build\0.\0");
    }

    #[test]
    fn what_leaves_the_machine_is_left_out_and_the_rest_is_passed_on() {
        let machine = Machine::new();
        let script = "echo secret | docker login -u x --password-stdin host\nkubectl apply -f x\ngit --git-dir / push origin\n\
            curl -sSfXPOST https://example.invalid\nnpm publish\ngit --version\ngit -c a.b=push config --get a.b\nexit 7\n";
        let output = machine.run(script);
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert_eq!(output.status.code(), Some(7), "{err}");
        assert_eq!(err.matches("stagefold: left out: ").count(), 5, "{err}");
        assert!(out.starts_with("git version") && out.ends_with("push\n"), "{out}");
        assert!(!err.contains("secret") && !machine.path("stopped").exists());
    }
}
