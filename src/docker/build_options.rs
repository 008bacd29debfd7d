use super::build_command::WrittenWord;
use super::builder::Grammar;
use super::script_walk::place_in_repository;
use super::step::StepWord;
use crate::text::{RepositoryPath, Span};

/// The words of a build command, told apart by the builder's grammar.
#[derive(Default)]
pub(super) struct BuildOptions {
    options: Vec<(String, OptionValue)>,
    operands: Vec<StepWord>,
}

/// The value of an option, as it is written and as far as it is known.
#[derive(Clone, Default)]
pub(super) struct OptionValue {
    /// Where it ends in the item's text.
    pub(super) end: usize,
    pub(super) written: Option<String>,
    pub(super) known: Option<String>,
}

impl OptionValue {
    fn known(text: &str, end: usize) -> Self {
        Self { end, written: Some(text.to_owned()), known: Some(text.to_owned()) }
    }

    /// What stands behind `prefix` in it; without a place in the text where a quote stands in front.
    pub(super) fn behind(&self, prefix: &str) -> Self {
        let rest = |text: &String| text.strip_prefix(prefix).map(str::to_owned);
        let bare = |text: &String| rest(&text.trim_matches(['"', '\'']).to_owned());
        let written = self.written.as_ref().and_then(|text| rest(text).or_else(|| bare(text)));
        Self { end: self.end, written, known: self.known.as_ref().and_then(rest) }
    }

    /// The value as a word of the command.
    pub(super) fn word(&self) -> Option<WrittenWord> {
        let raw = self.written.clone()?;
        Some(WrittenWord { span: Span::new(self.end.checked_sub(raw.len())?, self.end), raw })
    }
}

impl BuildOptions {
    /// Tells `words` apart.
    ///
    /// # Errors
    /// The word that cannot be read, as the end of the sentence "the build command …".
    pub(super) fn read(words: &[StepWord], grammar: &Grammar) -> Result<Self, String> {
        let mut options = Self::default();
        options.words(words, grammar)?;
        Ok(options)
    }

    fn words(&mut self, words: &[StepWord], grammar: &Grammar) -> Result<(), String> {
        let mut words = words.iter();
        while let Some(word) = words.next() {
            if is_option(word.raw.trim_start_matches(['"', '\''])) {
                self.option(word, &mut words, grammar)?;
                continue;
            }
            match word.fields.as_deref() {
                Some([field]) if !is_option(field) => self.operands.push(word.clone()),
                // A variable whose value is known may hold options, or nothing at all.
                Some(fields) => {
                    let fields: Vec<_> = fields.iter().map(|field| StepWord::of_field(field, word.span)).collect();
                    self.words(&fields, grammar)?;
                }
                None if word.is_one_field => self.operands.push(word.clone()),
                None => return Err(format!("takes options from {}, whose value is not known", word.raw)),
            }
        }
        Ok(())
    }

    fn option<'a>(
        &mut self,
        word: &StepWord,
        rest: &mut impl Iterator<Item = &'a StepWord>,
        grammar: &Grammar,
    ) -> Result<(), String> {
        let unknown = |name: &str| format!("has the option {name}, which is not known here");
        let raw = word.raw.trim_start_matches(['"', '\'']);
        if let Some((name, _)) = raw.split_once('=').filter(|(name, _)| name.starts_with("--")) {
            if !grammar.with_value.contains(&name) && !grammar.without_value.contains(&name) {
                return Err(unknown(name));
            }
            let quote = word.raw.get(..word.raw.len() - raw.len()).unwrap_or_default();
            let written = word.raw.split_once('=').map(|(_, value)| format!("{quote}{value}"));
            let known = word.text().and_then(|text| text.split_once('=')).map(|(_, value)| value.to_owned());
            self.options.push((name.to_owned(), OptionValue { end: word.span.end(), written, known }));
            return Ok(());
        }
        let text = word.text().ok_or_else(|| format!("has the option {}, which cannot be read", word.raw))?;
        if grammar.without_value.contains(&text) {
            self.options.push((text.to_owned(), OptionValue::default()));
            return Ok(());
        }
        if grammar.with_value.contains(&text) {
            let value = rest.next().ok_or_else(|| format!("ends with the option {text}"))?;
            let known = value.text().map(str::to_owned);
            let value = OptionValue { end: value.span.end(), written: Some(value.raw.clone()), known };
            self.options.push((text.to_owned(), value));
            return Ok(());
        }
        let short = text.get(..2).filter(|short| !text.starts_with("--") && grammar.with_value.contains(short));
        let (short, value) = short.zip(text.get(2..)).ok_or_else(|| unknown(text))?;
        let value = value.strip_prefix('=').unwrap_or(value);
        self.options.push((short.to_owned(), OptionValue::known(value, word.span.end())));
        Ok(())
    }

    /// The same with other names for its options: an empty one leaves the option as it is, and `None` leaves it out.
    ///
    /// # Errors
    /// What `rename` says.
    pub(super) fn renamed<'a>(
        self,
        rename: impl Fn(&str, &OptionValue) -> Result<Option<(&'a str, OptionValue)>, String>,
    ) -> Result<Self, String> {
        let mut options = Vec::new();
        for (name, value) in self.options {
            if let Some((new, value)) = rename(&name, &value)? {
                options.push((if new.is_empty() { name } else { new.to_owned() }, value));
            }
        }
        Ok(Self { options, operands: self.operands })
    }

    /// The words that are no options.
    pub(super) fn operands(&self) -> &[StepWord] {
        &self.operands
    }

    /// The values of an option, in their order.
    pub(super) fn all<'a>(&'a self, long: &'a str, short: &'a str) -> impl DoubleEndedIterator<Item = &'a OptionValue> {
        self.options.iter().filter(move |(name, _)| name == long || name == short).map(|(_, value)| value)
    }

    /// How often an option is given.
    pub(super) fn count(&self, long: &str, short: &str) -> usize {
        self.all(long, short).count()
    }

    /// The last value of an option, which must be known; `what` is what it names.
    pub(super) fn known(&self, long: &str, short: &str, what: &str) -> Result<Option<String>, String> {
        match self.all(long, short).next_back() {
            None => Ok(None),
            Some(OptionValue { known: Some(value), .. }) => Ok(Some(value.clone())),
            Some(value) => {
                let written = value.written.as_deref().unwrap_or_default();
                Err(format!("takes {what} from {written}, whose value is not known"))
            }
        }
    }

    /// The one operand, a folder of the repository; `None` where there is none.
    pub(super) fn folder_operand(&self, folder: &RepositoryPath) -> Result<Option<RepositoryPath>, String> {
        let word = match self.operands.as_slice() {
            [] => return Ok(None),
            [word] => word,
            _ => return Err("names more than one context".into()),
        };
        let path =
            word.text().ok_or_else(|| format!("takes its context from {}, whose value is not known", word.raw))?;
        if path == "-" || path.contains("://") || path.starts_with("git@") {
            return Err(format!("takes its context from {path}"));
        }
        let place = place_in_repository(path, folder);
        place.map(Some).ok_or_else(|| format!("takes its context from {path}, outside the project"))
    }

    /// The places of a Dockerfile that is looked for in the folder of the command first, and then in the context.
    pub(super) fn in_folder_or_context(
        &self,
        path: &str,
        folder: &RepositoryPath,
        context: &RepositoryPath,
    ) -> Result<Vec<RepositoryPath>, String> {
        let mut places: Vec<_> = [folder, context].iter().filter_map(|from| place_in_repository(path, from)).collect();
        places.dedup();
        if places.is_empty() { Err("names a Dockerfile outside the repository".into()) } else { Ok(places) }
    }

    /// The options, each with its value as it is written.
    pub(super) fn into_written(self) -> Vec<(String, Option<String>)> {
        self.options.into_iter().map(|(name, value)| (name, value.written)).collect()
    }
}

fn is_option(text: &str) -> bool {
    text.starts_with('-') && text != "-"
}
