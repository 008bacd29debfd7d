//! What a fold may add to the line that builds the image: a build context that was missing, and options that pass on
//! what the builder stage reads.

/// Whether `after` is `before`, with nothing more than a build context and such options put into it.
pub(super) fn is_completed(before: &str, after: &str) -> bool {
    added_options(before, after).is_some()
}

/// The options that `after` has more than `before`; `None` where they differ in anything else than these options and a
/// build context.
pub(super) fn added_options(before: &str, after: &str) -> Option<Vec<String>> {
    // A secret may need BuildKit, which a line asks for where nothing did.
    let asks = !before.contains("DOCKER_BUILDKIT") && after.matches("DOCKER_BUILDKIT").count() == 1;
    let asked = after.replacen("DOCKER_BUILDKIT=1 docker ", "docker ", 1);
    let after = if asks { asked.as_str() } else { after };
    options_up_to(before, after, after.len())
}

/// As [`added_options`], with all of these options in front of the byte `end`.
fn options_up_to(before: &str, after: &str, end: usize) -> Option<Vec<String>> {
    if before == after || has_context_added(before, after) {
        return Some(Vec::new());
    }
    if after.len() <= before.len() {
        return None;
    }
    let behind = |word: &'static str| after.match_indices(word).map(move |(at, _)| at + word.trim_end().len());
    let mut places: Vec<_> =
        ["bake", "build", " b ", "executor"].into_iter().flat_map(behind).filter(|at| *at < end).collect();
    places.sort_unstable();
    // Several commands of a line may each have got some: the last of them is looked at first.
    places.into_iter().rev().find_map(|at| {
        let (head, mut rest) = (after.get(..at)?, after.get(at..)?);
        let mut options = Vec::new();
        while let Some(option) = leading_option(rest) {
            rest = rest.get(option.len()..)?;
            options.push(plain_option(option.trim_start()));
            if !is_end_of(before, rest) {
                continue;
            }
            if let Some(earlier) = options_up_to(before, &format!("{head}{rest}"), at) {
                return Some(earlier.into_iter().chain(options).collect());
            }
        }
        None
    })
}

/// Whether `before` ends with `rest`, but for a build context that may have been put into that.
fn is_end_of(before: &str, rest: &str) -> bool {
    let without_context = |(at, context): (usize, &str)| {
        let (head, tail) = (rest.get(..at).unwrap_or_default(), rest.get(at + context.len()..).unwrap_or_default());
        before.strip_suffix(tail).is_some_and(|start| start.ends_with(head))
    };
    before.ends_with(rest) || rest.match_indices(" .").any(without_context)
}

/// The option at the start of `text`, with the blank in front of it, if a fold writes such.
fn leading_option(text: &str) -> Option<&str> {
    let flag = [" --build-arg ", " --secret ", " --set "].into_iter().find(|flag| text.starts_with(flag))?;
    let value = text.get(flag.len()..)?;
    let value = value.get(..value.find(char::is_whitespace).unwrap_or(value.len()))?;
    if flag == " --set " {
        let plain = plain_option(text.get(1..flag.len() + value.len())?);
        let is_own = !plain.starts_with("--set ") && leading_option(&format!(" {plain}"))?.len() == plain.len() + 1;
        return is_own.then(|| text.get(..flag.len() + value.len()))?;
    }
    let is_name =
        |name: &str| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let is_own = match flag {
        " --build-arg " => is_name(value),
        _ => secret_id(value).is_some_and(|name| {
            is_name(name)
                && [format!("id={name},env={name}"), format!("id={name},src=${name}")].contains(&value.to_owned())
        }),
    };
    is_own.then(|| text.get(..flag.len() + value.len()))?
}

/// What `docker build` would have for an option of bake.
fn plain_option(option: &str) -> String {
    let set = option.strip_prefix("--set ").and_then(|set| set.split_once('.'));
    let plain = set.and_then(|(_, rest)| match (rest.strip_prefix("args."), rest.strip_prefix("secrets=")) {
        (Some(name), _) => Some(format!("--build-arg {name}")),
        (_, Some(secret)) => Some(format!("--secret {secret}")),
        _ => None,
    });
    plain.unwrap_or_else(|| option.to_owned())
}

/// The id in the value of a `--secret`.
pub(super) fn secret_id(value: &str) -> Option<&str> {
    value.strip_prefix("id=")?.split(',').next()
}

/// Whether `after` is `before` with a build context put into one place of it.
fn has_context_added(before: &str, after: &str) -> bool {
    let same = before.bytes().zip(after.bytes()).take_while(|(one, other)| one == other).count();
    // The text may go on with the same letters as the context begins with, so the place may lie a little before.
    (same.saturating_sub(" .".len())..=same).any(|at| {
        let parts = before.get(..at).zip(before.get(at..));
        parts
            .is_some_and(|(head, tail)| after.strip_prefix(head).and_then(|rest| rest.strip_prefix(" .")) == Some(tail))
    })
}

#[cfg(test)]
mod tests {
    use super::{added_options, is_completed};

    #[test]
    fn a_line_may_gain_its_missing_context() {
        assert!(is_completed("docker build -t a", "docker build -t a ."));
        assert!(is_completed("docker build -t a\ndocker push a", "docker build -t a .\ndocker push a"));
        assert!(is_completed("docker build -t a && b", "docker build -t a . && b"));
        assert!(!is_completed("docker build -t a .", "docker build -t a"));
        assert!(!is_completed("docker build -t a", "docker build -t b ."));
    }

    #[test]
    fn a_line_may_gain_the_options_of_a_fold_and_no_others() {
        let before = "docker build -t a . && docker push a";
        let with = |options: &str| before.replace("build", &format!("build {options}"));
        let options = "--build-arg A --secret id=B,env=B --secret id=C,src=$C";
        let expected = ["--build-arg A", "--secret id=B,env=B", "--secret id=C,src=$C"].map(str::to_owned);
        assert_eq!(added_options(before, &with(options)), Some(expected.to_vec()));
        for options in
            ["--build-arg A=1", "--secret id=B,env=C", "--secret id=B", "--secret id=,env=", "--pull", "--build-arg $A"]
        {
            assert!(!is_completed(before, &with(options)), "{options}");
        }
        assert!(!is_completed(before, "docker build -t a . && docker push --build-arg A a"));
        assert!(is_completed("docker build -t a", "docker build --build-arg A -t a ."));
        let two = "docker build -t a . && docker build -t b .";
        assert_eq!(
            added_options(two, &two.replace("build", "build --build-arg A")),
            Some(vec!["--build-arg A".to_owned(), "--build-arg A".to_owned()])
        );
        assert!(is_completed("a && docker build .", "a && DOCKER_BUILDKIT=1 docker build --secret id=B,env=B ."));
        assert!(!is_completed("docker build .", "DOCKER_BUILDKIT=0 docker build --secret id=B,env=B ."));
        assert!(is_completed("/kaniko/executor -c .", "/kaniko/executor --build-arg A -c ."));
    }

    #[test]
    fn what_is_set_for_a_target_of_bake_is_what_docker_build_has_as_options() {
        let after = "docker buildx bake --set web.args.A --set web.secrets=id=B,env=B web";
        let expected = ["--build-arg A", "--secret id=B,env=B"].map(str::to_owned);
        assert_eq!(added_options("docker buildx bake web", after), Some(expected.to_vec()));
        for set in ["web.args.A=1", "web.context=.", "web.secrets=id=B,env=C", "web.args.", "web"] {
            assert!(!is_completed("docker buildx bake web", &format!("docker buildx bake --set {set} web")), "{set}");
        }
    }
}
