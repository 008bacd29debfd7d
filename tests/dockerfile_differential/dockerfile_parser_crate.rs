use super::reading::{Parts, Reading, array, flag, from, joined, squeezed};
use dockerfile_parser::{BreakableString, BreakableStringComponent, Dockerfile, Instruction, ShellOrExecExpr, Span};

pub(crate) fn read(text: &str) -> Reading {
    let parsed = Dockerfile::parse(text).map_err(|error| error.to_string())?;
    Ok(parsed.instructions.iter().map(|instruction| line(instruction, text)).collect())
}

fn line(instruction: &Instruction, text: &str) -> String {
    let raw = |span: &Span| joined(text.get(span.start..span.end).unwrap_or_default(), '\\');
    let mut parts = Parts::default();
    match instruction {
        Instruction::From(stage) => {
            parts.keyword = "FROM".to_owned();
            parts.flags =
                stage.flags.iter().map(|known| flag(&known.name.content, Some(&known.value.content))).collect();
            parts.arguments = from(&stage.image.content, stage.alias.as_ref().map(|name| name.content.as_str()));
        }
        Instruction::Copy(copy) => {
            parts.keyword = "COPY".to_owned();
            parts.flags =
                copy.flags.iter().map(|known| flag(&known.name.content, Some(&known.value.content))).collect();
            let paths = copy.sources.iter().chain([&copy.destination]).map(|path| path.content.as_str());
            parts.arguments = paths.collect::<Vec<_>>().join(" ");
        }
        Instruction::Arg(arg) => {
            parts.keyword = "ARG".to_owned();
            let value = arg.value.as_ref().map(|value| format!("={}", raw(&value.span)));
            parts.arguments = format!("{}{}", raw(&arg.name.span), value.unwrap_or_default());
        }
        Instruction::Label(label) => {
            parts.keyword = "LABEL".to_owned();
            parts.arguments = label.labels.iter().map(|label| raw(&label.span)).collect::<Vec<_>>().join(" ");
        }
        Instruction::Env(env) => {
            parts.keyword = "ENV".to_owned();
            parts.arguments = env.vars.iter().map(|pair| raw(&pair.span)).collect::<Vec<_>>().join(" ");
        }
        Instruction::Run(run) => command(&mut parts, "RUN", &run.expr),
        Instruction::Cmd(cmd) => command(&mut parts, "CMD", &cmd.expr),
        Instruction::Entrypoint(entrypoint) => command(&mut parts, "ENTRYPOINT", &entrypoint.expr),
        Instruction::Misc(misc) => {
            parts.keyword = misc.instruction.content.clone();
            parts.arguments = squeezed(&plain(&misc.arguments));
        }
    }
    parts.line()
}

fn command(parts: &mut Parts, keyword: &str, expression: &ShellOrExecExpr) {
    parts.keyword = keyword.to_owned();
    parts.arguments = match expression {
        ShellOrExecExpr::Shell(text) => squeezed(&plain(text)),
        ShellOrExecExpr::Exec(words) => array(words.as_str_vec()),
    };
}

fn plain(text: &BreakableString) -> String {
    let component = |component: &BreakableStringComponent| match component {
        BreakableStringComponent::String(text) => text.content.clone(),
        BreakableStringComponent::Comment(_) => String::new(),
    };
    text.components.iter().map(component).collect()
}
