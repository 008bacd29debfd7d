use std::fmt;

/// The instructions of a Dockerfile (Dockerfile reference: overview).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Keyword {
    /// `ADD`: files from the context, an archive, a repository or an address.
    Add,
    /// `ARG`: a build argument.
    Arg,
    /// `CMD`: what a container runs.
    Cmd,
    /// `COPY`: files from the context, a stage or an image.
    Copy,
    /// `ENTRYPOINT`: what a container always runs.
    Entrypoint,
    /// `ENV`: an environment variable.
    Env,
    /// `EXPOSE`: a port.
    Expose,
    /// `FROM`: a new stage.
    From,
    /// `HEALTHCHECK`: how to tell that a container works.
    Healthcheck,
    /// `LABEL`: metadata.
    Label,
    /// `MAINTAINER`: an author; deprecated.
    Maintainer,
    /// `ONBUILD`: an instruction for the images that build on this one.
    Onbuild,
    /// `RUN`: a command of the build.
    Run,
    /// `SHELL`: what runs the shell forms.
    Shell,
    /// `STOPSIGNAL`: the signal that ends a container.
    Stopsignal,
    /// `USER`: who runs the commands.
    User,
    /// `VOLUME`: a mount point.
    Volume,
    /// `WORKDIR`: the working directory.
    Workdir,
    /// None of them.
    Unknown,
}

const NAMES: [(Keyword, &str); 18] = [
    (Keyword::Add, "ADD"),
    (Keyword::Arg, "ARG"),
    (Keyword::Cmd, "CMD"),
    (Keyword::Copy, "COPY"),
    (Keyword::Entrypoint, "ENTRYPOINT"),
    (Keyword::Env, "ENV"),
    (Keyword::Expose, "EXPOSE"),
    (Keyword::From, "FROM"),
    (Keyword::Healthcheck, "HEALTHCHECK"),
    (Keyword::Label, "LABEL"),
    (Keyword::Maintainer, "MAINTAINER"),
    (Keyword::Onbuild, "ONBUILD"),
    (Keyword::Run, "RUN"),
    (Keyword::Shell, "SHELL"),
    (Keyword::Stopsignal, "STOPSIGNAL"),
    (Keyword::User, "USER"),
    (Keyword::Volume, "VOLUME"),
    (Keyword::Workdir, "WORKDIR"),
];

impl Keyword {
    /// The keyword that `name` writes, in upper or lower case.
    #[must_use]
    pub fn new(name: &str) -> Self {
        let found = NAMES.iter().find(|(_, known)| known.eq_ignore_ascii_case(name));
        found.map_or(Self::Unknown, |(keyword, _)| *keyword)
    }

    /// Its name in upper case; `""` for an unknown one.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        NAMES.iter().find(|(keyword, _)| *keyword == self).map_or("", |(_, name)| name)
    }

    /// Whether flags such as `--from=builder` may follow it.
    #[must_use]
    pub const fn takes_flags(self) -> bool {
        matches!(self, Self::Add | Self::Copy | Self::From | Self::Healthcheck | Self::Run)
    }

    /// Whether here-documents may follow it (Dockerfile reference: here-documents).
    #[must_use]
    pub const fn takes_heredocs(self) -> bool {
        matches!(self, Self::Add | Self::Copy | Self::Run)
    }
}

impl fmt::Display for Keyword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::{Keyword, NAMES};

    #[test]
    fn every_keyword_is_read_back_in_any_case() {
        for (keyword, name) in NAMES {
            assert_eq!(Keyword::new(keyword.as_str()), keyword);
            assert_eq!(Keyword::new(&name.to_lowercase()), keyword);
        }
        assert_eq!(Keyword::new("RUNS"), Keyword::Unknown);
    }
}
