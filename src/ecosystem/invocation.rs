use super::Refusal;

/// The options of a package manager that change nothing about which files of the repository it reads.
pub(super) struct Options {
    /// Those that take no value, or `true` or `false` behind `=`; `--no-` in front of them is understood.
    pub(super) flags: &'static [&'static str],
    /// Those that take a value, behind `=` or as the next word.
    pub(super) valued: &'static [&'static str],
}

/// The arguments of a package manager, sorted.
#[derive(Debug, Default)]
pub(super) struct Invocation<'a> {
    pub(super) operands: Vec<&'a str>,
    options: Vec<(&'a str, Option<&'a str>)>,
    unknown: Option<&'a str>,
    asks_for_help: bool,
}

impl<'a> Invocation<'a> {
    /// Sorts `arguments`. What follows an unknown option is not taken for its value.
    pub(super) fn read(arguments: &[&'a str], known: &Options) -> Self {
        let mut invocation = Self::default();
        let mut rest = arguments.iter().copied();
        while let Some(argument) = rest.next() {
            if !argument.starts_with('-') {
                invocation.operands.push(argument);
                continue;
            }
            let (name, value) = argument.split_once('=').map_or((argument, None), |(name, value)| (name, Some(value)));
            let positive = name.strip_prefix("--no-").unwrap_or(name.trim_start_matches('-'));
            let is_flag = known.flags.iter().any(|flag| *flag == name || flag.strip_prefix("--") == Some(positive));
            if known.valued.contains(&name) {
                invocation.options.push((name, value.or_else(|| rest.next())));
            } else if is_flag && value.is_none_or(|value| matches!(value, "true" | "false")) {
                invocation.options.push((name, value));
            } else {
                invocation.asks_for_help |= matches!(name, "-h" | "--help" | "-v" | "--version");
                invocation.unknown.get_or_insert(argument);
            }
        }
        invocation
    }

    /// Whether it only prints something about the package manager.
    pub(super) const fn asks_for_help(&self) -> bool {
        self.asks_for_help
    }

    /// The first option that is not known.
    pub(super) const fn unknown(&self) -> Option<&'a str> {
        self.unknown
    }

    /// Refuses an option that may read other files, or that is not known.
    pub(super) fn only_known_options(&self) -> Result<(), Refusal> {
        let Some(option) = self.unknown else { return Ok(()) };
        Err(Refusal::without_place(format!("with `{option}` the install may read other files of the repository")))
    }

    /// Whether the flag is given, and not as `=false`.
    pub(super) fn has(&self, flag: &str) -> bool {
        self.options.iter().any(|(name, value)| *name == flag && *value != Some("false"))
    }

    /// The value of an option, the last one where it is given more than once.
    pub(super) fn value(&self, option: &str) -> Option<&'a str> {
        self.options.iter().rev().find(|(name, _)| *name == option).and_then(|(_, value)| *value)
    }

    /// All values of an option, in their order.
    pub(super) fn values(&self, option: &str) -> impl Iterator<Item = &'a str> {
        let named = self.options.iter().filter(move |(name, _)| *name == option);
        named.filter_map(|(_, value)| *value)
    }
}
