/// One line for each instruction, `KEYWORD --flag=value | arguments << "body of a here-document"`; or why a parser
/// gave up.
pub(crate) type Reading = Result<Vec<String>, String>;

/// The parts of such a line.
#[derive(Debug, Default)]
pub(crate) struct Parts {
    pub(crate) keyword: String,
    pub(crate) flags: Vec<String>,
    pub(crate) arguments: String,
    pub(crate) heredocs: Vec<String>,
}

impl Parts {
    pub(crate) fn line(&self) -> String {
        let flags: String = self.flags.iter().map(|flag| format!(" {flag}")).collect();
        let heredocs: String = self.heredocs.iter().map(|body| format!(" << {body:?}")).collect();
        format!("{}{flags} | {}{heredocs}", self.keyword.to_uppercase(), self.arguments)
    }
}

/// `--name=value` or `--name`.
pub(crate) fn flag(name: &str, value: Option<&str>) -> String {
    value.map_or_else(|| format!("--{name}"), |value| format!("--{name}={value}"))
}

/// White space made plain.
pub(crate) fn squeezed(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The arguments in a raw piece of a file: lines joined, comments dropped.
pub(crate) fn joined(raw: &str, escape: char) -> String {
    let lines = raw.lines().filter(|line| !line.trim_start().starts_with('#'));
    let carried =
        |line: &'_ str| line.trim_end().strip_suffix(escape).filter(|before| !before.ends_with(escape)).map(str::len);
    let joined: String = lines.map(|line| carried(line).and_then(|end| line.get(..end)).unwrap_or(line)).collect();
    squeezed(&joined)
}

/// The strings of a JSON array.
pub(crate) fn array<'a>(strings: impl IntoIterator<Item = &'a str>) -> String {
    let strings: Vec<String> = strings.into_iter().map(|text| format!("{text:?}")).collect();
    format!("[{}]", strings.join(","))
}

/// `from` as the parsers spell it: `image AS name`.
pub(crate) fn from(image: &str, name: Option<&str>) -> String {
    name.map_or_else(|| image.to_owned(), |name| format!("{image} AS {name}"))
}
