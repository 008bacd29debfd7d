//! The image of the build job becomes the base of the builder stage.

use crate::docker::ImageName;
use crate::finding::{Code, Finding};
use crate::fold::run_lines::Shell;
use crate::fold::situation::Situation;
use crate::gitlab::{Image, Value};

/// Keys of `image:` that change how the job runs (GitLab docs: ci/yaml#image).
const KEYS: [&str; 3] = ["docker", "kubernetes", "user"];

pub(super) fn check(situation: &Situation<'_>) -> Vec<Finding> {
    let Some(image) = &situation.image else {
        let message =
            format!("'{}' names no image, so the runner chooses one that is not known here", situation.producer.name);
        let location = situation.pipeline.job_location(situation.producer);
        return vec![Finding::new(Code::BuildImageUnknown, location, message).with_help("name the image in the job")];
    };
    let Some(name) = &image.name else {
        let message = format!("the image {} depends on a variable that is not known here", image.written);
        let finding = Finding::new(Code::BuildImageUnknown, situation.value_location(&image.value), message);
        return vec![finding.with_help("name the image in the job, or give the variable a value in the pipeline")];
    };
    let parsed = ImageName::new(name);
    unsuitable(situation, image, &parsed)
        .into_iter()
        .chain(shell(situation, image))
        .chain(private(situation, image, &parsed))
        .collect()
}

fn unsuitable(situation: &Situation<'_>, image: &Image, name: &ImageName<'_>) -> Option<Finding> {
    let key = KEYS.iter().find(|key| image.value.get(key).is_some());
    let entrypoint = image.value.get("entrypoint").filter(|entrypoint| !is_empty_entrypoint(entrypoint));
    let never_pulled = image.value.get("pull_policy").is_some_and(|policy| policy.text().as_deref() == Some("never"));
    let what = if let Some(key) = key {
        format!("'image:{key}' changes how the build job runs")
    } else if entrypoint.is_some() {
        "'image:entrypoint' runs a program of its own before the script".to_owned()
    } else if never_pulled {
        "the image is only on the runner, and a docker build has to pull it".to_owned()
    } else if name.is_windows() {
        "the image is one for Windows".to_owned()
    } else if name.tag.is_some_and(|tag| tag.contains("onbuild")) {
        "the image has ONBUILD instructions, which a runner does not run and a build does".to_owned()
    } else if name.is_known_not_root() {
        "the image does not run as root, and the copied sources would belong to root".to_owned()
    } else {
        return None;
    };
    let place = key.copied().or_else(|| entrypoint.map(|_| "entrypoint"));
    let place = place.and_then(|key| image.value.mapping()?.field(key)).map(|field| field.key_origin);
    let location =
        place.map_or_else(|| situation.value_location(&image.value), |origin| situation.pipeline.location(origin));
    let finding = Finding::new(Code::BuildImageUnsuitable, location, format!("{}: {what}", image.written));
    Some(finding.with_help("build in an image that runs the script as root and as it is, such as the official one"))
}

/// `entrypoint: [""]` takes the image's own away, which `RUN` does as well.
fn is_empty_entrypoint(entrypoint: &Value) -> bool {
    entrypoint
        .one_or_many()
        .iter()
        .all(|word| word.text().is_some_and(|text| text.is_empty() || &*text == "/bin/sh" || &*text == "/bin/bash"))
}

/// The runner takes bash where the image has it; where the script depends on that, it must be known.
fn shell(situation: &Situation<'_>, image: &Image) -> Option<Finding> {
    if situation.script.shell() != Shell::Unknown {
        return None;
    }
    let message = format!(
        "the script needs to know whether {} has bash: a pipeline or bash's own syntax is in it",
        image.written
    );
    let finding = Finding::new(Code::ShellUnknown, situation.value_location(&image.value), message)
        .with_related(situation.producer_location("script"), "the script")
        .with_help("use an official image, or write the script in plain commands");
    Some(finding)
}

/// The runner logs in to its registries by itself, a docker build only after `docker login`.
fn private(situation: &Situation<'_>, image: &Image, name: &ImageName<'_>) -> Option<Finding> {
    let registry = name.registry.filter(|_| name.may_need_login())?;
    let message = format!("{registry} may ask for a login, which the image job needs before it builds");
    let finding = Finding::new(Code::BuildImagePrivate, situation.value_location(&image.value), message)
        .with_related(situation.command_location(), "the build pulls it here")
        .with_help(format!("see that the image job logs in to {registry}, unless anybody may pull from it"));
    Some(finding)
}
