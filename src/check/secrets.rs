//! The proof that no secret gets into the image on a new way: it stands in the `RUN`s of the builder stage and nowhere
//! else, no `ARG` and no `ENV` of the builder stage is made of one, no file that such a `RUN` writes it to is copied on,
//! and what the command passes is what the stage takes.

use std::collections::BTreeSet;

use super::build_line::secret_id;
use crate::docker::{ScriptWalk, Step, StepWord};
use crate::gitlab::{Relation, relation_of_paths};
use crate::syntax::dockerfile::{Command, Dockerfile, Instruction, Keyword};
use crate::syntax::shell::Script;

/// A fold, as this proof sees it.
pub(super) struct Passing<'a> {
    /// The Dockerfile before and after.
    pub(super) dockerfile: (&'a str, &'a str),
    /// The script of the image job before.
    pub(super) command: &'a str,
    /// What its build command gained.
    pub(super) options: &'a [String],
    /// Whether a variable of this name may hold a secret.
    pub(super) is_secret: &'a dyn Fn(&str) -> bool,
}

impl Passing<'_> {
    /// Looks at the Dockerfile before and after the fold.
    ///
    /// # Errors
    /// What does not hold.
    pub(super) fn keeps_secrets(&self) -> Result<(), String> {
        let (before, after) = self.dockerfile;
        let (old, new) = (Dockerfile::parse(before), Dockerfile::parse(after));
        let builders = stage_count(&new).saturating_sub(stage_count(&old));
        let own: Vec<_> = stages(&new).filter(|(stage, _)| (1..=builders).contains(stage)).map(|(_, it)| it).collect();
        let mounted: BTreeSet<_> = own.iter().copied().flat_map(secret_mounts).collect();
        self.is_passed_as_taken(&declared(&new.instructions.iter().collect::<Vec<_>>()), &mounted)?;
        if let Some(name) = declared(&own).into_iter().find(|name| (self.is_secret)(name)) {
            return Err(format!("{name} may be a secret, and an ARG or ENV of the builder stage holds it"));
        }
        let is_named_more = |name: &&String| mentions(&new, after, name, builders) > mentions(&old, before, name, 0);
        if let Some(name) = mounted.iter().find(is_named_more) {
            return Err(format!("{name} may be a secret, and stands where the image or its history may keep it"));
        }
        let copied: Vec<_> = new.instructions.iter().flat_map(sources_of_stages).collect();
        let is_copied = |place: &String| copied.iter().any(|path| relation_of_paths(path, place) != Relation::Apart);
        match places_with_secrets(&own).into_iter().find(is_copied) {
            Some(place) => Err(format!("a RUN writes a secret to {place}, and a COPY takes that along")),
            None => Ok(()),
        }
    }

    fn is_passed_as_taken(&self, declared: &BTreeSet<String>, mounted: &BTreeSet<String>) -> Result<(), String> {
        let added = |flag: &str| self.options.iter().filter_map(|option| option.strip_prefix(flag)).collect::<Vec<_>>();
        let passed: BTreeSet<_> = added("--secret ").into_iter().filter_map(secret_id).collect();
        if let Some(id) = passed.iter().find(|id| !mounted.contains(**id)) {
            return Err(format!("the build command passes the secret {id}, and no RUN takes it"));
        }
        if let Some(id) = mounted.iter().find(|id| !passed.contains(id.as_str()) && !self.command.contains(id.as_str()))
        {
            return Err(format!("a RUN takes the secret {id}, and the build command does not pass it"));
        }
        match added("--build-arg ").into_iter().find(|name| !declared.contains(*name)) {
            Some(name) => Err(format!("the build command passes the argument {name}, and no ARG takes it")),
            None => Ok(()),
        }
    }
}

/// The instructions, each with the number of its stage, from 1 on.
fn stages(dockerfile: &Dockerfile) -> impl Iterator<Item = (usize, &Instruction)> {
    dockerfile.instructions.iter().scan(0, |stage, instruction| {
        *stage += usize::from(instruction.keyword == Keyword::From);
        Some((*stage, instruction))
    })
}

/// The ids of all secrets that a `RUN` takes.
fn secret_mounts(instruction: &Instruction) -> Vec<String> {
    let mounts = instruction.mounts().into_iter().filter(|mount| mount.kind() == "secret");
    mounts.filter_map(|mount| Some(mount.value("id")?.text().to_owned())).collect()
}

/// The names that an `ARG` or an `ENV` declares.
fn declared(instructions: &[&Instruction]) -> BTreeSet<String> {
    let declares = |instruction: &&&Instruction| matches!(instruction.keyword, Keyword::Arg | Keyword::Env);
    let pairs = instructions.iter().filter(declares).flat_map(|instruction| instruction.pairs());
    pairs.map(|pair| pair.name.text().to_owned()).collect()
}

fn stage_count(dockerfile: &Dockerfile) -> usize {
    dockerfile.instructions.iter().filter(|instruction| instruction.keyword == Keyword::From).count()
}

/// What a `COPY` takes out of another stage.
fn sources_of_stages(instruction: &Instruction) -> Vec<String> {
    let copy = instruction.copy().filter(|copy| copy.from.is_some());
    copy.into_iter().flat_map(|copy| copy.sources).map(|source| source.operand.text().to_owned()).collect()
}

/// The files that a `RUN` writes to by a redirection in a statement that reads one of its secrets.
fn places_with_secrets(instructions: &[&Instruction]) -> Vec<String> {
    let mut found = Vec::new();
    let mut folder = "/".to_owned();
    for instruction in instructions {
        if let Some(path) = instruction.single().filter(|_| instruction.keyword == Keyword::Workdir) {
            folder = path.text().to_owned();
        }
        let secrets = secret_mounts(instruction);
        let text = match instruction.command().filter(|_| !secrets.is_empty()) {
            Some(Command::Shell(text)) => text.text(),
            Some(Command::Exec(words)) => words.last().map_or("", |word| word.value.as_str()),
            None => continue,
        };
        let walk = ScriptWalk::new([Some(text)], &|_| None);
        for step in walk.steps.iter().filter(|step| reads_one_of(step, text, &secrets)) {
            let written = step.redirections.iter().filter(|(_, is_written)| *is_written);
            found.extend(written.filter_map(|(target, _)| place(&folder, step, target)));
        }
    }
    found
}

fn reads_one_of(step: &Step, text: &str, secrets: &[String]) -> bool {
    let statement = step.statement.slice(text);
    // The body of a heredoc stands behind the statement.
    let statement = Script::parse(if statement.contains("<<") { text } else { statement });
    statement.read_variables().iter().any(|read| secrets.contains(&read.name))
}

fn place(folder: &str, step: &Step, target: &StepWord) -> Option<String> {
    let path = target.pattern.as_deref()?;
    let below = step.folder.as_ref()?;
    Some(if path.starts_with('/') { path.to_owned() } else { format!("{folder}/{}", below.join(path)?) })
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
    use super::Passing;
    use crate::gitlab::has_secret_name;

    const BEFORE: &str = "FROM nginx\nENV X=1\nCOPY dist /x\n";

    fn kept(stage: &str, rest: &str, options: &[&str]) -> Result<(), String> {
        kept_where(stage, rest, options, &has_secret_name)
    }

    fn kept_where(stage: &str, rest: &str, options: &[&str], is_secret: &dyn Fn(&str) -> bool) -> Result<(), String> {
        let options: Vec<_> = options.iter().map(|option| (*option).to_owned()).collect();
        let after = format!("FROM node AS builder\n{stage}\n\n{BEFORE}{rest}");
        let dockerfile = (BEFORE, after.as_str());
        Passing { dockerfile, command: "docker build .", options: &options, is_secret }.keeps_secrets()
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
        assert!(kept("ENV NPM_TOKEN=abc\nRUN make", "", &[]).is_err());
        assert_eq!(kept_where("ARG NPM_TOKEN\nRUN make", "", &["--build-arg NPM_TOKEN"], &|_| false), Ok(()));
    }

    #[test]
    fn what_a_run_writes_a_secret_to_is_not_copied_on() {
        let option = ["--secret id=S,env=S"];
        let mount = "WORKDIR /src\nRUN --mount=type=secret,id=S,env=S";
        let copy = "COPY --from=builder /src/dist /x\n";
        for run in ["echo $S > dist/a", "cd dist && echo $S > a", "{ echo a; echo $S; } > dist/a"] {
            assert!(kept(&format!("{mount} {run}"), copy, &option).is_err(), "{run}");
        }
        let exec = r#"["/bin/sh", "-c", "cat > dist/a <<X\nk=$S\nX"]"#;
        assert!(kept(&format!("{mount} {exec}"), copy, &option).is_err());
        assert_eq!(kept(&format!("{mount} make $S && echo done > dist/a.log"), "", &option), Ok(()));
        assert_eq!(kept(&format!("{mount} echo $S > .npmrc"), copy, &option), Ok(()));
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
