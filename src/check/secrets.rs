//! The proof that no secret gets into the image on a new way: it stands in the `RUN`s of the builder stage and nowhere
//! else, and what the command passes is what the stage takes.

use std::collections::BTreeSet;

use super::build_line::secret_id;
use crate::gitlab::has_secret_name;
use crate::outcome::{Pass, Policy};
use crate::syntax::dockerfile::{Dockerfile, Instruction, Keyword};

/// Looks at the Dockerfile before and after a fold; the build command gained `options`, and was `command` before.
pub(super) fn are_kept(
    policy: &Policy,
    before: &str,
    after: &str,
    command: &str,
    options: &[String],
) -> Result<(), String> {
    let (old, new) = (Dockerfile::parse(before), Dockerfile::parse(after));
    let added = |flag: &str| options.iter().filter_map(|option| option.strip_prefix(flag)).collect::<Vec<_>>();
    let passed: BTreeSet<_> = added("--secret ").into_iter().filter_map(secret_id).collect();
    let mounted: BTreeSet<_> = secret_mounts(&new).difference(&secret_mounts(&old)).cloned().collect();
    let declared = declared(&new);
    if let Some(id) = passed.iter().find(|id| !mounted.contains(**id)) {
        return Err(format!("the build command passes the secret {id}, and no RUN takes it"));
    }
    if let Some(id) = mounted.iter().find(|id| !passed.contains(id.as_str()) && !command.contains(id.as_str())) {
        return Err(format!("a RUN takes the secret {id}, and the build command does not pass it"));
    }
    if let Some(name) = added("--build-arg ").into_iter().find(|name| !declared.contains(*name)) {
        return Err(format!("the build command passes the argument {name}, and no ARG takes it"));
    }
    let is_argument = |name: &str| policy.passed.get(name) == Some(&Pass::Argument);
    let named = declared.iter().filter(|name| has_secret_name(name) && !is_argument(name));
    let secrets: BTreeSet<_> = mounted.iter().chain(named).collect();
    let builders = stage_count(&new).saturating_sub(stage_count(&old));
    match secrets.into_iter().find(|name| mentions(&new, after, name, builders) > mentions(&old, before, name, 0)) {
        Some(name) => Err(format!("{name} may be a secret, and stands where the image or its history may keep it")),
        None => Ok(()),
    }
}

/// The ids of all secrets that a `RUN` takes.
fn secret_mounts(dockerfile: &Dockerfile) -> BTreeSet<String> {
    let mounts = dockerfile.instructions.iter().flat_map(Instruction::mounts);
    let secrets = mounts.filter(|mount| mount.kind() == "secret");
    secrets.filter_map(|mount| Some(mount.value("id")?.text().to_owned())).collect()
}

/// The names that an `ARG` or an `ENV` declares.
fn declared(dockerfile: &Dockerfile) -> BTreeSet<String> {
    let declares = |instruction: &&Instruction| matches!(instruction.keyword, Keyword::Arg | Keyword::Env);
    let pairs = dockerfile.instructions.iter().filter(declares).flat_map(Instruction::pairs);
    pairs.map(|pair| pair.name.text().to_owned()).collect()
}

fn stage_count(dockerfile: &Dockerfile) -> usize {
    dockerfile.instructions.iter().filter(|instruction| instruction.keyword == Keyword::From).count()
}

/// How often the instructions name `name`, the `RUN`s of the first `builders` stages left out: these are new.
fn mentions(dockerfile: &Dockerfile, text: &str, name: &str, builders: usize) -> usize {
    let mut stages = 0;
    let mut count = 0;
    for instruction in &dockerfile.instructions {
        stages += usize::from(instruction.keyword == Keyword::From);
        let is_of_builder = (1..=builders).contains(&stages) && instruction.keyword == Keyword::Run;
        if !is_of_builder {
            count += whole_words(instruction.span.slice(text), name);
        }
    }
    count
}

fn whole_words(text: &str, name: &str) -> usize {
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let bytes = text.as_bytes();
    let is_whole = |at: usize| {
        let before = at.checked_sub(1).and_then(|at| bytes.get(at));
        let after = bytes.get(at + name.len());
        [before, after].into_iter().flatten().all(|byte| !is_letter(*byte))
    };
    text.match_indices(name).filter(|(at, _)| is_whole(*at)).count()
}

#[cfg(test)]
mod tests {
    use super::are_kept;
    use crate::outcome::{Pass, Policy};

    const BEFORE: &str = "FROM nginx\nENV X=1\nCOPY dist /x\n";

    fn kept(stage: &str, rest: &str, options: &[&str]) -> Result<(), String> {
        let options: Vec<_> = options.iter().map(|option| (*option).to_owned()).collect();
        let after = format!("FROM node AS builder\n{stage}\n\n{BEFORE}{rest}");
        are_kept(&Policy::default(), BEFORE, &after, "docker build .", &options)
    }

    #[test]
    fn a_secret_stands_in_the_runs_of_the_builder_alone() {
        let run = "RUN --mount=type=secret,id=S,env=S make $S";
        let option = ["--secret id=S,env=S"];
        assert_eq!(kept(run, "", &option), Ok(()));
        for (stage, rest) in [
            ("ARG S", ""),
            ("ENV S=1", ""),
            ("", "COPY --from=builder /src/$S /\n"),
            ("", "RUN echo $S\n"),
            ("LABEL s=$S", ""),
        ] {
            assert!(kept(&format!("{stage}\n{run}"), rest, &option).is_err(), "{stage}{rest}");
        }
    }

    #[test]
    fn a_name_that_tells_of_a_secret_is_no_argument_unless_the_user_says_so() {
        assert!(kept("ARG NPM_TOKEN\nRUN make", "", &["--build-arg NPM_TOKEN"]).is_err());
        let policy = Policy { passed: [("NPM_TOKEN".to_owned(), Pass::Argument)].into(), ..Policy::default() };
        let after = format!("FROM node AS builder\nARG NPM_TOKEN\nRUN make\n\n{BEFORE}");
        let options = ["--build-arg NPM_TOKEN".to_owned()];
        assert_eq!(are_kept(&policy, BEFORE, &after, "docker build .", &options), Ok(()));
    }

    #[test]
    fn what_is_passed_is_taken_and_the_other_way_round() {
        let run = "RUN --mount=type=secret,id=S,env=S make";
        assert!(kept(run, "", &[]).is_err());
        assert!(kept("RUN make", "", &["--secret id=S,env=S"]).is_err());
        assert!(kept("RUN make", "", &["--build-arg A"]).is_err());
        assert_eq!(kept("ARG A\nRUN make $A", "", &["--build-arg A"]), Ok(()));
    }
}
