//! An engine without an engine: containers are lists of files, and what jobs and builds make is told beforehand.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tar::{Archive, Builder, EntryType, Header};

use crate::process::{Log, Trouble};
use crate::prove::engine::{Build, Container, ContainerSpec, Engine};

/// A file of a container: its mode, and its bytes; none for a folder.
pub(super) type Files = BTreeMap<PathBuf, (u32, Option<Vec<u8>>)>;

/// What happens in a container of an image.
#[derive(Clone, Debug, Default)]
pub(super) struct Script {
    /// Files that it makes, by their absolute paths without the first slash.
    pub(super) makes: Vec<(&'static str, &'static str)>,
    /// The words of the calls of stand-ins, in their order.
    pub(super) calls: Vec<Vec<&'static str>>,
    pub(super) status: i32,
}

/// A build that was asked for.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) build: Build,
    pub(super) dockerfile: String,
    /// The names of the files of the context.
    pub(super) context: Vec<String>,
}

/// The engine.
#[derive(Default)]
pub(super) struct Recorded {
    /// By the name of the image.
    pub(super) scripts: BTreeMap<&'static str, Script>,
    /// What stands in Dockerfiles that do not build.
    pub(super) breaking: Vec<&'static str>,
    /// The one file of the image of each build, in their order; the last one for all that follow.
    pub(super) images: Vec<&'static str>,
    pub(super) asked: RefCell<Vec<Asked>>,
    pub(super) containers: RefCell<BTreeMap<String, Files>>,
    pub(super) specs: RefCell<Vec<ContainerSpec>>,
    pub(super) count: Cell<usize>,
}

impl Engine for Recorded {
    fn describe(&self) -> String {
        "recorded 1".to_owned()
    }

    fn fetch(&self, _image: &str, _log: &Log) -> Result<Value, Trouble> {
        Ok(json!({"Env": ["PATH=/bin", "OF_IMAGE=1"]}))
    }

    fn create(&self, spec: ContainerSpec) -> Result<Container, Trouble> {
        let name = format!("container-{}", self.count.get());
        self.count.set(self.count.get() + 1);
        self.specs.borrow_mut().push(spec.clone());
        // The files of an image that was built are there before anything runs.
        let of_image =
            if spec.image.starts_with("stagefold-prove/") { made_of(&self.images_file()) } else { Files::new() };
        self.containers.borrow_mut().insert(name.clone(), of_image);
        Ok(Container { name, spec })
    }

    fn copy_in(&self, container: &Container, archive: &Path) -> Result<(), Trouble> {
        let mut containers = self.containers.borrow_mut();
        let files = containers.get_mut(&container.name).unwrap();
        for entry in Archive::new(File::open(archive).unwrap()).entries().unwrap() {
            let mut entry = entry.unwrap();
            let path = entry.path().unwrap().into_owned();
            let mode = entry.header().mode().unwrap();
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).unwrap();
            let is_folder = entry.header().entry_type() == EntryType::Directory;
            files.insert(path, (mode, (!is_folder).then_some(bytes)));
        }
        Ok(())
    }

    fn start(&self, container: &Container, _log: &Log, printed: Option<&Path>) -> Result<i32, Trouble> {
        if let Some(printed) = printed {
            fs::write(printed, "printed\n").unwrap();
        }
        let Some(script) = self.scripts.get(container.spec.image.as_str()) else { return Ok(0) };
        let mut containers = self.containers.borrow_mut();
        let files = containers.get_mut(&container.name).unwrap();
        for (path, text) in &script.makes {
            files.insert(path.into(), (0o644, Some(text.as_bytes().to_vec())));
        }
        let answered =
            (1..).take_while(|number| files.contains_key(Path::new(&format!("stagefold/answers/{number}")))).count();
        for number in 1..=answered {
            let laid = PathBuf::from(format!("stagefold/answers/{number}/files"));
            let copied: Vec<_> = files
                .iter()
                .filter_map(|(path, file)| Some((path.strip_prefix(&laid).ok()?.to_owned(), file.clone())))
                .collect();
            files.extend(copied);
        }
        let own = |text: &str| (0o644, Some(text.as_bytes().to_vec()));
        files.insert("stagefold".into(), (0o755, None));
        if let Some(call) = script.calls.get(answered) {
            let words: String = call.iter().map(|word| format!("{word}\0")).collect();
            files.insert("stagefold/stopped".into(), own(""));
            files.insert("stagefold/call/arguments".into(), own(&words));
            files.insert("stagefold/call/folder".into(), own("/builds/group/shop\n"));
            files.insert("stagefold/call/environment".into(), own("VERSION=7\0TOKEN=hush\0"));
        }
        Ok(script.status)
    }

    fn copy_out(&self, container: &Container, path: &str, archive: &Path) -> Result<bool, Trouble> {
        let containers = self.containers.borrow();
        let top = Path::new(path.trim_start_matches('/'));
        let name = top.file_name().unwrap();
        let mut builder = Builder::new(File::create(archive).unwrap());
        let mut count = 0;
        for (path, (mode, bytes)) in containers.get(&container.name).unwrap() {
            let Ok(below) = path.strip_prefix(top) else { continue };
            count += 1;
            let place = if below.as_os_str().is_empty() { PathBuf::from(name) } else { Path::new(name).join(below) };
            append(&mut builder, &place, *mode, bytes.as_deref());
        }
        builder.finish().unwrap();
        Ok(count > 0)
    }

    fn remove(&self, container: &Container) {
        self.containers.borrow_mut().remove(&container.name);
    }

    fn build(&self, build: &Build, _log: &Log) -> Result<(), Trouble> {
        let Ok(dockerfile) = fs::read_to_string(&build.dockerfile) else {
            return Err(Trouble::Failed("there is no Dockerfile".to_owned()));
        };
        let mut context: Vec<_> = fs::read_dir(&build.context)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        context.sort();
        let breaks = self.breaking.iter().any(|text| dockerfile.contains(text));
        self.asked.borrow_mut().push(Asked { build: build.clone(), dockerfile, context });
        if breaks { Err(Trouble::Failed("the image does not build".to_owned())) } else { Ok(()) }
    }

    fn export(&self, image: &str, archive: &Path) -> Result<Value, Trouble> {
        let asked = self.asked.borrow();
        let number = asked.iter().position(|asked| asked.build.image == image).unwrap();
        let text = self.images.get(number).or(self.images.last()).copied().unwrap_or_default();
        let mut builder = Builder::new(File::create(archive).unwrap());
        append(&mut builder, Path::new("app"), 0o644, Some(text.as_bytes()));
        builder.finish().unwrap();
        Ok(json!({"Cmd": ["run"]}))
    }

    fn keep(&self, _image: &str, _name: &str) -> Result<(), Trouble> {
        Ok(())
    }

    fn clean_up(&self) {
        self.containers.borrow_mut().clear();
    }
}

impl Recorded {
    fn images_file(&self) -> String {
        let built = self.asked.borrow().len().saturating_sub(1);
        self.images.get(built).or(self.images.last()).copied().unwrap_or_default().to_owned()
    }
}

/// The files of an image: one file in one folder.
fn made_of(text: &str) -> Files {
    Files::from([
        ("out".into(), (0o755, None)),
        ("out/dist".into(), (0o755, None)),
        ("out/dist/app.js".into(), (0o644, Some(text.as_bytes().to_vec()))),
    ])
}

fn append(builder: &mut Builder<File>, place: &Path, mode: u32, bytes: Option<&[u8]>) {
    let mut header = Header::new_gnu();
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_mode(mode);
    header.set_entry_type(if bytes.is_some() { EntryType::Regular } else { EntryType::Directory });
    header.set_size(bytes.map_or(0, |bytes| bytes.len() as u64));
    builder.append_data(&mut header, place, bytes.unwrap_or_default()).unwrap();
}
