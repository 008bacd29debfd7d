//! The commands of a script that make a container of an image, copy out of it and remove it: those of docker, and those of
//! podman, which are the same (podman docs: podman-cp).

use super::container_options::option;
use super::container_run::Mounted;
use super::job_script::JobScript;
use crate::docker::{Step, StepWord, place_in_repository};
use crate::source::Repository;
use crate::syntax::shell::Nesting;
use crate::text::RepositoryPath;

/// Options that lay other files over those of the image.
pub(super) const MOUNTS: [&str; 5] = ["-v", "--mount", "--tmpfs", "--volume", "--volumes-from"];

/// A container that a script makes.
#[derive(Clone, Debug)]
pub struct Container {
    /// The index of the step that makes it.
    pub step: usize,
    /// How the script names it: by its name, by the variable that holds its number (`$id`), or by the command that makes it.
    pub name: String,
    /// The image, as it is written.
    pub image: String,
    /// Whether it is made by `docker run`, so that a command runs in it.
    pub runs: bool,
    /// The options, each with its value.
    pub options: Vec<(String, Option<String>)>,
    /// The words behind the image.
    pub arguments: Vec<StepWord>,
    /// What of the job's folder is mounted into it, where it works on the sources.
    pub mounted: Option<Mounted>,
}

impl Container {
    /// The container that the step of this index makes.
    pub(super) fn of(script: &JobScript, index: usize) -> Option<Self> {
        let step = script.walk.steps.get(index)?;
        let container = Self::of_step(step)?;
        let name = if container.name.is_empty() { named_by_shell(script, step) } else { Some(container.name) };
        Some(Self { step: index, name: name.unwrap_or_default(), ..container })
    }

    /// The container that a command makes, without a name where the command gives it none.
    #[must_use]
    pub fn of_step(step: &Step) -> Option<Self> {
        let created = container_words(step, "create").map(|words| (words, false));
        let (words, runs) = created.or_else(|| container_words(step, "run").map(|words| (words, true)))?;
        let mut options = Vec::new();
        let mut rest = words.iter();
        let image = loop {
            let word = rest.next()?;
            let raw = spelled(word);
            if !raw.starts_with('-') {
                break raw;
            }
            options.extend(option(&raw, &mut rest)?);
        };
        let given = options.iter().find(|(option, _)| option == "--name").and_then(|(_, value)| value.clone());
        let (name, arguments) = (given.unwrap_or_default(), rest.cloned().collect());
        Some(Self { step: 0, name, image, runs, options, arguments, mounted: None })
    }

    /// Whether it is made of an image with one of these tags.
    pub(super) fn is_of(&self, tags: &[String]) -> bool {
        tags.iter().any(|tag| is_same_image(tag, &self.image))
    }

    /// The option that lays other files over those of the image, where it has one.
    #[must_use]
    pub fn mount(&self) -> Option<&str> {
        self.options.iter().map(|(option, _)| option.as_str()).find(|option| MOUNTS.contains(option))
    }
}

/// What names a container whose number the shell gets: `id=$(docker create image)` makes it `$id`, and a command within
/// another word is its own name.
fn named_by_shell(script: &JobScript, step: &Step) -> Option<String> {
    if !step.place.nesting.contains(&Nesting::Substitution) {
        return None;
    }
    let text = script.items.get(step.item)?.text.as_deref()?;
    let command = text.get(step.span.start()..step.span.end())?;
    let before = text.get(..step.span.start())?;
    let assignment = before.trim_end_matches("$(").trim_end_matches('`').trim_end_matches('"').strip_suffix('=');
    let name = assignment.map(|before| before.rsplit(|letter: char| !is_of_name(letter)).next().unwrap_or_default());
    Some(name.filter(|name| !name.is_empty()).map_or_else(|| format!("$({command})"), |name| format!("${name}")))
}

pub(super) fn is_of_name(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || letter == '_'
}

/// A word as it is compared: its text, where that is known, else as it is written, without quotes and braces.
pub(super) fn spelled(word: &StepWord) -> String {
    word.text().map_or_else(|| bare(&word.raw), str::to_owned)
}

/// A word as it is written, without its quotes, and `$NAME` for `${NAME}`.
fn bare(raw: &str) -> String {
    let plain = raw.replace(['"', '\''], "");
    let (mut found, mut rest) = (String::new(), plain.as_str());
    while let Some((before, behind)) = rest.split_once("${") {
        let Some((name, after)) = behind.split_once('}').filter(|(name, _)| name.chars().all(is_of_name)) else {
            return plain;
        };
        found.push_str(before);
        found.push('$');
        found.push_str(name);
        rest = after;
    }
    found + rest
}

/// Whether two words name the same image, a tag of `latest` being none.
#[must_use]
pub fn is_same_image(one: &str, other: &str) -> bool {
    let (one, other) = (bare(one), bare(other));
    one.trim_end_matches(":latest") == other.trim_end_matches(":latest")
}

/// The words behind `docker SUBCOMMAND` or `docker container SUBCOMMAND`.
pub(super) fn container_words<'a>(step: &'a Step, subcommand: &str) -> Option<&'a [StepWord]> {
    engine_words(step, "container", subcommand)
}

/// The words behind `docker SUBCOMMAND` or `docker GROUP SUBCOMMAND`.
pub(super) fn engine_words<'a>(step: &'a Step, group: &str, subcommand: &str) -> Option<&'a [StepWord]> {
    let (program, rest) = step.words.split_first()?;
    if !matches!(program.text(), Some("docker" | "podman")) {
        return None;
    }
    let rest = match rest.split_first() {
        Some((word, rest)) if word.text() == Some(group) => rest,
        _ => rest,
    };
    rest.split_first().filter(|(word, _)| word.text() == Some(subcommand)).map(|(_, rest)| rest)
}

/// Whether it stops or removes containers of these names, and nothing else.
pub(super) fn removes_containers(step: &Step, names: &[&str]) -> bool {
    ["rm", "stop", "kill"].iter().any(|verb| {
        container_words(step, verb)
            .is_some_and(|words| operands_are(words, |word| names.contains(&spelled(word).as_str())))
    })
}

/// Whether it removes images of these tags, and nothing else.
pub(super) fn removes_images(step: &Step, tags: &[String]) -> bool {
    let is_image = |word: &StepWord| tags.iter().any(|tag| is_same_image(tag, &word.raw));
    let images = engine_words(step, "image", "rmi").or_else(|| match step.words.get(1).and_then(StepWord::text) {
        Some("image") => engine_words(step, "image", "rm"),
        _ => None,
    });
    images.is_some_and(|words| operands_are(words, is_image))
}

fn operands_are(words: &[StepWord], expected: impl Fn(&StepWord) -> bool) -> bool {
    let mut operands = words.iter().filter(|word| !word.raw.starts_with('-')).peekable();
    operands.peek().is_some() && operands.all(expected)
}

/// One `docker cp container:/path local`.
#[derive(Clone, Debug)]
pub struct CopyOut {
    /// The index of its step.
    pub step: usize,
    /// The path in the container, from its root on, without what tells of its contents.
    pub inside: String,
    /// Where it lands; `None` where that is not known, or outside the project.
    pub place: Option<RepositoryPath>,
    /// Why it is not known, or not followed.
    pub doubt: Option<String>,
    /// Its options, as they are written.
    pub options: Vec<String>,
    /// Whether it goes through a `tar` that is the next step.
    pub is_unpacked: bool,
}

/// What `docker cp` copies: the container, the path in it, and the word that says where to.
pub(super) struct CopyWords<'a> {
    pub(super) container: String,
    pub(super) inside: String,
    pub(super) target: &'a StepWord,
    pub(super) options: Vec<String>,
}

/// The words of a command that copies out of a container.
pub(super) fn copy_words(step: &Step) -> Option<CopyWords<'_>> {
    let words = container_words(step, "cp")?;
    // A single dash is the standard output.
    let is_option = |word: &&StepWord| word.raw.starts_with('-') && word.raw != "-";
    let options = words.iter().filter(is_option).map(|word| word.raw.clone()).collect();
    let operands: Vec<_> = words.iter().filter(|word| !is_option(word)).collect();
    let [from, target] = operands.as_slice() else {
        return None;
    };
    let from = spelled(from);
    // The command that makes the container may hold a colon itself, in the tag of its image.
    let substituted = match (from.strip_prefix("$("), from.strip_prefix('`')) {
        (Some(rest), _) => rest.rsplit_once("):"),
        (_, Some(rest)) => rest.rsplit_once("`:"),
        _ => None,
    };
    let (container, inside) = match substituted {
        Some((command, inside)) => (format!("$({command})"), inside.to_owned()),
        None => from.split_once(':').map(|(name, inside)| (name.to_owned(), inside.to_owned()))?,
    };
    Some(CopyWords { container, inside, target, options })
}

impl CopyOut {
    /// What the step of this index copies, with these `folders` made before it (Docker CLI reference: `docker cp`).
    ///
    /// A folder goes into one that is there already, and becomes one that is not; `/path/.` is what it holds.
    pub(super) fn new(
        repository: &dyn Repository,
        index: usize,
        step: &Step,
        words: CopyWords<'_>,
        folders: &[RepositoryPath],
    ) -> Self {
        let is_contents = words.inside == "." || words.inside.ends_with("/.");
        let is_known = !words.inside.contains(['$', '`', '*', '?']);
        let inside = RepositoryPath::new(words.inside.trim_start_matches('/')).filter(|_| is_known);
        let target = words.target.text().zip(step.folder.as_ref());
        let target_place = target.and_then(|(target, folder)| place_in_repository(target, folder));
        let mut found = Self {
            step: index,
            inside: inside.as_ref().map_or(words.inside, |inside| format!("/{}", inside.as_str())),
            place: None,
            doubt: None,
            options: words.options,
            is_unpacked: false,
        };
        let doubt = |what: &str| Some(what.to_owned());
        match (inside, target_place) {
            _ if words.target.raw == "-" => found.doubt = doubt("this hands the files on as an archive"),
            (None, _) => found.doubt = doubt("the path in the container is not known"),
            (Some(inside), _) if inside.is_root() => found.doubt = doubt("this copies the whole container"),
            (_, None) => found.doubt = doubt("it is not known where this lands"),
            (Some(inside), Some(target)) => {
                let holds = |folder: &RepositoryPath| repository.tracked_within(folder).any(|(path, _)| path != folder);
                let is_made = || folders.iter().any(|folder| folder.is_within(&target));
                let is_there = target.is_root() || holds(&target) || is_made();
                if is_contents && target.is_root() {
                    found.doubt = doubt("this lays what a folder holds over the whole project");
                } else if is_there && !is_contents {
                    found.place = target.join(inside.file_name());
                } else {
                    found.place = Some(target);
                }
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::{Container, CopyOut, copy_words, removes_containers, removes_images};
    use crate::gitlab::Pipeline;
    use crate::handoff::JobScript;
    use crate::source::MemoryRepository;
    use crate::text::RepositoryPath;

    fn script(lines: &[&str]) -> JobScript {
        let items: String = lines.iter().map(|line| format!("    - '{line}'\n")).collect();
        let text = format!("job:\n  script:\n{items}");
        let repository = MemoryRepository::new([(".gitlab-ci.yml", text.as_str())]);
        let path = RepositoryPath::new(".gitlab-ci.yml").unwrap();
        let pipeline = Pipeline::read(&repository, &path).map_err(|finding| finding.message).unwrap();
        JobScript::new(pipeline.job("job").unwrap())
    }

    /// The container of the line that makes one, as the script names it, and its image.
    fn container(line: &str) -> Option<(String, String)> {
        let script = script(&[line]);
        let mut found = (0..script.walk.steps.len()).filter_map(|index| Container::of(&script, index));
        found.next().map(|container| (container.name, container.image))
    }

    #[test]
    fn a_container_has_a_name_a_variable_or_its_own_command() {
        for (line, name, image) in [
            ("docker create --name e x:1 true", "e", "x:1"),
            ("docker container create --name=e x", "e", "x"),
            ("podman create -ti --name e x", "e", "x"),
            ("id=$(docker create x)", "$id", "x"),
            ("export id=\"$(docker create -v /a:/b x)\"", "$id", "x"),
            ("docker cp $(docker create --rm x):/p .", "$(docker create --rm x)", "x"),
            ("docker run --name e -e A=1 -w /src x make all", "e", "x"),
            ("docker create --name \"e-${CI_JOB_ID}\" \"$IMAGE:build\"", "e-$CI_JOB_ID", "$IMAGE:build"),
        ] {
            assert_eq!(container(line), Some((name.to_owned(), image.to_owned())), "{line}");
        }
        assert_eq!(container("docker create --surprise x"), None);
    }

    fn copied(line: &str, made: &[&str]) -> (String, String, Option<String>) {
        let script = script(&[line]);
        let repository = MemoryRepository::new([("docs/a.md", "a")]);
        let step = script.walk.steps.first().unwrap();
        let words = copy_words(step).unwrap();
        let container = words.container.clone();
        let folders: Vec<_> = made.iter().filter_map(|folder| RepositoryPath::new(folder)).collect();
        let copy = CopyOut::new(&repository, 0, step, words, &folders);
        (container, copy.inside, copy.place.map(|place| place.to_string()))
    }

    #[test]
    fn files_land_where_docker_cp_lays_them() {
        let known = |place: &str| Some(place.to_owned());
        for (line, made, container, inside, place) in [
            ("docker cp e:/src/dist ./dist", &[][..], "e", "/src/dist", known("dist")),
            ("docker cp e:/src/dist .", &[], "e", "/src/dist", known("dist")),
            ("docker cp e:src/dist/. dist", &[], "e", "/src/dist", known("dist")),
            ("docker cp e:/src/dist out", &["out"], "e", "/src/dist", known("out/dist")),
            ("docker cp e:/src/dist/. out", &["out"], "e", "/src/dist", known("out")),
            ("docker cp e:/src/dist docs", &[], "e", "/src/dist", known("docs/dist")),
            ("docker cp -aL ${id}:/p $CI_PROJECT_DIR", &[], "$id", "/p", known("p")),
            ("docker cp \"$id\":/p .", &[], "$id", "/p", known("p")),
            ("docker cp `docker create x`:/p .", &[], "$(docker create x)", "/p", known("p")),
            ("docker cp $(docker create --rm x:1):/p .", &[], "$(docker create --rm x:1)", "/p", known("p")),
            ("docker cp e:/p -", &[], "e", "/p", None),
            ("docker cp e:/p /tmp", &[], "e", "/p", None),
            ("docker cp e:/. out", &[], "e", "/", None),
            ("docker cp e:/$X out", &[], "e", "/$X", None),
            ("docker cp e:/p/. .", &[], "e", "/p", None),
        ] {
            assert_eq!(copied(line, made), (container.to_owned(), inside.to_owned(), place), "{line}");
        }
    }

    #[test]
    fn what_removes_the_container_or_the_image_and_nothing_else_is_known() {
        let does = |line: &str| {
            let script = script(&[line]);
            let step = script.walk.steps.first().unwrap();
            removes_containers(step, &["e", "$id"]) || removes_images(step, &["x:1".to_owned()])
        };
        for line in ["docker rm -f e", "docker rm -v $id e", "docker rmi x:1", "docker image rm x:1", "docker stop $id"]
        {
            assert!(does(line), "{line}");
        }
        for line in ["docker rm", "docker rm e other", "docker rmi x:2", "docker system prune -f"] {
            assert!(!does(line), "{line}");
        }
    }
}
