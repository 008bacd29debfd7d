//! What holds for every Dockerfile, whatever is in it.

use proptest::prelude::*;
use stagefold::syntax::dockerfile::{Arguments, CopyPart, Dockerfile, Instruction};
use stagefold::text::{Span, TextEdit};

/// Texts made of what matters to the parser, in any order.
fn any_pieces() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "FROM ",
        "a",
        "RUN",
        "COPY ",
        "ONBUILD ",
        "ENV ",
        "HEALTHCHECK ",
        "--from=b ",
        "--link",
        " ",
        "\t",
        "\n",
        "\r\n",
        "\\\n",
        "\\",
        "`",
        "#",
        "# x\n",
        "# escape=`\n",
        "<<E",
        "<<-'E' ",
        "E\n",
        "\"",
        "'",
        "[",
        "]",
        ",",
        "$",
        "{",
        "}",
        "=",
        "é",
        "\u{feff}",
        "\u{a0}",
        "&&",
        "--",
        "--mount=type=bind,from=c,",
    ]);
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

/// Well-formed files: instructions with comments, blank lines, continuations, here-documents.
fn any_file() -> impl Strategy<Value = String> {
    let instruction = prop::sample::select(vec![
        "FROM a AS b\n",
        "RUN c && \\\n  # why\n\n  d\n",
        "COPY --chown=1 e f \\\n  g/\n",
        "copy [\"h\", \"i\"]\n",
        "ENV J=k L=\"m n\"\n",
        "RUN <<E cat\no\nE\n",
        "COPY <<E p q/\nr\nE\n",
        "CMD [\"s\" \"t\"]\n",
        "ONBUILD COPY --from=u v w\n",
        "  ADD x y\n",
        "ARG Z\n",
        "EXPOSE 80\n",
    ]);
    let line = prop_oneof![
        3 => instruction.prop_map(str::to_owned),
        1 => Just("\n".to_owned()),
        1 => Just("# note\n".to_owned()),
    ];
    (prop::collection::vec(line, 0..8), any::<bool>(), any::<bool>()).prop_map(|(lines, crlf, cut)| {
        let text = format!("FROM base\n{}", lines.concat());
        let text = if cut { text.trim_end().to_owned() } else { text };
        if crlf { text.replace('\n', "\r\n") } else { text }
    })
}

/// What an instruction says, told without places.
fn said(instruction: &Instruction, text: &str) -> String {
    let flags =
        instruction.flags.iter().map(|flag| format!("--{}={:?}", flag.name, flag.value.as_ref().map(|v| v.text())));
    let arguments = match &instruction.arguments {
        Arguments::Words(words) => words.iter().map(|word| word.text().to_owned()).collect(),
        Arguments::Json(words) => words.iter().map(|word| word.value.clone()).collect(),
        Arguments::Shell(word) => vec![word.text().trim_end().to_owned()],
        Arguments::KeyValues(pairs) => pairs.iter().map(|pair| pair.span.slice(text).to_owned()).collect(),
        Arguments::None | Arguments::Health(_) => Vec::new(),
    };
    let bodies = instruction.heredocs.iter().map(|heredoc| heredoc.body.slice(text).to_owned());
    let inner = instruction.onbuild.as_ref().map(|inner| said(inner, text));
    let (flags, bodies): (Vec<_>, Vec<_>) = (flags.collect(), bodies.collect());
    format!("{} {flags:?} {arguments:?} {bodies:?} {inner:?}", instruction.keyword)
}

fn all_said(text: &str) -> Vec<String> {
    Dockerfile::parse(text).instructions.iter().map(|instruction| said(instruction, text)).collect()
}

fn applied(edit: &TextEdit, text: &str) -> String {
    edit.apply(text).unwrap_or_else(|| "the edit does not fit its text".to_owned())
}

fn spans_of(instruction: &Instruction) -> Vec<Span> {
    let mut spans = vec![instruction.keyword_span];
    spans.extend(instruction.flags.iter().map(|flag| flag.span));
    match &instruction.arguments {
        Arguments::Words(words) => spans.extend(words.iter().map(|word| word.span)),
        Arguments::Json(words) => spans.extend(words.iter().map(|word| word.span)),
        Arguments::Shell(word) => spans.push(word.span),
        Arguments::KeyValues(pairs) => spans.extend(pairs.iter().map(|pair| pair.span)),
        Arguments::None | Arguments::Health(_) => {}
    }
    spans.extend(instruction.heredocs.iter().map(|heredoc| heredoc.body).filter(|body| !body.is_empty()));
    spans
}

/// Whether each line is blank, a comment, or in an instruction.
fn accounts_for_every_line(file: &Dockerfile) -> bool {
    let mut start = 0;
    file.text().split_inclusive('\n').all(|line| {
        let content = line.trim_start_matches('\u{feff}').trim();
        let first = start + line.len() - line.trim_start_matches('\u{feff}').trim_start().len();
        start += line.len();
        let covered = file.instructions.iter().any(|instruction| instruction.line_span.contains(first));
        content.is_empty() || content.starts_with('#') || covered
    })
}

proptest! {
    #[test]
    fn any_text_can_be_read(text in any::<String>()) {
        let file = Dockerfile::parse(&text);
        prop_assert_eq!(file.text(), text.as_str());
    }

    #[test]
    fn instructions_are_sorted_disjoint_and_leave_no_line_out(text in any_pieces()) {
        let file = Dockerfile::parse(&text);
        let mut end = 0;
        for instruction in &file.instructions {
            prop_assert!(instruction.owned_span().start() >= end);
            prop_assert!(instruction.line_span.covers(instruction.span));
            end = instruction.line_span.end();
        }
        prop_assert!(end <= text.len());
        prop_assert!(accounts_for_every_line(&file));
    }

    #[test]
    fn parts_lie_in_order_within_their_instruction(text in any_pieces()) {
        let file = Dockerfile::parse(&text);
        for instruction in &file.instructions {
            let mut end = instruction.span.start();
            for span in spans_of(instruction) {
                prop_assert!(span.start() >= end && span.end() <= instruction.line_span.end(), "{:?} {:?}", span, instruction);
                prop_assert!(text.is_char_boundary(span.start()) && text.is_char_boundary(span.end()));
                end = span.end();
            }
        }
    }

    #[test]
    fn a_word_on_one_line_is_its_bytes(text in any_pieces()) {
        let file = Dockerfile::parse(&text);
        for word in file.instructions.iter().flat_map(Instruction::words) {
            let bytes = word.span.slice(&text);
            prop_assert!(bytes.contains('\n') || bytes == word.text(), "{:?} {:?}", bytes, word.text());
        }
    }

    #[test]
    fn views_and_edits_of_any_text_do_not_panic(text in any_pieces()) {
        let file = Dockerfile::parse(&text);
        for instruction in &file.instructions {
            let _ = (instruction.from(), instruction.copy(), instruction.command(), instruction.mounts());
            let edits = [
                Some(file.set_flag(instruction, "from", Some("x"))),
                file.replace_source(instruction, 0, "x y"),
                file.insert_after(instruction, "RUN x"),
                file.remove(instruction),
                instruction.flags.first().map(|flag| file.remove_flag(flag)),
            ];
            for edit in edits.iter().flatten() {
                prop_assert!(edit.apply(&text).is_some());
            }
        }
    }

    #[test]
    fn a_removed_instruction_is_the_only_one_that_goes(text in any_file(), index in any::<prop::sample::Index>()) {
        let file = Dockerfile::parse(&text);
        let index = index.index(file.instructions.len());
        let mut expected = all_said(&text);
        expected.remove(index);
        if let Some(edit) = file.remove(&file.instructions[index]) {
            prop_assert_eq!(all_said(&applied(&edit, &text)), expected);
        }
    }

    #[test]
    fn inserted_lines_are_the_only_ones_that_come(
        text in any_file(), index in any::<prop::sample::Index>(), before in any::<bool>(), paragraph in any::<bool>(),
    ) {
        let file = Dockerfile::parse(&text);
        let index = index.index(file.instructions.len());
        let instruction = &file.instructions[index];
        let edit = match (before, paragraph) {
            (true, true) => Some(file.insert_paragraph_before(instruction, "USER new")),
            (true, false) => Some(file.insert_before(instruction, "USER new")),
            (false, _) => file.insert_after(instruction, "USER new"),
        };
        let mut expected = all_said(&text);
        expected.insert(if before { index } else { index + 1 }, "USER [] [\"new\"] [] None".to_owned());
        let result = applied(&edit.unwrap(), &text);
        prop_assert_eq!(all_said(&result), expected);
        prop_assert_eq!(result.ends_with('\n'), text.ends_with('\n'));
        prop_assert_eq!(result.matches("\r\n").count() > 0, text.contains("\r\n"));
    }

    #[test]
    fn a_flag_changes_nothing_else(text in any_file(), index in any::<prop::sample::Index>(), value in "[ -~]{0,8}") {
        let file = Dockerfile::parse(&text);
        let index = index.index(file.instructions.len());
        let result = applied(&file.set_flag(&file.instructions[index], "new", Some(&value)), &text);
        let changed = Dockerfile::parse(&result);
        prop_assert_eq!(changed.instructions[index].flag_value("new").unwrap().text(), value);
        let back = applied(&changed.remove_flag(changed.instructions[index].flag("new").unwrap()), &result);
        prop_assert_eq!(back, text);
    }

    #[test]
    fn a_source_changes_nothing_else(text in any_file(), index in any::<prop::sample::Index>(), path in "[a-z$*./ \"'\\\\<-]{1,8}") {
        let file = Dockerfile::parse(&text);
        let index = index.index(file.instructions.len());
        if let Some(edit) = file.replace_source(&file.instructions[index], 0, &path) {
            let result = applied(&edit, &text);
            let changed = Dockerfile::parse(&result);
            let view = changed.instructions[index].copy().unwrap();
            let old = file.instructions[index].copy().unwrap();
            prop_assert_eq!(view.sources[0].operand.text().trim_matches(['"', '\'']), path.trim_matches(['"', '\'']));
            prop_assert_eq!(view.sources.len(), old.sources.len());
            prop_assert_eq!(view.destination.text(), old.destination.text());
            let (before, after) = (all_said(&text), all_said(&result));
            prop_assert_eq!(&before[..index], &after[..index]);
            prop_assert_eq!(&before[index + 1..], &after[index + 1..]);
        }
    }

    #[test]
    fn a_split_copies_the_same_sources_in_order(text in any_file(), index in any::<prop::sample::Index>()) {
        let file = Dockerfile::parse(&text);
        let index = index.index(file.instructions.len());
        let instruction = &file.instructions[index];
        let sources: Vec<String> = instruction.copy().map_or(Vec::new(), |view| {
            view.sources.iter().map(|source| source.operand.text().to_owned()).collect()
        });
        let parts: Vec<_> = sources.iter().map(|source| CopyPart { sources: vec![source.clone()], ..CopyPart::default() }).collect();
        if let Some(edit) = file.write_copy(instruction, &parts) {
            let changed = Dockerfile::parse(&applied(&edit, &text));
            for (source, copy) in sources.iter().zip(&changed.instructions[index..]) {
                prop_assert_eq!(copy.copy().unwrap().sources[0].operand.text(), source);
                prop_assert_eq!(copy.flags.len(), instruction.flags.len());
            }
            prop_assert_eq!(changed.instructions.len(), file.instructions.len() + sources.len() - 1);
        }
    }
}
