use std::fmt;
use std::str::FromStr;

/// How much weight a finding has, from the lightest to the heaviest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Something worth knowing; nothing is wrong.
    Note,
    /// Something is wrong in the user's files; the fold goes on and leaves it as it is.
    Warning,
    /// A named difference that a person must accept before the fold is made.
    Review,
    /// The hand-off is left alone because of it.
    Refusal,
    /// The repository cannot be read.
    Error,
}

impl Severity {
    /// Its name, in lower case.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Review => "review",
            Self::Refusal => "refusal",
            Self::Error => "error",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Declares every code once: its variant, its name, its severity and its title. The page is found by the name.
macro_rules! codes {
    ($($variant:ident $name:literal $severity:ident $title:literal)+) => {
        /// What kind of thing a finding is.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $(#[doc = $title] $variant,)+
        }

        impl Code {
            /// All codes, sorted by name.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// Its name, as users write it: a kebab-case sentence without a verb.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// What it says, in one line.
            #[must_use]
            pub const fn title(self) -> &'static str {
                match self { $(Self::$variant => $title,)+ }
            }

            /// How much weight it has.
            #[must_use]
            pub const fn severity(self) -> Severity {
                match self { $(Self::$variant => Severity::$severity,)+ }
            }

            /// Its page in the book, in Markdown.
            #[must_use]
            pub const fn page(self) -> &'static str {
                match self { $(Self::$variant => include_str!(concat!("../../docs/codes/", $name, ".md")),)+ }
            }
        }
    };
}

codes! {
    FilesNotWritten "files-not-written" Error "The folded files could not be written, and none was"
    InternalError "internal-error" Error "stagefold itself failed on this repository"
    NoVersionControl "no-version-control" Error "The folder is not under version control, so nothing is written there"
    NullScriptItem "null-script-item" Warning "A script item that holds a comment and no command"
    SelfCheckFailed "self-check-failed" Error "The folded files failed their own check"
    UncommittedChanges "uncommitted-changes" Error "Files that the fold would write hold changes that are not committed"
}

/// A name that is no code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownCode(pub String);

impl fmt::Display for UnknownCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "there is no finding called '{}'", self.0)
    }
}

impl std::error::Error for UnknownCode {}

impl FromStr for Code {
    type Err = UnknownCode;

    fn from_str(name: &str) -> Result<Self, UnknownCode> {
        Self::ALL.iter().copied().find(|code| code.name() == name).ok_or_else(|| UnknownCode(name.to_owned()))
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::Code;

    #[test]
    fn the_table_is_sorted_and_its_names_are_kebab_case() {
        let names: Vec<_> = Code::ALL.iter().map(|code| code.name()).collect();
        assert!(names.is_sorted(), "{names:?}");
        assert!(
            names.iter().all(|name| name
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte == b'-' || byte.is_ascii_digit()))
        );
    }

    #[test]
    fn every_page_opens_with_its_code_and_says_more_than_its_title() {
        for code in Code::ALL {
            let page = code.page();
            assert_eq!(page.lines().next(), Some(format!("# {code}").as_str()));
            assert!(page.contains(code.title()), "{code}: the page lacks the title");
            assert!(page.lines().count() > 4, "{code}: the page is empty");
        }
    }

    #[test]
    fn a_name_finds_its_code() {
        assert!(Code::ALL.iter().all(|code| code.name().parse() == Ok(*code)));
        assert!("no-such-code".parse::<Code>().is_err());
    }
}
