//! A build command that gets the whole project for its context, in the words in which it is written.

use super::build_command::{BuildCommand, CommandContext, WrittenWord};
use super::builder::Builder;
use crate::text::{RepositoryPath, Span};

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
        if matches!(self.context, CommandContext::Missing(_)) {
            return Err("the command names no context");
        }
        if self.has_option("--context-sub-path") {
            return Err("the command has --context-sub-path");
        }
        if self
            .dockerfile
            .as_str()
            .contains(|letter: char| letter.is_whitespace() || "$'\"\\*?[;&|<>()".contains(letter))
        {
            return Err("the path of the Dockerfile would have to be quoted");
        }
        let context = self.context_word.as_ref().ok_or("the command names no context")?;
        let written = |word: &&WrittenWord| word.span.slice(text) == word.raw;
        let context = Some(context).filter(written).ok_or("the context stands in a variable")?;
        let parts = Parts::of(&context.raw);
        let root = parts.variable.map_or_else(|| self.way_to(&RepositoryPath::root()), str::to_owned);
        let wide = format!("{}{}{root}{}", parts.quote, parts.scheme, parts.quote);
        let mut wider = WiderCommand { command: self.clone(), replacements: Vec::new(), option: None };
        wider.replace(context, wide);
        wider.command.context = CommandContext::Folder(RepositoryPath::root());
        if self.finds_dockerfile_without_context() {
            return Ok(wider);
        }
        let dockerfile = match parts.variable {
            Some(variable) => format!("{variable}/{}", self.dockerfile),
            None => self.way_to(&self.dockerfile),
        };
        match &self.dockerfile_word {
            Some(word) if !written(&word) => return Err("the path of the Dockerfile stands in a variable"),
            Some(word) => wider.replace(word, dockerfile),
            None => wider.add_dockerfile(dockerfile),
        }
        Ok(wider)
    }

    /// Whether the builder looks for the Dockerfile where the command runs, and finds it there.
    fn finds_dockerfile_without_context(&self) -> bool {
        let is_by_context = self.other_dockerfile.as_ref() == Some(&self.dockerfile);
        match (&self.dockerfile_word, self.builder) {
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
    /// The text of the item, `text`, with this command in it.
    #[must_use]
    pub fn written_in(&self, text: &str) -> Option<String> {
        let option = self.option.iter().map(|option| (Span::at(self.command.options_at), format!(" {option}")));
        let mut changes: Vec<_> = self.replacements.iter().cloned().chain(option).collect();
        changes.sort_by_key(|(span, _)| span.start());
        let (mut at, mut whole) = (0, String::new());
        for (span, new) in changes {
            whole.push_str(text.get(at..span.start())?);
            whole.push_str(&new);
            at = span.end();
        }
        whole.push_str(text.get(at..)?);
        Some(whole)
    }

    fn replace(&mut self, word: &WrittenWord, new: String) {
        let is_it = |raw: &&mut String| **raw == word.raw;
        let values = self.command.options.iter_mut().filter_map(|(_, value)| value.as_mut());
        // An operand may read as the value of an option does, as in `-t . .`: the last of them is the context.
        match self.command.operands.iter_mut().find(is_it) {
            Some(operand) => operand.clone_from(&new),
            None => values.rev().find(is_it).into_iter().for_each(|value| value.clone_from(&new)),
        }
        self.replacements.push((word.span, new));
    }

    fn add_dockerfile(&mut self, path: String) {
        let name = if self.command.builder == Builder::Kaniko { "--dockerfile" } else { "-f" };
        self.option = Some(format!("{name} {path}"));
        self.command.options.push((name.to_owned(), Some(path)));
    }
}

/// The parts of a word that names the context, but for the folder.
struct Parts<'a> {
    quote: &'a str,
    scheme: &'a str,
    /// The variable that stands for the project's folder, if it begins with that.
    variable: Option<&'a str>,
}

impl<'a> Parts<'a> {
    fn of(raw: &'a str) -> Self {
        let quote = raw.get(..1).filter(|first| ["\"", "'"].contains(first)).unwrap_or_default();
        let bare = raw.trim_matches(['"', '\'']);
        let (scheme, path) = match bare.strip_prefix("dir://") {
            Some(path) => ("dir://", path),
            None => ("", bare),
        };
        let is_whole = |variable: &&str| path.strip_prefix(*variable).is_some_and(|rest| rest.starts_with('/'));
        let variable = ["$CI_PROJECT_DIR", "${CI_PROJECT_DIR}"].into_iter().find(is_whole);
        Self { quote, scheme, variable }
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
        Ok(wider.written_in(last).unwrap())
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
                "docker build -f $CI_PROJECT_DIR/web/Dockerfile \"$CI_PROJECT_DIR\"",
            ),
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
            ("docker build -t a $FOLDER", "docker build -f web/Dockerfile -t a ."),
            ("OPTIONS='-t a web'; docker build $OPTIONS", "the context stands in a variable"),
            ("/kaniko/executor -c dir://web --context-sub-path=a", "the command has --context-sub-path"),
            ("docker build -f 'a b/Dockerfile' web", "the path of the Dockerfile would have to be quoted"),
        ] {
            assert_eq!(widened(&[line]).unwrap_or_else(str::to_owned), reason, "{line}");
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
    }
}
