//! The build arguments and options of two builds that become one.
//!
//! An `ARG` of the first Dockerfile whose value would be another one in the joined build gets another name, by which the
//! build passes it, and goes on under its own in the stages, where any `RUN` may read it:
//!
//! ```dockerfile
//! ARG VERSION=1
//! ```
//! becomes
//! ```dockerfile
//! ARG BUILDER_VERSION=1
//! ARG VERSION=$BUILDER_VERSION
//! ```

use std::collections::BTreeSet;
use std::ops::Range;

use super::is_one_file;
use crate::docker::Stages;
use crate::handoff::{DockerCp, ImageBuild};
use crate::syntax::dockerfile::{Arguments, Instruction, KeyValue, Keyword, Word};
use crate::text::TextEditBuilder;

/// Options of the first build that say nothing of what it makes, or that its stages need no longer.
const OF_FIRST_IMAGE: [&str; 18] = [
    "-f",
    "-o",
    "-q",
    "-t",
    "--cache-from",
    "--compress",
    "--file",
    "--force-rm",
    "--label",
    "--load",
    "--output",
    "--progress",
    "--pull",
    "--quiet",
    "--rm",
    "--squash",
    "--tag",
    "--target",
];

/// Build arguments that every build has (Dockerfile reference: predefined ARGs).
const PREDEFINED: [&str; 5] = ["all_proxy", "ftp_proxy", "http_proxy", "https_proxy", "no_proxy"];

/// The stages that the first image is made of.
fn own_stages(build: &ImageBuild) -> BTreeSet<usize> {
    build.target.map(|target| build.stages.reachable(target)).unwrap_or_default()
}

/// The stage that an instruction belongs to; `None` for one in front of all.
fn stage_of(stages: &Stages, instruction: usize) -> Option<usize> {
    stages.stages.iter().position(|stage| (stage.from..stage.end).contains(&instruction))
}

/// Whether an `ARG` of this name stands in one of the stages that `is_meant`, or in front of all.
fn declares(build: &ImageBuild, is_meant: impl Fn(usize) -> bool, name: &str) -> bool {
    build.dockerfile.instructions.iter().enumerate().any(|(index, instruction)| {
        let is_named = of(instruction).iter().any(|(declared, _)| *declared == name);
        is_named && stage_of(&build.stages, index).is_none_or(&is_meant)
    })
}

/// The names that an `ARG` declares, each with its default.
pub(super) fn of(instruction: &Instruction) -> Vec<(&str, Option<&str>)> {
    let pairs = declarations(instruction).iter();
    pairs.map(|pair| (pair.name.text(), pair.value.as_ref().map(Word::text))).collect()
}

/// What an `ARG` declares.
fn declarations(instruction: &Instruction) -> &[KeyValue] {
    match &instruction.arguments {
        Arguments::KeyValues(pairs) if instruction.keyword == Keyword::Arg => pairs,
        _ => &[],
    }
}

/// The `ARG`s in front of the first `FROM`.
pub(super) fn globals(build: &ImageBuild) -> impl Iterator<Item = &Instruction> {
    let before = build.dockerfile.instructions.iter().take_while(|instruction| instruction.keyword != Keyword::From);
    before.filter(|instruction| instruction.keyword == Keyword::Arg)
}

/// The options that the second build needs, so that it builds the stages of the first as that did.
///
/// # Errors
/// Why no options do that, as a sentence.
pub(super) fn options_to_add(
    found: &DockerCp,
    renamed: &[RenamedArgument],
    has_buildkit: bool,
) -> Result<Vec<String>, String> {
    let (first, second) = (&found.first, &found.second);
    let own = own_stages(first);
    let in_first = |name: &str| declares(first, |stage| own.contains(&stage), name);
    let in_second = |name: &str| declares(second, |stage| !is_one_file(found) || !own.contains(&stage), name);
    let new_name = |name: &str| renamed.iter().find(|argument| argument.old == name);
    let mut added = Vec::new();
    let (ours, theirs) = (&first.command.options, &second.command.options);
    let same_in = |options: &[(String, Option<String>)], option: &(String, Option<String>)| options.contains(option);
    let is_same = |option: &(String, Option<String>)| {
        same_in(theirs, option) && (!is_argument(&option) || new_name(&name_of(&option.1)).is_none())
    };
    for option in ours.iter().filter(|option| !OF_FIRST_IMAGE.contains(&option.0.as_str()) && !is_same(option)) {
        let (name, value) = option;
        let written = value.as_ref().map_or_else(|| name.clone(), |value| format!("{name} {value}"));
        match name.as_str() {
            "--build-arg" => {
                let argument = name_of(value);
                let is_predefined = PREDEFINED.contains(&argument.to_lowercase().as_str());
                if !is_predefined && !in_first(&argument) {
                    continue;
                }
                if let Some(argument) = new_name(&argument) {
                    added.push(format!("{name} {}", argument.given(value.as_deref().unwrap_or_default())));
                    continue;
                }
                if theirs.iter().filter(is_argument).any(|(_, other)| name_of(other) == argument) {
                    return Err(format!("the two builds give the build argument {argument} different values"));
                }
                if is_predefined || in_second(&argument) {
                    return Err(format!("the build argument {argument} would also reach the second image"));
                }
                added.push(written);
            }
            "--secret" | "--ssh" if !second.command.has_option(name) => added.push(written),
            "--no-cache" => added.push(written),
            _ => return Err(format!("the first build has the option {name}, which the second one does not get")),
        }
    }
    let reaches_first = |option: &&(String, Option<String>)| {
        let name = name_of(&option.1);
        !same_in(ours, option) && in_first(&name) && new_name(&name).is_none()
    };
    if let Some((_, value)) = theirs.iter().filter(is_argument).find(reaches_first) {
        let argument = name_of(value);
        return Err(format!("the build argument {argument} of the second build would also reach the builder stage"));
    }
    environment(found, has_buildkit).map(|()| added)
}

/// What stands in front of the two commands must be the same, but for BuildKit, which every engine of today has; the second
/// build needs no word of it where it is BuildKit's anyway.
fn environment(found: &DockerCp, has_buildkit: bool) -> Result<(), String> {
    let (first, second) = (&found.first.command.environment, &found.second.command.environment);
    let is_buildkit = |pair: &&(String, Option<String>)| pair.0 == "DOCKER_BUILDKIT" && pair.1.as_deref() == Some("1");
    let only_first = first.iter().find(|pair| !(second.contains(pair) || has_buildkit && is_buildkit(pair)));
    let only_second = second.iter().find(|pair| !first.contains(pair) && !is_buildkit(pair));
    match only_first.or(only_second) {
        Some((name, _)) => Err(format!("{name} is set for one of the two builds alone")),
        None => Ok(()),
    }
}

/// Whether the other Dockerfile has the same `ARG` in front of its first `FROM`.
pub(super) fn is_repeated(other: &ImageBuild, argument: &Instruction) -> bool {
    globals(other).any(|own| of(own) == of(argument))
}

/// An `ARG` of the first Dockerfile that gets another name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::fold) struct RenamedArgument {
    old: String,
    new: String,
    /// Whether the second build gives an argument of the old name, so that no `ARG` can have it in the first stages.
    is_given: bool,
}

impl RenamedArgument {
    /// Whether this is the one that was called so.
    pub(super) fn is(&self, name: &str) -> bool {
        self.old == name
    }

    /// The value of a `--build-arg` by its new name.
    fn given(&self, written: &str) -> String {
        let quote = written.get(..1).filter(|first| ["\"", "'"].contains(first)).unwrap_or_default();
        let rest = written.get(quote.len() + self.old.len()..).unwrap_or_default();
        format!("{quote}{}{rest}", self.new)
    }
}

fn is_argument(option: &&(String, Option<String>)) -> bool {
    option.0 == "--build-arg"
}

/// The name of a build argument.
fn name_of(value: &Option<String>) -> String {
    let text = value.as_deref().unwrap_or_default().trim_matches(['"', '\'']);
    text.split('=').next().unwrap_or_default().to_owned()
}

/// The value of the last `--build-arg` of this name, as it is written.
fn given<'a>(build: &'a ImageBuild, name: &str) -> Option<&'a str> {
    let mut options = build.command.options.iter().rev().filter(is_argument);
    options.find(|(_, value)| name_of(value) == name)?.1.as_deref()
}

/// The `ARG`s of the first Dockerfile whose values would be others in the joined build, and that can have another name.
pub(super) fn renamed(found: &DockerCp, has_buildkit: bool) -> Vec<RenamedArgument> {
    if is_one_file(found) {
        return Vec::new();
    }
    let own = found.first.stages.declared.iter().filter(|name| is_in_conflict(found, name));
    let renamed = own.filter_map(|name| {
        let is_given = given(&found.second, name).is_some();
        let can = can_rename(&found.first, name, is_given, has_buildkit);
        can.then(|| RenamedArgument { old: name.clone(), new: free_name(found, name), is_given })
    });
    renamed.collect()
}

/// Whether the two builds give different values to this name, or the joined one would.
fn is_in_conflict(found: &DockerCp, name: &str) -> bool {
    let (first, second) = (&found.first, &found.second);
    let (ours, theirs) = (given(first, name), given(second, name));
    let is_theirs = second.stages.declared.contains(name);
    let differs = |one: &ImageBuild, other: &ImageBuild| {
        let mut own = globals(one).filter(|it| of(it).iter().any(|(own, _)| *own == name));
        own.any(|argument| !is_repeated(other, argument))
    };
    let is_passed_differently = ours != theirs && (is_theirs || theirs.is_some());
    is_passed_differently || is_theirs && differs(first, second) || differs(second, first)
}

/// Whether an `ARG` of the first Dockerfile certainly has a value wherever it stands, and can pass that on under another name:
/// one without a value is no variable at all, and one that is passed on is at least empty.
fn can_rename(first: &ImageBuild, name: &str, is_given: bool, has_buildkit: bool) -> bool {
    let end = first.target.and_then(|target| first.stages.stages.get(target)).map_or(0, |stage| stage.end);
    let all = || first.dockerfile.instructions.iter().enumerate().take(end);
    let own: Vec<_> = all().filter(|(_, it)| of(it).iter().any(|(own, _)| *own == name)).collect();
    let is_global = |index: usize| stage_of(&first.stages, index).is_none();
    let has_default = |instruction: &Instruction| of(instruction).iter().any(|(_, value)| value.is_some());
    let is_set = given(first, name).is_some() || own.iter().any(|(index, it)| is_global(*index) && has_default(it));
    let is_plain = |instruction: &Instruction| {
        let [pair] = declarations(instruction) else { return false };
        let value = pair.value.as_ref().map_or("", Word::text);
        instruction.dangling.is_none() && references(value, first.dockerfile.escape, name).is_empty()
    };
    let is_passed_with_value = given(first, name).is_none_or(|value| value.contains('='));
    let is_by_itself = is_of_builder(name) || !is_passed_with_value;
    // An ENV in the place of the ARG stays for the stages that start from this one, and wins over what stands before it.
    let is_based_on = |index: usize| {
        let stage = stage_of(&first.stages, index);
        first
            .stages
            .stages
            .iter()
            .any(|other| matches!(other.base, crate::docker::Base::Stage(base) if Some(base) == stage))
    };
    let sets = |instruction: &Instruction| match &instruction.arguments {
        Arguments::KeyValues(pairs) => {
            instruction.keyword == Keyword::Env && pairs.iter().any(|it| it.name.text() == name)
        }
        _ => false,
    };
    let may_be_env =
        has_buildkit && !own.iter().any(|(index, _)| is_based_on(*index)) && !all().any(|(_, it)| sets(it));
    !is_by_itself
        && (!is_given || may_be_env)
        && own.iter().all(|(_, instruction)| is_plain(instruction) && (is_set || has_default(instruction)))
}

/// Whether the builder sets it, or reads it.
fn is_of_builder(name: &str) -> bool {
    let name = name.to_lowercase();
    PREDEFINED.contains(&name.as_str())
        || ["buildkit_", "source_date_epoch"].iter().any(|start| name.starts_with(start))
        || ["build", "target"]
            .iter()
            .any(|of| name.strip_prefix(of).is_some_and(|what| matches!(what, "platform" | "os" | "arch" | "variant")))
}

/// A name for it that neither the Dockerfiles nor the job speak of.
fn free_name(found: &DockerCp, name: &str) -> String {
    let items = found.script.items.iter().filter_map(|item| item.text.as_deref());
    let texts: Vec<_> = items.chain([found.first.source.text(), found.second.source.text()]).collect();
    let numbered = (2..).map(|number| format!("BUILDER_{name}_{number}"));
    let mut names = std::iter::once(format!("BUILDER_{name}")).chain(numbered);
    names.find(|name| !texts.iter().any(|text| text.contains(name.as_str()))).unwrap_or_default()
}

/// Gives the renamed arguments their new names in an instruction of the first Dockerfile.
pub(super) fn rename(
    first: &ImageBuild,
    index: usize,
    instruction: &Instruction,
    renamed: &[RenamedArgument],
    edit: &mut TextEditBuilder,
) {
    let is_global = stage_of(&first.stages, index).is_none();
    let text = first.source.text();
    for argument in renamed {
        for pair in declarations(instruction).iter().filter(|pair| pair.name.text() == argument.old) {
            edit.replace(pair.name.span, argument.new.clone());
            if !is_global {
                let keyword = instruction.keyword_span.slice(text);
                let keyword = match argument.is_given {
                    false => keyword.to_owned(),
                    true if keyword.starts_with('a') => "env".to_owned(),
                    true => "ENV".to_owned(),
                };
                edit.insert(instruction.span.end(), format!("\n{keyword} {}=${}", argument.old, argument.new));
            }
        }
        let from = instruction.from();
        let of_from = from.iter().flat_map(|view| [Some(view.image), view.platform]).flatten();
        let of_globals = declarations(instruction).iter().filter(|_| is_global).filter_map(|pair| pair.value.as_ref());
        for word in of_from.chain(of_globals) {
            for range in references(word.text(), first.dockerfile.escape, &argument.old) {
                edit.replace(word.source_span(range), argument.new.clone());
            }
        }
    }
}

/// Where a text that the builder expands names this variable: `$NAME`, `${NAME}` and `${NAME:-…}`, but not in single quotes
/// (BuildKit: `shell.Lex`).
fn references(text: &str, escape: char, name: &str) -> Vec<Range<usize>> {
    let (mut found, mut quote, mut is_escaped) = (Vec::new(), None, false);
    for (at, letter) in text.char_indices() {
        if std::mem::take(&mut is_escaped) {
            continue;
        }
        match letter {
            letter if letter == escape && quote != Some('\'') => is_escaped = true,
            '"' | '\'' if quote == Some(letter) => quote = None,
            '"' | '\'' if quote.is_none() => quote = Some(letter),
            '$' if quote != Some('\'') => {
                let rest = text.get(at + 1..).unwrap_or_default();
                let start = at + 1 + usize::from(rest.starts_with('{'));
                let behind = text.get(start..).and_then(|rest| rest.strip_prefix(name));
                let is_whole = |rest: &str| !rest.starts_with(|next: char| next.is_ascii_alphanumeric() || next == '_');
                found.extend(behind.is_some_and(is_whole).then_some(start..start + name.len()));
            }
            _ => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::{RenamedArgument, references};

    #[test]
    fn a_variable_is_found_where_the_builder_replaces_it() {
        let named = |text: &str| references(text, '\\', "TAG").len();
        for (text, expected) in [
            ("alpine:$TAG", 1),
            ("alpine:${TAG}-${TAG:-1}", 2),
            ("${NAME:-$TAG}", 1),
            ("\"$TAG\"", 1),
            ("'$TAG'", 0),
            ("\"'$TAG'\"", 1),
            ("\\$TAG", 0),
            ("$TAGS ${TAG_2} TAG", 0),
        ] {
            assert_eq!(named(text), expected, "{text}");
        }
    }

    #[test]
    fn a_build_argument_keeps_its_value_and_its_quotes() {
        let argument = RenamedArgument { old: "V".to_owned(), new: "BUILDER_V".to_owned(), is_given: false };
        assert_eq!(argument.given("V=$X"), "BUILDER_V=$X");
        assert_eq!(argument.given("\"V=$X y\""), "\"BUILDER_V=$X y\"");
    }
}
