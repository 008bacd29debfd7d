use super::reading::{Parts, Reading, array, flag, from, joined};
use parse_dockerfile::{
    Command, Flag, HealthcheckArguments, HereDoc, Instruction, JsonOrStringArray, Source, UnescapedString,
};

struct File<'a> {
    text: &'a str,
    escape: char,
}

pub(crate) fn read(text: &str) -> Reading {
    let parsed = parse_dockerfile::parse(text).map_err(|error| error.to_string())?;
    let escape = parsed.parser_directives.escape.as_ref().map_or('\\', |directive| directive.value.value);
    let file = File { text, escape };
    Ok(parsed.instructions.iter().map(|instruction| file.line(instruction)).collect())
}

impl File<'_> {
    fn line(&self, instruction: &Instruction<'_>) -> String {
        if let Instruction::Onbuild(onbuild) = instruction {
            return format!("ONBUILD {}", self.line(&onbuild.instruction));
        }
        let (keyword, flags, arguments, heredocs) = self.parts(instruction);
        Parts { keyword: keyword.to_owned(), flags, arguments, heredocs }.line()
    }

    fn parts(&self, instruction: &Instruction<'_>) -> (&'static str, Vec<String>, String, Vec<String>) {
        let plain = |keyword, arguments: String| (keyword, Vec::new(), arguments, Vec::new());
        match instruction {
            Instruction::Add(add) => {
                ("ADD", flags(&add.options), self.paths(add.add.span.end, &add.src, &add.dest), bodies(&add.src))
            }
            Instruction::Copy(copy) => {
                ("COPY", flags(&copy.options), self.paths(copy.copy.span.end, &copy.src, &copy.dest), bodies(&copy.src))
            }
            Instruction::Run(run) => {
                let heredocs = run.here_docs.iter().map(|heredoc| heredoc.value.to_string()).collect();
                let command = self.command(&run.arguments);
                let whole_line = command.is_empty().then(|| self.line_from_heredoc(run.run.span.end));
                ("RUN", flags(&run.options), whole_line.unwrap_or(command), heredocs)
            }
            Instruction::From(stage) => {
                let name = stage.as_.as_ref().map(|(_, name)| name.value.as_ref());
                ("FROM", flags(&stage.options), from(&stage.image.value, name), Vec::new())
            }
            Instruction::Healthcheck(check) => {
                ("HEALTHCHECK", flags(&check.options), self.check(&check.arguments), Vec::new())
            }
            Instruction::Arg(arg) => plain("ARG", self.raw(&arg.arguments)),
            Instruction::Cmd(cmd) => plain("CMD", self.command(&cmd.arguments)),
            Instruction::Entrypoint(entrypoint) => plain("ENTRYPOINT", self.command(&entrypoint.arguments)),
            Instruction::Env(env) => plain("ENV", self.raw(&env.arguments)),
            Instruction::Expose(expose) => plain("EXPOSE", self.words(&expose.arguments)),
            Instruction::Label(label) => plain("LABEL", self.raw(&label.arguments)),
            Instruction::Maintainer(maintainer) => plain("MAINTAINER", self.raw(&maintainer.name)),
            Instruction::Shell(shell) => plain("SHELL", strings(&shell.arguments)),
            Instruction::Stopsignal(signal) => plain("STOPSIGNAL", self.raw(&signal.arguments)),
            Instruction::User(user) => plain("USER", self.raw(&user.arguments)),
            Instruction::Volume(volume) => plain("VOLUME", self.volumes(&volume.arguments)),
            Instruction::Workdir(workdir) => plain("WORKDIR", self.raw(&workdir.arguments)),
            _ => plain("?", String::new()),
        }
    }

    fn raw(&self, text: &UnescapedString<'_>) -> String {
        joined(self.text.get(text.span.clone()).unwrap_or_default(), self.escape)
    }

    fn words(&self, words: &[UnescapedString<'_>]) -> String {
        words.iter().map(|word| self.raw(word)).collect::<Vec<_>>().join(" ")
    }

    /// The line from its first here-document on, whose operators are not told.
    fn line_from_heredoc(&self, start: usize) -> String {
        let line = self.text.get(start..).and_then(|rest| rest.lines().next()).unwrap_or_default();
        line.find("<<").and_then(|at| line.get(at..)).map_or(String::new(), |rest| joined(rest, self.escape))
    }

    /// A JSON array shows only in the bracket behind the destination.
    fn paths(&self, start: usize, sources: &[Source<'_>], destination: &UnescapedString<'_>) -> String {
        if sources.iter().any(|source| matches!(source, Source::HereDoc(_))) {
            return self.line_from_heredoc(start);
        }
        let raw = |source: &Source<'_>| match source {
            Source::Path(path) => path.value.to_string(),
            _ => "?".to_owned(),
        };
        let mut paths: Vec<String> = sources.iter().map(raw).collect();
        paths.push(destination.value.to_string());
        let behind = self.text.get(destination.span.end..).unwrap_or_default().trim_start_matches('"').trim_start();
        if behind.starts_with(']') { array(paths.iter().map(String::as_str)) } else { paths.join(" ") }
    }

    fn command(&self, command: &Command<'_>) -> String {
        match command {
            Command::Exec(words) => strings(&words.value),
            Command::Shell(text) => joined(text.value, self.escape),
            _ => "?".to_owned(),
        }
    }

    fn check(&self, arguments: &HealthcheckArguments<'_>) -> String {
        match arguments {
            HealthcheckArguments::Cmd { arguments, .. } => format!("CMD {}", self.command(arguments)),
            HealthcheckArguments::None { .. } => "NONE".to_owned(),
            _ => "?".to_owned(),
        }
    }

    fn volumes<const N: usize>(&self, volumes: &JsonOrStringArray<'_, N>) -> String {
        match volumes {
            JsonOrStringArray::Json(words) => strings(&words.value),
            JsonOrStringArray::String(words) => self.words(words),
        }
    }
}

fn flags(flags: &[Flag<'_>]) -> Vec<String> {
    flags.iter().map(|known| flag(&known.name.value, known.value.as_ref().map(|value| value.value.as_ref()))).collect()
}

fn strings(words: &[UnescapedString<'_>]) -> String {
    array(words.iter().map(|word| word.value.as_ref()))
}

fn bodies(sources: &[Source<'_>]) -> Vec<String> {
    let body = |heredoc: &HereDoc<'_>| heredoc.value.to_string();
    sources
        .iter()
        .filter_map(|source| if let Source::HereDoc(heredoc) = source { Some(body(heredoc)) } else { None })
        .collect()
}
