use super::reading::{Parts, Reading, array, flag, from, squeezed};
use stagefold::syntax::dockerfile::{Arguments, Dockerfile, Instruction, KeyValue, Keyword, Word};

pub(crate) fn read(text: &str) -> Reading {
    let file = Dockerfile::parse(text);
    match file.problems.first() {
        Some(problem) => Err(problem.message.clone()),
        None => Ok(file.instructions.iter().map(|instruction| line(instruction, text)).collect()),
    }
}

fn line(instruction: &Instruction, text: &str) -> String {
    if let Some(inner) = &instruction.onbuild {
        return format!("ONBUILD {}", line(inner, text));
    }
    let flags = instruction.flags.iter().map(|known| flag(&known.name, known.value.as_ref().map(Word::text)));
    let arguments = match instruction.from() {
        Some(view) => from(view.image.text(), view.name.map(Word::text)),
        None => arguments(&instruction.arguments),
    };
    let heredocs = instruction.heredocs.iter().map(|heredoc| heredoc.body.slice(text).to_owned());
    let keyword = if instruction.keyword == Keyword::Unknown { "?" } else { instruction.keyword.as_str() };
    Parts { keyword: keyword.to_owned(), flags: flags.collect(), arguments, heredocs: heredocs.collect() }.line()
}

fn arguments(arguments: &Arguments) -> String {
    match arguments {
        Arguments::None => String::new(),
        Arguments::Words(words) => words.iter().map(|word| squeezed(word.text())).collect::<Vec<_>>().join(" "),
        Arguments::Json(words) => array(words.iter().map(|word| word.value.as_str())),
        Arguments::Shell(word) => squeezed(word.text()),
        Arguments::KeyValues(pairs) => pairs.iter().map(pair).collect::<Vec<_>>().join(" "),
        Arguments::Health(check) => {
            squeezed(&format!("{} {}", check.kind.text().to_uppercase(), self::arguments(&check.command)))
        }
    }
}

fn pair(pair: &KeyValue) -> String {
    let separator = if pair.legacy { " " } else { "=" };
    let value = pair.value.as_ref().map(|value| format!("{separator}{}", value.text()));
    format!("{}{}", pair.name.text(), value.unwrap_or_default())
}
