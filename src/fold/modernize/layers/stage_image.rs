//! The builder stage gets an image of its own, from which the next pipeline takes its layers.
//!
//! ```yaml
//! - docker pull $IMAGE:latest || true
//! - docker build --cache-from $IMAGE:latest -t $IMAGE:latest .
//! ```
//! becomes
//! ```yaml
//! - docker pull $IMAGE:latest || true
//! - docker pull $IMAGE:builder || true
//! - docker build --target builder --cache-from $IMAGE:builder -t $IMAGE:builder .
//! - docker push $IMAGE:builder
//! - docker build --cache-from $IMAGE:builder --cache-from $IMAGE:latest -t $IMAGE:latest .
//! ```
//! BuildKit finds layers in an image only where that says so, which a build argument asks for (Docker docs: "Inline cache").

use super::{Kept, always_runs, builds_by_buildkit, docker_steps, name_and_tag, written_name};
use crate::docker::{BuildCommand, Builder, Stages, StepWord};
use crate::fold::modernize::{Edit, Subject};
use crate::syntax::dockerfile::Dockerfile;
use crate::text::Span;

/// The image that the build takes its cache from, as it is written.
pub(super) fn cached_from(command: &BuildCommand) -> Option<&str> {
    command.option("--cache-from").filter(|cache| !cache.contains("type=") && !cache.contains(','))
}

pub(super) fn beside(subject: &Subject<'_>, command: &BuildCommand) -> Result<Kept, String> {
    let cache = cached_from(command).ok_or("the build takes no cache from an image")?;
    let (name, tag) = name_and_tag(subject, cache).ok_or("the image of its cache is not plain")?;
    tag.filter(|_| command.builder == Builder::Docker).ok_or("the image of its cache has no tag")?;
    // The lines in front of it run where the line does.
    let head = subject.text(command.item).get(..command.span.start()).unwrap_or_default();
    if !head.trim().is_empty() {
        return Err("other commands stand in front of it in its line".to_owned());
    }
    if command.has_option("--no-cache") {
        return Err("it builds with --no-cache".to_owned());
    }
    let by_buildkit = builds_by_buildkit(subject, command).ok_or("whether BuildKit builds cannot be told")?;
    let stage = new_stage(subject, command)?;
    let mut logins = docker_steps(subject, "login").peekable();
    if logins.peek().is_none() || logins.any(|(at, step, _)| at > command.step || !always_runs(step)) {
        return Err("the job does not log in to the registry in front of the build".to_owned());
    }
    let is_pushed = |word: &StepWord| name_and_tag(subject, &word.raw).is_some_and(|(pushed, _)| pushed == name);
    let mut pushes = docker_steps(subject, "push").filter(|(at, ..)| *at > command.step);
    if !pushes.any(|(.., words)| words.iter().any(is_pushed)) {
        return Err(format!("the job does not push {name} behind the build"));
    }
    let written = written_name(subject, cache).ok_or("the image of its cache is not plain")?;
    let image = if cache.starts_with('"') { format!("\"{written}:{stage}\"") } else { format!("{written}:{stage}") };
    let scripts = subject.all.pipeline.jobs().iter().flat_map(|job| job.script());
    if scripts.filter_map(|item| item.text).any(|text| text.contains(image.trim_matches('"'))) {
        return Err(format!("{image} is in use already"));
    }
    let mut more = vec![format!("--cache-from {image}"), format!("-t {image}")];
    let asks = |(name, value): &(String, Option<String>)| {
        name == "--build-arg" && value.as_deref().is_some_and(|value| value.contains("BUILDKIT_INLINE_CACHE"))
    };
    if by_buildkit && !command.options.iter().any(asks) {
        more.push("--build-arg BUILDKIT_INLINE_CACHE=1".to_owned());
    }
    let build = command.of_stage(&stage, &more).ok_or("its words are not known in full")?;
    let lines = [format!("docker pull {image} || true"), build, format!("docker push {image}")];
    let mut edits: Vec<_> = lines.into_iter().map(|line| Edit::Line(command.item, line)).collect();
    edits.push(Edit::Text(command.item, Span::at(command.options_at), format!(" --cache-from {image}")));
    let message = format!(
        "the cache {cache} does not hold the stage '{stage}'; as an image of its own, all of it goes to {} as well",
        image.trim_matches('"')
    );
    Ok(Kept { edits, message })
}

/// The one stage that the fold has put into the Dockerfile.
fn new_stage(subject: &Subject<'_>, command: &BuildCommand) -> Result<String, String> {
    let version = subject.all.files.get(&command.dockerfile).ok_or("its Dockerfile was not folded")?;
    let names = |text: Option<&str>| -> Vec<String> {
        let stages = Stages::new(&Dockerfile::parse(text.unwrap_or_default()), &[]).stages;
        stages.into_iter().filter_map(|stage| stage.name).collect()
    };
    let before = names(version.before.as_deref());
    let mut new = names(version.after.as_deref()).into_iter().filter(|name| !before.contains(name));
    match (new.next(), new.next()) {
        (Some(stage), None) => Ok(stage),
        _ => Err("which stages hold the build is not one name".to_owned()),
    }
}
