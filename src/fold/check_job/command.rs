//! The build command of the image job, cut down to the builder stage: no tags, no push, nothing but what the build needs.

use crate::docker::{BuildCommand, CommandContext, Step, StepWord};

/// Options that say what becomes of the image, or that only save time.
const DROPPED: [&str; 22] = [
    "-l",
    "-o",
    "-q",
    "-t",
    "--annotation",
    "--attest",
    "--cache-from",
    "--cache-to",
    "--iidfile",
    "--label",
    "--load",
    "--metadata-file",
    "--output",
    "--provenance",
    "--push",
    "--quiet",
    "--rm",
    "--force-rm",
    "--sbom",
    "--squash",
    "--tag",
    "--target",
];

/// The command that builds `stage` and nothing more; `None` where the original is not written in plain words.
///
/// `added` are the options by which the fold passes on what the builder stage reads.
pub(super) fn of_stage(
    step: &Step,
    command: &BuildCommand,
    item: &str,
    stage: &str,
    added: &[String],
) -> Option<String> {
    let head = head_length(&step.words)?;
    let (head, rest) = step.words.split_at(head);
    let prefix = item.get(step.span.start()..head.first()?.span.start())?.trim();
    let mut words: Vec<String> = (!prefix.is_empty()).then(|| prefix.to_owned()).into_iter().collect();
    words.extend(head.iter().map(|word| word.raw.clone()));
    words.extend(["--target".to_owned(), stage.to_owned()]);
    words.extend(added.iter().cloned());
    words.extend(kept(rest, command));
    if matches!(command.context, CommandContext::Missing(_)) {
        words.push(".".to_owned());
    }
    let written = words.join(" ");
    (!written.contains('\n')).then_some(written)
}

/// How many words lead up to the options: `docker build`, `docker buildx build` and their like.
fn head_length(words: &[StepWord]) -> Option<usize> {
    words.iter().position(|word| matches!(word.text(), Some("build" | "b"))).map(|at| at + 1)
}

/// The options and the context that stay, as they are written.
fn kept(words: &[StepWord], command: &BuildCommand) -> Vec<String> {
    let mut options = command.options.iter();
    let mut words = words.iter().map(|word| word.raw.as_str());
    let mut kept = Vec::new();
    while let Some(word) = words.next() {
        let is_option = word.trim_start_matches(['"', '\'']).starts_with('-');
        let Some((name, value)) = options.as_slice().first().filter(|_| is_option) else {
            kept.push(word.to_owned());
            continue;
        };
        options.next();
        let is_apart = value.is_some() && !(word.starts_with("--") && word.contains('=')) && word == name;
        let written = [Some(word), if is_apart { words.next() } else { None }];
        if !DROPPED.contains(&name.as_str()) {
            kept.extend(written.into_iter().flatten().map(str::to_owned));
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::of_stage;
    use crate::docker::{ScriptWalk, build_commands};

    fn stage_of(item: &str) -> Option<String> {
        let walk = ScriptWalk::new([Some(item)], &|_| None);
        let (commands, _) = build_commands(&walk);
        let command = commands.first()?;
        of_stage(walk.steps.get(command.step)?, command, item, "builder", &[])
    }

    #[test]
    fn what_becomes_of_the_image_is_left_out() {
        let item =
            "docker build --pull -t $IMAGE:latest --cache-from=$IMAGE --build-arg A=\"$B\" -f ci/Dockerfile --push .";
        let expected = "docker build --target builder --pull --build-arg A=\"$B\" -f ci/Dockerfile .";
        assert_eq!(stage_of(item).as_deref(), Some(expected));
    }

    #[test]
    fn prefixes_lines_and_a_missing_context_are_mended() {
        assert_eq!(
            stage_of("DOCKER_BUILDKIT=1 docker build \\\n  --secret id=a,src=b \\\n  -tx web").as_deref(),
            Some("DOCKER_BUILDKIT=1 docker build --target builder --secret id=a,src=b web")
        );
        assert_eq!(stage_of("docker build -t x").as_deref(), Some("docker build --target builder ."));
        assert_eq!(
            stage_of("docker buildx build --platform linux/amd64 --target final . && docker push x").as_deref(),
            Some("docker buildx build --target builder --platform linux/amd64 .")
        );
    }
}
