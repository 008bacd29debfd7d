//! A build command that gets the whole project for its context, in the words in which it is written.

use super::build_command::{BuildCommand, CommandContext, WrittenWord};
use super::builder::Builder;
use crate::text::{RepositoryPath, Span, TextEdit};

/// What is to be written differently in a build command.
#[derive(Clone, Debug)]
pub struct WiderCommand {
    /// The command as it is then.
    pub command: BuildCommand,
    /// Words that change, by their bytes in the item's text.
    pub replacements: Vec<(Span, String)>,
    /// The option that names the Dockerfile, where the builder would no longer find it by itself.
    pub option: Option<String>,
}

impl BuildCommand {
    /// This command with the project's folder as its context and the same Dockerfile; `text` is that of its item.
    ///
    /// # Errors
    /// Why it cannot be written, as a whole sentence without a full stop.
    pub fn with_project_as_context(&self, text: &str) -> Result<WiderCommand, &'static str> {
        if self.described_in.is_some() {
            return Err("the context stands in another file than the command");
        }
        if matches!(self.context, CommandContext::Missing(_)) {
            return Err("the command names no context");
        }
        if self.has_option("--context-sub-path") {
            return Err("the command has --context-sub-path");
        }
        if !self.dockerfile.is_plain() {
            return Err("the path of the Dockerfile would have to be quoted");
        }
        let context = self.context_word.as_ref().ok_or("the command names no context")?;
        let written = |word: &&WrittenWord| word.span.slice(text) == word.raw;
        let context = Some(context).filter(written).ok_or("the context is not written in plain words")?;
        let root = Root::of(&context.raw);
        let wide = root.place(self.way_to(&RepositoryPath::root()), "");
        let mut wider = WiderCommand { command: self.clone(), replacements: Vec::new(), option: None };
        wider.replace(context, Place::Context, wide);
        wider.command.context = CommandContext::Folder(RepositoryPath::root());
        if self.finds_dockerfile_without_context() {
            return Ok(wider);
        }
        let below = format!("/{}", self.dockerfile);
        let dockerfile = Root { scheme: "", ..root }.place(self.way_to(&self.dockerfile), &below);
        match &self.dockerfile_word {
            Some(word) if !written(&word) => return Err("the path of the Dockerfile is not written in plain words"),
            Some(word) => wider.replace(word, Place::Dockerfile, dockerfile),
            None => wider.add_dockerfile(dockerfile),
        }
        Ok(wider)
    }

    /// This command for the stage `target` of another Dockerfile, from the same context; `text` is that of its item.
    ///
    /// # Errors
    /// Why it cannot be written, as a whole sentence without a full stop.
    pub fn for_stage_of(
        &self,
        dockerfile: &RepositoryPath,
        target: &str,
        text: &str,
    ) -> Result<WiderCommand, &'static str> {
        if self.described_in.is_some() || !dockerfile.is_plain() {
            return Err("the other Dockerfile cannot be named in the command");
        }
        let mut wider = WiderCommand { command: self.clone(), replacements: Vec::new(), option: None };
        let mut options = Vec::new();
        match &self.dockerfile_word {
            Some(word) if word.span.slice(text) != word.raw => {
                return Err("the path of the Dockerfile is not written in plain words");
            }
            Some(word) => {
                let path = Root::of(&word.raw).place(self.way_to(dockerfile), &format!("/{dockerfile}"));
                wider.replace(word, Place::Dockerfile, path);
            }
            None => options.push(format!("-f {}", self.way_to(dockerfile))),
        }
        match &self.target {
            None => options.push(format!("--target {target}")),
            Some(own) if own == target => {}
            Some(_) => return Err("its stage gets another name"),
        }
        wider.option = (!options.is_empty()).then(|| options.join(" "));
        Ok(wider)
    }

    /// Whether the builder looks for the Dockerfile where the command runs, and finds it there.
    fn finds_dockerfile_without_context(&self) -> bool {
        let is_by_context = self.other_dockerfile.as_ref() == Some(&self.dockerfile);
        match (&self.dockerfile_word, self.builder) {
            (_, Builder::Buildctl) => true,
            (Some(_), _) => !is_by_context,
            (None, Builder::Kaniko) => self.folder.join("Dockerfile").as_ref() == Some(&self.dockerfile),
            (None, _) => false,
        }
    }

    /// The path of a place of the repository from where the command runs.
    fn way_to(&self, place: &RepositoryPath) -> String {
        if let Some(below) = place.relative_to(&self.folder) {
            return if below.is_empty() { ".".to_owned() } else { below.to_owned() };
        }
        let up = self.folder.parts().map(|_| "..");
        up.chain(place.parts()).collect::<Vec<_>>().join("/")
    }
}

impl WiderCommand {
    /// The text of an item, `text`, with all of these commands in it; `None` where they do not stand in it.
    #[must_use]
    pub fn all_written_in(commands: &[&Self], text: &str) -> Option<String> {
        let mut builder = TextEdit::builder();
        for (span, new) in commands.iter().flat_map(|command| command.changes(&[])) {
            builder.replace(span, new);
        }
        builder.finish().ok()?.apply(text)
    }

    /// What is written in the place of which bytes of the item, with more options in front of its own.
    #[must_use]
    pub fn changes(&self, options: &[String]) -> Vec<(Span, String)> {
        let options: String = options.iter().chain(&self.option).map(|option| format!(" {option}")).collect();
        let at = (!options.is_empty()).then(|| (Span::at(self.command.options_at), options));
        self.replacements.iter().cloned().chain(at).collect()
    }

    fn replace(&mut self, word: &WrittenWord, place: Place, new: String) {
        let names = match (place, self.command.builder) {
            (Place::Context, Builder::Kaniko) => ["--context", "-c"],
            (Place::Dockerfile, Builder::Kaniko) => ["--dockerfile", "-f"],
            (Place::Dockerfile, _) => ["--file", "-f"],
            (Place::Context, _) => {
                self.command.operands.first_mut().into_iter().for_each(|operand| operand.clone_from(&new));
                return self.replacements.push((word.span, new));
            }
        };
        let mut options = self.command.options.iter_mut().rev();
        let option = options.find(|(name, _)| names.contains(&name.as_str()));
        option.into_iter().for_each(|(_, value)| *value = Some(new.clone()));
        self.replacements.push((word.span, new));
    }

    fn add_dockerfile(&mut self, path: String) {
        let name = if self.command.builder == Builder::Kaniko { "--dockerfile" } else { "-f" };
        self.option = Some(format!("{name} {path}"));
        self.command.options.push((name.to_owned(), Some(path)));
    }
}

/// What a word of a build command names.
#[derive(Clone, Copy)]
enum Place {
    Context,
    Dockerfile,
}

/// How a word that names the context begins, where that stands for the project's folder.
#[derive(Clone, Copy)]
struct Root<'a> {
    scheme: &'a str,
    /// The quote around it, and the variable.
    variable: Option<(&'a str, &'a str)>,
}

impl<'a> Root<'a> {
    fn of(raw: &'a str) -> Self {
        let quote = raw.get(..1).filter(|first| ["\"", "'"].contains(first)).unwrap_or_default();
        let bare = raw.get(quote.len()..).unwrap_or_default();
        let (scheme, path) = match bare.strip_prefix("dir://") {
            Some(path) => ("dir://", path),
            None => ("", bare),
        };
        let is_whole = |variable: &&str| {
            let rest = path.strip_prefix(*variable);
            rest.is_some_and(|rest| rest.strip_prefix(quote).unwrap_or(rest).starts_with('/') || rest.starts_with('/'))
        };
        let variable = ["$CI_PROJECT_DIR", "${CI_PROJECT_DIR}"].into_iter().find(is_whole);
        Self { scheme, variable: variable.map(|variable| (quote, variable)) }
    }

    /// A place of the project: `below` the variable, or the `way` to it from where the command runs.
    fn place(self, way: String, below: &str) -> String {
        match self.variable {
            Some((quote, variable)) => format!("{quote}{}{variable}{below}{quote}", self.scheme),
            None => format!("{}{way}", self.scheme),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::docker::{BuildCommand, CommandContext, PROJECT_FOLDER, ScriptWalk, build_commands};

    fn parse(items: &[&str]) -> BuildCommand {
        let walk = ScriptWalk::new(items.iter().map(|item| Some(*item)), &|name| match name {
            "CI_PROJECT_DIR" => Some(PROJECT_FOLDER.to_owned()),
            "FOLDER" => Some("web".to_owned()),
            _ => None,
        });
        let mut command = build_commands(&walk).0.remove(0);
        // Only the second place has one, unless the command names it.
        if let (None, Some(other)) = (&command.dockerfile_word, &command.other_dockerfile) {
            command.dockerfile = other.clone();
        }
        command
    }

    /// The last item as it is with the wider context.
    fn widened(items: &[&str]) -> Result<String, &'static str> {
        let last = *items.last().unwrap();
        let wider = parse(items).with_project_as_context(last)?;
        Ok(super::WiderCommand::all_written_in(&[&wider], last).unwrap())
    }

    #[test]
    fn the_context_is_the_project_and_the_dockerfile_the_same() {
        for (items, expected) in [
            (&["docker build -t a web/"][..], "docker build -f web/Dockerfile -t a ."),
            (&["docker build -t a -f web/ci/Dockerfile ./web"], "docker build -t a -f web/ci/Dockerfile ."),
            (&["cd web", "docker build -t a ."], "docker build -f Dockerfile -t a .."),
            (&["cd web/site && docker build -t . ."], "cd web/site && docker build -f Dockerfile -t . ../.."),
            (&["cd ci", "docker build ../web"], "docker build -f ../web/Dockerfile .."),
            (
                &["docker build \"$CI_PROJECT_DIR/web\""],
                "docker build -f \"$CI_PROJECT_DIR/web/Dockerfile\" \"$CI_PROJECT_DIR\"",
            ),
            (
                &["docker build \"${CI_PROJECT_DIR}\"/web"],
                "docker build -f \"${CI_PROJECT_DIR}/web/Dockerfile\" \"${CI_PROJECT_DIR}\"",
            ),
            (&["docker build -t a $FOLDER"], "docker build -f web/Dockerfile -t a ."),
            (&["docker build 'web'"], "docker build -f web/Dockerfile ."),
            (
                &["/kaniko/executor --context $CI_PROJECT_DIR/web -d a"],
                "/kaniko/executor --dockerfile $CI_PROJECT_DIR/web/Dockerfile --context $CI_PROJECT_DIR -d a",
            ),
            (
                &["/kaniko/executor --context=dir://${CI_PROJECT_DIR}/web --dockerfile web/Dockerfile"],
                "/kaniko/executor --context=dir://${CI_PROJECT_DIR} --dockerfile web/Dockerfile",
            ),
        ] {
            assert_eq!(widened(items).as_deref(), Ok(expected), "{items:?}");
        }
    }

    #[test]
    fn what_cannot_be_written_says_so() {
        for (line, reason) in [
            ("OPTIONS='-t a web'; docker build $OPTIONS", "the context is not written in plain words"),
            ("/kaniko/executor -c dir://web --context-sub-path=a", "the command has --context-sub-path"),
            ("docker build -f 'a b/Dockerfile' web", "the path of the Dockerfile would have to be quoted"),
        ] {
            assert_eq!(widened(&[line]), Err(reason), "{line}");
        }
    }

    #[test]
    fn a_stage_is_built_alone_with_the_wider_context() {
        let line = "docker build -t a web/";
        let wider = parse(&[line]).with_project_as_context(line).unwrap();
        assert_eq!(wider.command.context, CommandContext::Folder(crate::text::RepositoryPath::root()));
        assert_eq!(
            wider.command.of_stage("builder", &[]).as_deref(),
            Some("docker build --target builder -f web/Dockerfile .")
        );
        let line = "/kaniko/executor -c web -d web --build-arg web --dockerfile web/Dockerfile";
        let wider = parse(&[line]).with_project_as_context(line).unwrap();
        assert_eq!(
            wider.command.of_stage("builder", &[]).as_deref(),
            Some("/kaniko/executor --target builder --no-push -c . --build-arg web --dockerfile web/Dockerfile")
        );
    }
}
