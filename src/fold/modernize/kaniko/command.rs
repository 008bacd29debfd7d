//! A command of kaniko in the words of `buildctl` (BuildKit: `cmd/buildctl/build.go`; kaniko: `cmd/executor/cmd/root.go`).

use crate::docker::{BuildCommand, Step, StepWord};
use crate::text::RepositoryPath;

/// Options that say how kaniko works and nothing of the image; BuildKit does without.
const OF_KANIKO: [&str; 15] = [
    "-v",
    "--cleanup",
    "--compressed-caching",
    "--force",
    "--image-download-retry",
    "--image-fs-extract-retry",
    "--log-format",
    "--log-timestamp",
    "--push-retry",
    "--skip-unused-stages",
    "--snapshot-mode",
    "--snapshotMode",
    "--use-new-run",
    "--verbosity",
    "--cache-copy-layers",
];

/// Options whose value may be a word of its own that begins with a variable.
const WITH_VALUE: [&str; 10] = [
    "-c",
    "-d",
    "-f",
    "--build-arg",
    "--cache-repo",
    "--context",
    "--destination",
    "--dockerfile",
    "--label",
    "--target",
];

/// Variables that GitLab sets in every job (GitLab docs: ci/variables/predefined_variables), so that passing their value is
/// passing them.
const ALWAYS_SET: [&str; 14] = [
    "CI_COMMIT_REF_NAME",
    "CI_COMMIT_REF_SLUG",
    "CI_COMMIT_SHA",
    "CI_COMMIT_SHORT_SHA",
    "CI_COMMIT_TIMESTAMP",
    "CI_DEFAULT_BRANCH",
    "CI_PIPELINE_ID",
    "CI_PIPELINE_IID",
    "CI_PROJECT_ID",
    "CI_PROJECT_NAME",
    "CI_PROJECT_NAMESPACE",
    "CI_PROJECT_PATH",
    "CI_PROJECT_URL",
    "CI_SERVER_URL",
];

/// The command that takes the place of this one, which stands in `text`.
///
/// # Errors
/// What has no counterpart, as the end of a sentence.
pub(super) fn written(
    text: &str,
    step: &Step,
    command: &BuildCommand,
    dockerfile: &RepositoryPath,
) -> Result<String, String> {
    has_words_of_its_own(step)?;
    let mut options = vec!["--frontend dockerfile.v0".to_owned()];
    options.extend(places(command, dockerfile)?);
    let (mut destinations, mut cache, mut is_pushed) = (Vec::new(), Cache::default(), true);
    for (name, value) in &command.options {
        let written = value.as_deref().unwrap_or_default();
        match name.as_str() {
            "-c" | "--context" | "-f" | "--dockerfile" => {}
            "-d" | "--destination" => destinations.push(bare(written)?),
            "--build-arg" => options.push(format!("--opt {}", quoted(&argument(&bare(written)?)?))),
            "--label" => options.push(format!("--opt {}", quoted(&format!("label:{}", bare(written)?)))),
            "--target" => options.push(format!("--opt {}", quoted(&format!("target={}", bare(written)?)))),
            "--cache" => cache.is_on = is_on(value.as_deref())?,
            "--cache-repo" => cache.repository = Some(bare(written)?),
            "--no-push" => is_pushed = !is_on(value.as_deref())?,
            known if OF_KANIKO.contains(&known) => {}
            other => return Err(format!("its option {other} has no counterpart")),
        }
    }
    if is_pushed {
        options.extend(cache.options(destinations.first())?);
        options.push(output(&destinations)?);
    } else if cache.is_on {
        return Err("it caches layers of an image that it does not push".to_owned());
    }
    let gap = gap(text, step);
    Ok(["buildctl-daemonless.sh build".to_owned()].into_iter().chain(options).collect::<Vec<_>>().join(gap))
}

/// Whether every word is written in the command itself: what a variable holds, others may set.
fn has_words_of_its_own(step: &Step) -> Result<(), String> {
    let words = step.words.get(1..).unwrap_or_default();
    let mut before: Option<&StepWord> = None;
    for word in words {
        let is_value = before.and_then(StepWord::text).is_some_and(|option| WITH_VALUE.contains(&option));
        let is_several = word.fields.as_ref().is_some_and(|fields| fields.len() != 1);
        if word.raw.starts_with(['$', '"', '\'']) && (!is_value || is_several) {
            return Err(format!("it takes options from {}", word.raw));
        }
        before = Some(word);
    }
    Ok(())
}

/// What stands between two words: a blank, or the end of a line as it is written.
fn gap<'a>(text: &'a str, step: &Step) -> &'a str {
    let between = step.words.iter().zip(step.words.iter().skip(1));
    let mut gaps = between.filter_map(|(one, other)| text.get(one.span.end()..other.span.start()));
    gaps.find(|gap| gap.contains('\n')).unwrap_or(" ")
}

/// The context, and the folder and the name of the Dockerfile.
fn places(command: &BuildCommand, dockerfile: &RepositoryPath) -> Result<Vec<String>, String> {
    let is_context = |(name, _): &&(String, Option<String>)| name == "-c" || name == "--context";
    let context = command.options.iter().rev().find(is_context).and_then(|(_, value)| value.as_deref());
    let context = bare(context.ok_or("it names no context")?)?;
    let context = context.strip_prefix("dir://").unwrap_or(&context);
    if command.has_option("--context-sub-path") {
        return Err("its option --context-sub-path has no counterpart".to_owned());
    }
    let folder = dockerfile.parent();
    let within = if folder == *command.context.folder() {
        context.to_owned()
    } else {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-/".contains(&byte);
        if !folder.as_str().bytes().all(is_plain) {
            return Err("the folder of its Dockerfile has an odd name".to_owned());
        }
        match (command.folder.is_root(), folder.is_root()) {
            (true, true) => ".".to_owned(),
            (true, false) => folder.to_string(),
            (false, true) => "$CI_PROJECT_DIR".to_owned(),
            (false, false) => format!("$CI_PROJECT_DIR/{folder}"),
        }
    };
    let mut options = vec![
        format!("--local {}", quoted(&format!("context={context}"))),
        format!("--local {}", quoted(&format!("dockerfile={within}"))),
    ];
    if dockerfile.file_name() != "Dockerfile" {
        options.push(format!("--opt {}", quoted(&format!("filename={}", dockerfile.file_name()))));
    }
    Ok(options)
}

/// A build argument with its value: BuildKit's client passes no variable on by its name alone.
fn argument(written: &str) -> Result<String, String> {
    if written.contains('=') {
        return Ok(format!("build-arg:{written}"));
    }
    match ALWAYS_SET.contains(&written) {
        true => Ok(format!("build-arg:{written}=${written}")),
        false => Err(format!(
            "'--build-arg {written}' passes no value where the variable is not set, which has no counterpart"
        )),
    }
}

/// kaniko's cache of layers.
#[derive(Default)]
struct Cache {
    is_on: bool,
    repository: Option<String>,
}

impl Cache {
    /// Without a name it lies below the first destination (kaniko: `cache.Destination`).
    fn options(self, destination: Option<&String>) -> Result<Vec<String>, String> {
        if !self.is_on {
            return Ok(Vec::new());
        }
        let repository = self.repository.or_else(|| repository(destination?).map(|name| format!("{name}/cache")));
        let repository = repository.ok_or("where its cache lies cannot be told")?;
        Ok(vec![
            format!("--import-cache {}", quoted(&format!("type=registry,ref={repository}"))),
            format!("--export-cache {}", quoted(&format!("type=registry,ref={repository},mode=max"))),
        ])
    }
}

/// The name of an image without its tag; `None` where a variable may hold the tag.
fn repository(destination: &str) -> Option<&str> {
    let start = destination.rfind('/').map_or(0, |at| at + 1);
    let last = destination.get(start..)?;
    let is_whole = !last.contains('$') || matches!(destination, "$CI_REGISTRY_IMAGE" | "${CI_REGISTRY_IMAGE}");
    match last.find(':') {
        _ if last.contains(":-") => None,
        Some(at) => destination.get(..start + at),
        None => is_whole.then_some(destination),
    }
}

/// Where the image goes, under all of its names.
fn output(destinations: &[String]) -> Result<String, String> {
    match destinations {
        [] => Err("it names no destination".to_owned()),
        [one] => Ok(format!("--output {}", quoted(&format!("type=image,name={one},push=true")))),
        several => Ok(format!("--output \"type=image,\\\"name={}\\\",push=true\"", several.join(","))),
    }
}

/// Whether a flag is set: `--cache`, `--cache=true`.
fn is_on(value: Option<&str>) -> Result<bool, String> {
    match value {
        None | Some("true" | "\"true\"") => Ok(true),
        Some("false" | "\"false\"") => Ok(false),
        Some(other) => Err(format!("the value {other} of an option is not known")),
    }
}

/// A value without its double quotes. What stands in it keeps its meaning between double quotes.
fn bare(written: &str) -> Result<String, String> {
    let text = written.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(written);
    match text.is_empty() || text.contains(['"', '\'', '\\', '`', ' ', ',', '(', '*', '?', '[', '~', '\n']) {
        true => Err(format!("the value {written} is not plain")),
        false => Ok(text.to_owned()),
    }
}

/// A word, in double quotes where a variable in it may be more than one.
fn quoted(text: &str) -> String {
    if text.contains('$') { format!("\"{text}\"") } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::{argument, bare, output, repository};

    #[test]
    fn several_names_are_one_field_of_the_output() {
        let names = ["$A:1".to_owned(), "$A:2".to_owned()];
        assert_eq!(output(&names).unwrap(), r#"--output "type=image,\"name=$A:1,$A:2\",push=true""#);
        assert!(output(&[]).is_err());
    }

    #[test]
    fn only_a_variable_that_is_always_set_is_passed_by_its_value() {
        assert_eq!(argument("CI_COMMIT_SHA").unwrap(), "build-arg:CI_COMMIT_SHA=$CI_COMMIT_SHA");
        assert_eq!(argument("A=b").unwrap(), "build-arg:A=b");
        assert!(argument("CI_COMMIT_TAG").is_err());
    }

    #[test]
    fn the_name_of_an_image_ends_where_its_tag_begins() {
        assert_eq!(repository("localhost:5000/a/b:$TAG"), Some("localhost:5000/a/b"));
        assert_eq!(repository("$CI_REGISTRY_IMAGE"), Some("$CI_REGISTRY_IMAGE"));
        assert_eq!(repository("$IMAGE"), None);
        assert_eq!(repository("a/${B:-c}"), None);
    }

    #[test]
    fn a_value_with_quotes_in_it_is_not_plain() {
        assert_eq!(bare("\"$A/b\"").unwrap(), "$A/b");
        assert!(bare("a\"b\"").is_err());
        assert!(bare("$(x)").is_err());
    }
}
