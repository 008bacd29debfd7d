/// What another parser is known to get wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// A path of `WORKDIR` may hold no blank.
    BlankInPathIsError,
    /// A blank line ends an instruction that a `\` carries on.
    BlankLineInContinuationIsError,
    /// A byte order mark is not known.
    ByteOrderMarkIsError,
    /// No `\` may stand at the end of the file.
    ContinuationAtEndIsError,
    /// A source may not start with a dash.
    DashedSourceIsError,
    /// The `--` that ends the flags is one.
    DoubleDashIsFlag,
    /// The `--` that ends the flags is a source.
    DoubleDashIsSource,
    /// An empty array is refused.
    EmptyJsonIsError,
    /// A variable may not be empty.
    EmptyValueIsError,
    /// `# escape=` has no effect: the continuation is text, and the next line nothing.
    EscapeDirectiveIsError,
    /// `# escape=` has no effect: a `\` at the end of a line swallows the next instruction.
    EscapeDirectiveSwallowsInstruction,
    /// No blank may be escaped.
    EscapedBlankIsError,
    /// Two `\` at the end of a line carry it on.
    EscapedEscapeCarriesOn,
    /// The quotes around the value of a flag are part of it.
    FlagKeepsQuotes,
    /// A here-document is known only right behind `RUN`.
    HeredocBehindCommandIsError,
    /// The body of a here-document is an instruction.
    HeredocBodyIsInstruction,
    /// Here-documents are not known.
    HeredocIsError,
    /// The first tabs of a body are not part of it.
    HeredocLosesTabs,
    /// `<<` always announces a here-document.
    HeredocSignIsError,
    /// `COPY` has no JSON form.
    JsonCopyIsError,
    /// A flag without a value is a source.
    LinkFlagBecomesSource,
    /// `ADD`, `HEALTHCHECK`, `ONBUILD` and `SHELL` are read no further than their keyword.
    OtherInstructionIsPlainText,
    /// The flags of `RUN` are part of its command.
    RunFlagIsCommand,
    /// An instruction has no second here-document.
    SecondHeredocIsError,
    /// `ARG` takes one name.
    SeveralArgsAreError,
    /// Single quotes make a JSON array.
    SingleQuotesMakeJson,
}

impl Fault {
    /// Whether the parser gives up; else it says something wrong, which is worse.
    pub(crate) const fn is_error(self) -> bool {
        !matches!(
            self,
            Self::DoubleDashIsFlag
                | Self::DoubleDashIsSource
                | Self::EscapeDirectiveSwallowsInstruction
                | Self::EscapedEscapeCarriesOn
                | Self::FlagKeepsQuotes
                | Self::HeredocBodyIsInstruction
                | Self::HeredocLosesTabs
                | Self::LinkFlagBecomesSource
                | Self::OtherInstructionIsPlainText
                | Self::RunFlagIsCommand
                | Self::SingleQuotesMakeJson
        )
    }
}

/// A construct, and who reads it wrong.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) text: &'static str,
    /// What BuildKit reads, in the form of [`super::reading::Parts::line`].
    pub(crate) reads: &'static [&'static str],
    pub(crate) parse_dockerfile: Option<Fault>,
    pub(crate) dockerfile_parser: Option<Fault>,
    pub(crate) tree_sitter: Option<Fault>,
}

const fn row(name: &'static str, text: &'static str, reads: &'static [&'static str]) -> Row {
    Row { name, text, reads, parse_dockerfile: None, dockerfile_parser: None, tree_sitter: None }
}

impl Row {
    const fn parse_dockerfile(self, fault: Fault) -> Self {
        Self { parse_dockerfile: Some(fault), ..self }
    }

    const fn dockerfile_parser(self, fault: Fault) -> Self {
        Self { dockerfile_parser: Some(fault), ..self }
    }

    const fn tree_sitter(self, fault: Fault) -> Self {
        Self { tree_sitter: Some(fault), ..self }
    }
}

pub(crate) const ROWS: &[Row] = &[
    row("from", "FROM node:8\n", &["FROM | node:8"]),
    row("from with a name", "FROM node:8 AS builder\n", &["FROM | node:8 AS builder"]),
    row("lower case", "from node:8 as b\nrun x\n", &["FROM | node:8 AS b", "RUN | x"]),
    row("platform", "FROM --platform=linux/amd64 a AS b\n", &["FROM --platform=linux/amd64 | a AS b"]),
    row("variable in from", "ARG V=1\nFROM node:${V}-alpine\n", &["ARG | V=1", "FROM | node:${V}-alpine"]),
    row(
        "digest",
        "FROM a@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\n",
        &["FROM | a@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"],
    ),
    row("registry with a port", "FROM localhost:5000/a/b:1\n", &["FROM | localhost:5000/a/b:1"]),
    row("tab behind the keyword", "FROM\ta\nRUN\tb\n", &["FROM | a", "RUN | b"]),
    row("indented", "  FROM a\n\t RUN b\n", &["FROM | a", "RUN | b"]),
    row("no final line break", "FROM a\nRUN b", &["FROM | a", "RUN | b"]),
    row("crlf", "FROM a\r\nRUN b \\\r\n c\r\nUSER d\r\n", &["FROM | a", "RUN | b c", "USER | d"]),
    row("byte order mark", "\u{feff}FROM a\n", &["FROM | a"]).dockerfile_parser(Fault::ByteOrderMarkIsError),
    row("blank lines", "\n\nFROM a\n\n\nRUN b\n\n", &["FROM | a", "RUN | b"]),
    row("comments", "# one\nFROM a\n  # two\nRUN b\n# three", &["FROM | a", "RUN | b"]),
    row("hash in a command", "FROM a\nRUN echo # no comment\n", &["FROM | a", "RUN | echo # no comment"]),
    row("syntax directive", "# syntax=docker/dockerfile:1\nFROM a\n", &["FROM | a"]),
    row("escape directive", "# escape=`\nFROM a\nRUN b `\n c\n", &["FROM | a", "RUN | b c"])
        .dockerfile_parser(Fault::EscapeDirectiveIsError),
    row(
        "backslash at the end under an escape directive",
        "# escape=`\nFROM a\nCOPY b c:\\\nRUN d\n",
        &["FROM | a", "COPY | b c:\\", "RUN | d"],
    )
    .dockerfile_parser(Fault::EscapeDirectiveSwallowsInstruction),
    row("directive behind a comment", "# note\n# escape=`\nFROM a\nRUN b \\\n c\n", &["FROM | a", "RUN | b c"]),
    row("run", "FROM a\nRUN b && c | d; e\n", &["FROM | a", "RUN | b && c | d; e"]),
    row("run on several lines", "FROM a\nRUN b && \\\n    c\n", &["FROM | a", "RUN | b && c"]),
    row("comment in a run", "FROM a\nRUN b && \\\n  # why\n  c\n", &["FROM | a", "RUN | b && c"]),
    row("blank line in a run", "FROM a\nRUN b && \\\n\n  c\n", &["FROM | a", "RUN | b && c"])
        .dockerfile_parser(Fault::BlankLineInContinuationIsError),
    row("blanks behind a backslash", "FROM a\nRUN b && \\  \n  c\n", &["FROM | a", "RUN | b && c"]),
    row("two backslashes", "FROM a\nRUN b \\\\\nUSER c\n", &["FROM | a", "RUN | b \\\\", "USER | c"])
        .parse_dockerfile(Fault::EscapedEscapeCarriesOn)
        .dockerfile_parser(Fault::EscapedEscapeCarriesOn),
    row("word cut in two", "FROM a\nRUN ec\\\nho b\n", &["FROM | a", "RUN | echo b"]),
    row("backslash at the end of the file", "FROM a\nRUN b \\\n", &["FROM | a", "RUN | b"])
        .dockerfile_parser(Fault::ContinuationAtEndIsError)
        .tree_sitter(Fault::ContinuationAtEndIsError),
    row("arguments on the next line", "FROM a\nCOPY \\\n b \\\n c\n", &["FROM | a", "COPY | b c"]),
    row("run in json", "FROM a\nRUN [\"b\", \"c d\"]\n", &["FROM | a", "RUN | [\"b\",\"c d\"]"]),
    row("cmd in json", "FROM a\nCMD [\"node\", \"server.js\"]\n", &["FROM | a", "CMD | [\"node\",\"server.js\"]"]),
    row("json on several lines", "FROM a\nCMD [\"b\", \\\n  \"c\"]\n", &["FROM | a", "CMD | [\"b\",\"c\"]"]),
    row(
        "json without a comma",
        "FROM a\nCMD [\"node\" \"server.js\"]\n",
        &["FROM | a", "CMD | [\"node\" \"server.js\"]"],
    ),
    row("json with single quotes", "FROM a\nCMD ['b']\n", &["FROM | a", "CMD | ['b']"])
        .dockerfile_parser(Fault::SingleQuotesMakeJson),
    row("test in brackets", "FROM a\nRUN [ -f b ] || c\n", &["FROM | a", "RUN | [ -f b ] || c"]),
    row("escapes in json", "FROM a\nCMD [\"b\\\"c\"]\n", &["FROM | a", "CMD | [\"b\\\"c\"]"]),
    row("empty json", "FROM a\nENTRYPOINT []\n", &["FROM | a", "ENTRYPOINT | []"])
        .parse_dockerfile(Fault::EmptyJsonIsError),
    row("cmd in shell form", "FROM a\nCMD npm start\n", &["FROM | a", "CMD | npm start"]),
    row("entrypoint", "FROM a\nENTRYPOINT exec b\n", &["FROM | a", "ENTRYPOINT | exec b"]),
    row(
        "run with a mount",
        "FROM a\nRUN --mount=type=cache,target=/b c\n",
        &["FROM | a", "RUN --mount=type=cache,target=/b | c"],
    )
    .dockerfile_parser(Fault::RunFlagIsCommand),
    row(
        "run with two flags on two lines",
        "FROM a\nRUN --mount=type=cache,target=/b \\\n  --network=none c\n",
        &["FROM | a", "RUN --mount=type=cache,target=/b --network=none | c"],
    )
    .dockerfile_parser(Fault::RunFlagIsCommand),
    row("copy", "FROM a\nCOPY b c /d/\n", &["FROM | a", "COPY | b c /d/"]),
    row("copy from a stage", "FROM a\nCOPY --from=b /c /d\n", &["FROM | a", "COPY --from=b | /c /d"]),
    row(
        "copy with two flags",
        "FROM a\nCOPY --from=0 --chown=1:2 /c /d\n",
        &["FROM | a", "COPY --from=0 --chown=1:2 | /c /d"],
    ),
    row("copy with link", "FROM a\nCOPY --link b c\n", &["FROM | a", "COPY --link | b c"])
        .dockerfile_parser(Fault::LinkFlagBecomesSource),
    row(
        "copy with parents and exclude",
        "FROM a\nCOPY --parents --exclude=*.md b c/\n",
        &["FROM | a", "COPY --parents --exclude=*.md | b c/"],
    )
    .dockerfile_parser(Fault::LinkFlagBecomesSource),
    row("copy with a quoted flag", "FROM a\nCOPY --chown=\"b\" c d\n", &["FROM | a", "COPY --chown=b | c d"])
        .parse_dockerfile(Fault::FlagKeepsQuotes),
    row(
        "copy with flags on lines of their own",
        "FROM a\nCOPY --from=b \\\n  # why\n  --link \\\n  c d\n",
        &["FROM | a", "COPY --from=b --link | c d"],
    )
    .dockerfile_parser(Fault::LinkFlagBecomesSource),
    row("copy in json", "FROM a\nCOPY [\"b c\", \"d\"]\n", &["FROM | a", "COPY | [\"b c\",\"d\"]"])
        .dockerfile_parser(Fault::JsonCopyIsError),
    row(
        "copy in json with a flag",
        "FROM a\nCOPY --from=x [\"b c\", \"d\"]\n",
        &["FROM | a", "COPY --from=x | [\"b c\",\"d\"]"],
    )
    .dockerfile_parser(Fault::JsonCopyIsError),
    row(
        "copy with wildcards and variables",
        "FROM a\nCOPY target/*.jar ${D}/\n",
        &["FROM | a", "COPY | target/*.jar ${D}/"],
    ),
    row("copy behind a double dash", "FROM a\nCOPY -- -b c\n", &["FROM | a", "COPY | -b c"])
        .parse_dockerfile(Fault::DoubleDashIsFlag)
        .dockerfile_parser(Fault::DoubleDashIsSource),
    row("copy a dashed name", "FROM a\nCOPY -b c\n", &["FROM | a", "COPY | -b c"])
        .tree_sitter(Fault::DashedSourceIsError),
    row(
        "add",
        "FROM a\nADD --chown=1 b.tar.gz https://x/y /c/\n",
        &["FROM | a", "ADD --chown=1 | b.tar.gz https://x/y /c/"],
    )
    .dockerfile_parser(Fault::OtherInstructionIsPlainText),
    row("heredoc", "FROM a\nRUN <<EOF\nb\nEOF\nUSER c\n", &["FROM | a", "RUN | <<EOF << \"b\\n\"", "USER | c"])
        .dockerfile_parser(Fault::HeredocIsError),
    row(
        "heredoc with a redirection",
        "FROM a\nRUN cat <<EOF >f\nb\nEOF\n",
        &["FROM | a", "RUN | cat <<EOF >f << \"b\\n\""],
    )
    .parse_dockerfile(Fault::HeredocBehindCommandIsError)
    .dockerfile_parser(Fault::HeredocIsError),
    row("heredoc with quotes", "FROM a\nRUN <<'EOF'\n$b\nEOF\n", &["FROM | a", "RUN | <<'EOF' << \"$b\\n\""])
        .dockerfile_parser(Fault::HeredocIsError),
    row(
        "heredoc with tabs",
        "FROM a\nRUN cat <<-EOF\n\tb\n\tEOF\nUSER c\n",
        &["FROM | a", "RUN | cat <<-EOF << \"\\tb\\n\"", "USER | c"],
    )
    .parse_dockerfile(Fault::HeredocBehindCommandIsError)
    .dockerfile_parser(Fault::HeredocIsError)
    .tree_sitter(Fault::HeredocLosesTabs),
    row(
        "two heredocs",
        "FROM a\nRUN <<A cat && <<B cat\nx\nA\ny\nB\n",
        &["FROM | a", "RUN | <<A cat && <<B cat << \"x\\n\" << \"y\\n\""],
    )
    .parse_dockerfile(Fault::SecondHeredocIsError)
    .dockerfile_parser(Fault::HeredocIsError),
    row(
        "heredoc with an instruction in it",
        "FROM a\nRUN <<EOF\nFROM b\nEOF\n",
        &["FROM | a", "RUN | <<EOF << \"FROM b\\n\""],
    )
    .dockerfile_parser(Fault::HeredocIsError),
    row(
        "heredoc with a backslash in it",
        "FROM a\nRUN <<EOF\nb \\\nEOF\nUSER c\n",
        &["FROM | a", "RUN | <<EOF << \"b \\\\\\n\"", "USER | c"],
    )
    .dockerfile_parser(Fault::HeredocBodyIsInstruction),
    row(
        "heredoc to a program",
        "FROM a\nRUN python3 <<EOF\nprint(1)\nEOF\n",
        &["FROM | a", "RUN | python3 <<EOF << \"print(1)\\n\""],
    )
    .parse_dockerfile(Fault::HeredocBehindCommandIsError)
    .dockerfile_parser(Fault::HeredocIsError),
    row("heredoc that is empty", "FROM a\nRUN <<EOF\nEOF\n", &["FROM | a", "RUN | <<EOF << \"\""])
        .dockerfile_parser(Fault::HeredocIsError),
    row(
        "heredoc behind a continuation",
        "FROM a\nRUN b && \\\n cat <<EOF\nc\nEOF\n",
        &["FROM | a", "RUN | b && cat <<EOF << \"c\\n\""],
    )
    .parse_dockerfile(Fault::HeredocBehindCommandIsError)
    .dockerfile_parser(Fault::HeredocIsError),
    row(
        "heredoc under a mount",
        "FROM a\nRUN --mount=type=cache,target=/b <<EOF\nc\nEOF\n",
        &["FROM | a", "RUN --mount=type=cache,target=/b | <<EOF << \"c\\n\""],
    )
    .dockerfile_parser(Fault::HeredocIsError),
    row("here-string", "FROM a\nRUN cat <<<EOF\nUSER b\n", &["FROM | a", "RUN | cat <<<EOF", "USER | b"])
        .tree_sitter(Fault::HeredocSignIsError),
    row(
        "shift in arithmetic",
        "FROM a\nRUN echo $((1<<2))\nUSER b\n",
        &["FROM | a", "RUN | echo $((1<<2))", "USER | b"],
    )
    .tree_sitter(Fault::HeredocSignIsError),
    row(
        "heredoc sign in quotes",
        "FROM a\nRUN echo '<<EOF'\nUSER b\n",
        &["FROM | a", "RUN | echo '<<EOF'", "USER | b"],
    ),
    row("heredoc sign at a word", "FROM a\nRUN cat<<EOF\nUSER b\n", &["FROM | a", "RUN | cat<<EOF", "USER | b"])
        .tree_sitter(Fault::HeredocSignIsError),
    row(
        "heredoc sign in json",
        "FROM a\nRUN [\"cat\", \"<<EOF\"]\nUSER b\n",
        &["FROM | a", "RUN | [\"cat\",\"<<EOF\"]", "USER | b"],
    ),
    row(
        "copy of a heredoc",
        "FROM a\nCOPY <<EOF /b\nc\nEOF\nUSER d\n",
        &["FROM | a", "COPY | <<EOF /b << \"c\\n\"", "USER | d"],
    )
    .dockerfile_parser(Fault::HeredocIsError),
    row("env", "FROM a\nENV B=c D=\"e f\"\n", &["FROM | a", "ENV | B=c D=\"e f\""]),
    row("env on several lines", "FROM a\nENV B=c \\\n    D=e\n", &["FROM | a", "ENV | B=c D=e"]),
    row("env the old way", "FROM a\nENV B c d\n", &["FROM | a", "ENV | B c d"]),
    row("env with an escaped blank", "FROM a\nENV B=c\\ d\n", &["FROM | a", "ENV | B=c\\ d"])
        .dockerfile_parser(Fault::EscapedBlankIsError),
    row("env with an empty value", "FROM a\nENV B=\n", &["FROM | a", "ENV | B="])
        .dockerfile_parser(Fault::EmptyValueIsError),
    row("label", "FROM a\nLABEL b=\"c d\" e.f=g\n", &["FROM | a", "LABEL | b=\"c d\" e.f=g"]),
    row("arg", "FROM a\nARG B\nARG C=d\n", &["FROM | a", "ARG | B", "ARG | C=d"]),
    row("several args in one", "FROM a\nARG B C=d\n", &["FROM | a", "ARG | B C=d"])
        .dockerfile_parser(Fault::SeveralArgsAreError),
    row("workdir with blanks", "FROM a\nWORKDIR /b c\n", &["FROM | a", "WORKDIR | /b c"])
        .tree_sitter(Fault::BlankInPathIsError),
    row("user and group", "FROM a\nUSER b:c\n", &["FROM | a", "USER | b:c"]),
    row("expose", "FROM a\nEXPOSE 80 443/tcp\n", &["FROM | a", "EXPOSE | 80 443/tcp"]),
    row("volume", "FROM a\nVOLUME /b /c\n", &["FROM | a", "VOLUME | /b /c"]),
    row("volume in json", "FROM a\nVOLUME [\"/b\"]\n", &["FROM | a", "VOLUME | [\"/b\"]"]),
    row(
        "healthcheck",
        "FROM a\nHEALTHCHECK --interval=5s CMD b || exit 1\n",
        &["FROM | a", "HEALTHCHECK --interval=5s | CMD b || exit 1"],
    )
    .dockerfile_parser(Fault::OtherInstructionIsPlainText),
    row("no healthcheck", "FROM a\nHEALTHCHECK NONE\n", &["FROM | a", "HEALTHCHECK | NONE"]),
    row("onbuild", "FROM a\nONBUILD COPY --from=b c d\n", &["FROM | a", "ONBUILD COPY --from=b | c d"])
        .dockerfile_parser(Fault::OtherInstructionIsPlainText),
    row("shell", "FROM a\nSHELL [\"bash\", \"-c\"]\n", &["FROM | a", "SHELL | [\"bash\",\"-c\"]"])
        .dockerfile_parser(Fault::OtherInstructionIsPlainText),
    row("stop signal", "FROM a\nSTOPSIGNAL SIGTERM\n", &["FROM | a", "STOPSIGNAL | SIGTERM"]),
    row("maintainer", "FROM a\nMAINTAINER b <c@d>\n", &["FROM | a", "MAINTAINER | b <c@d>"]),
];
