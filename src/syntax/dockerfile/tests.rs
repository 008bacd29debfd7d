use super::{Arguments, Command, Dockerfile, Instruction, Keyword, Word};

/// The first instruction of `text`.
fn first(text: &str) -> Instruction {
    Dockerfile::parse(text).instructions.swap_remove(0)
}

#[test]
fn lines_are_joined_and_their_bytes_known() {
    let text = "  run a \\\n# note\n\n  b \\ \t\n  c  \nFROM x\n";
    let file = Dockerfile::parse(text);
    let run = &file.instructions[0];
    assert_eq!(run.keyword, Keyword::Run);
    assert_eq!(run.shell_text(), Some("a   b   c"));
    assert_eq!(run.span.slice(text), "run a \\\n# note\n\n  b \\ \t\n  c");
    assert_eq!(run.line_span.slice(text), "  run a \\\n# note\n\n  b \\ \t\n  c  \n");
    assert_eq!(run.inner_comments[0].slice(text), "# note\n");
    assert_eq!(file.instructions[1].from().unwrap().image.text(), "x");
}

#[test]
fn a_backtick_escapes_where_the_file_says_so() {
    let file = Dockerfile::parse("# escape=`\nFROM x\nCOPY a `\n  c:\\dir\\\nRUN b");
    assert_eq!(file.escape, '`');
    let copy = file.instructions[1].copy().unwrap();
    assert_eq!(copy.destination.text(), "c:\\dir\\");
    assert_eq!(file.instructions.len(), 3);
}

#[test]
fn directives_stand_only_at_the_very_top() {
    let file = Dockerfile::parse("\u{feff}#Syntax = a/b\n# escape=`\n# note\n# check=skip=all\nFROM x");
    assert_eq!(file.directives.len(), 2);
    assert_eq!(file.directives[0].value_span.slice(file.text()), "a/b");
    assert_eq!(file.instructions[0].comments.len(), 2);
    assert!(Dockerfile::parse("\n# escape=`\nFROM x").directives.is_empty());
    assert_eq!(Dockerfile::parse("# escape=`\n# escape=`\nFROM x").problems.len(), 1);
    assert_eq!(Dockerfile::parse("# escape=x\nFROM x").escape, '\\');
}

#[test]
fn comments_belong_to_what_follows_without_a_blank_line() {
    let text = "FROM x\n# far\n\n# near\n  # nearer\nRUN a\n";
    let file = Dockerfile::parse(text);
    assert_eq!(file.instructions[1].owned_span().slice(text), "# near\n  # nearer\nRUN a\n");
}

#[test]
fn heredocs_have_bodies_and_ends() {
    let text = "RUN cat <<-A > /a && cat <<'B'\n\tone\n\tA\nRUN no\nB\nRUN c";
    let file = Dockerfile::parse(text);
    let run = &file.instructions[0];
    let bodies: Vec<_> = run.heredocs.iter().map(|heredoc| heredoc.body.slice(text)).collect();
    assert_eq!(bodies, ["\tone\n", "RUN no\n"]);
    assert_eq!(run.heredocs[0].terminator.unwrap().slice(text), "\tA");
    assert_eq!(run.heredocs[0].operator.slice(text), "<<-A");
    assert_eq!((run.heredocs[0].expand, run.heredocs[1].expand), (true, false));
    assert!(run.span.slice(text).ends_with("\nB"));
    assert_eq!(file.instructions.len(), 2);
}

#[test]
fn an_open_heredoc_is_a_problem() {
    let file = Dockerfile::parse("RUN cat <<EOF\nbody\n");
    assert_eq!(file.instructions[0].heredocs[0].body.slice(file.text()), "body\n");
    assert!(file.problems[0].message.contains("EOF"));
}

#[test]
fn heredoc_sources_are_told_apart() {
    let text = "COPY <<EOF b.txt /d/\nhi\nEOF\n";
    let copy = first(text);
    let view = copy.copy().unwrap();
    assert_eq!(view.sources[0].heredoc.unwrap().body.slice(text), "hi\n");
    assert!(view.sources[1].heredoc.is_none());
}

#[test]
fn an_onbuild_holds_an_instruction() {
    let text = "ONBUILD COPY --from=b <<E /x\nE\n";
    let onbuild = first(text);
    let inner = onbuild.onbuild.as_deref().unwrap();
    assert_eq!(inner.flag_value("from").unwrap().text(), "b");
    assert_eq!(inner.span.slice(text), "COPY --from=b <<E /x\nE");
    assert_eq!(inner.heredocs.len(), 1);
    assert!(onbuild.heredocs.is_empty());
    let file = Dockerfile::parse(&"ONBUILD ".repeat(9000));
    assert!(!file.problems.is_empty());
}

#[test]
fn flags_may_stand_on_several_lines() {
    let text = "COPY --from=a \\\n  # why\n  --chown=\"1 2\":3 \\\n  --link b c";
    let copy = first(text);
    let view = copy.copy().unwrap();
    assert_eq!((view.from.unwrap().text(), view.chown.unwrap().text()), ("a", "1 2:3"));
    assert_eq!(view.chown.unwrap().span.slice(text), "\"1 2\":3");
    assert!(view.link && !view.parents);
    assert_eq!(view.sources[0].operand.span().slice(text), "b");
}

#[test]
fn a_json_form_that_is_not_valid_is_a_shell_form() {
    assert_eq!(first("CMD [\"node\" \"server.js\"]").shell_text(), Some("[\"node\" \"server.js\"]"));
    let cmd = first("CMD [ \"node\", \\\n \"server.js\" ]");
    let Some(Command::Exec(words)) = cmd.command() else { panic!("not a JSON form") };
    assert_eq!(words[1].value, "server.js");
    assert_eq!(Dockerfile::parse("FROM a\nCMD [1]").problems.len(), 1);
    assert_eq!(Dockerfile::parse("FROM a\nCMD [1 \"a\"]").problems.len(), 0);
}

#[test]
fn pairs_come_in_two_ways() {
    let env = first("ENV a=\"b c\" d=e\\ f g=");
    let shown: Vec<_> =
        env.pairs().iter().map(|pair| (pair.name.text(), pair.value.as_ref().map(Word::text))).collect();
    assert_eq!(shown, [("a", Some("\"b c\"")), ("d", Some("e\\ f")), ("g", Some(""))]);
    let old = first("ENV a  b  c=d ");
    assert!(old.pairs()[0].legacy);
    assert_eq!(old.pairs()[0].value.as_ref().unwrap().text(), "b  c=d");
    assert_eq!(first("ARG a b=1").pairs().len(), 2);
}

#[test]
fn mounts_are_read_field_by_field() {
    let text = "RUN --mount=type=bind,from=b,src=\"/a b\",ro --mount=target=/x make";
    let run = first(text);
    let mounts = run.mounts();
    assert_eq!(mounts[0].kind(), "bind");
    assert_eq!(mounts[0].from().unwrap().span.slice(text), "b");
    assert_eq!(mounts[0].source().unwrap().text(), "/a b");
    assert_eq!(mounts[0].fields[3].key, "ro");
    assert_eq!(mounts[1].target().unwrap().text(), "/x");
    assert_eq!(run.shell_text(), Some("make"));
}

#[test]
fn a_healthcheck_has_flags_a_kind_and_a_command() {
    let check = first("HEALTHCHECK --interval=5s CMD curl -f x || exit 1");
    assert_eq!(check.shell_text(), Some("curl -f x || exit 1"));
    let Arguments::Health(health) = &check.arguments else { panic!("no check") };
    assert_eq!(health.kind.text(), "CMD");
    assert!(Dockerfile::parse("FROM a\nHEALTHCHECK NONE").problems.is_empty());
}

#[test]
fn a_file_may_end_in_the_middle() {
    let text = "FROM a\nRUN b \\\n";
    let file = Dockerfile::parse(text);
    assert_eq!(file.instructions[1].shell_text(), Some("b"));
    assert_eq!(file.instructions[1].dangling.unwrap().slice(text), "\\");
    assert_eq!(Dockerfile::parse("FROM a").instructions[0].line_span.len(), 6);
    assert_eq!(Dockerfile::parse("").problems.len(), 1);
}

#[test]
fn crlf_and_tabs_are_no_part_of_words() {
    let text = "FROM\ta\tAS\tb\r\nWORKDIR /x y \r\nRUN a \\\r\n b\r\n";
    let file = Dockerfile::parse(text);
    assert_eq!(file.instructions[0].from().unwrap().name.unwrap().text(), "b");
    assert_eq!(file.instructions[1].single().unwrap().text(), "/x y");
    assert_eq!(file.instructions[2].shell_text(), Some("a  b"));
    assert!(file.problems.is_empty());
}

#[test]
fn what_is_unknown_is_kept() {
    let file = Dockerfile::parse("FROM a\nRUNS b c\n");
    assert_eq!(file.instructions[1].keyword, Keyword::Unknown);
    assert_eq!(file.problems[0].message, "unknown instruction: RUNS");
}
