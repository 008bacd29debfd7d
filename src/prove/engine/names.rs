//! A Dockerfile that takes images of the same pipeline by the names that these have on this machine, for builders that cannot be
//! told so otherwise.

use crate::handoff::is_same_image;

/// The Dockerfile with these names, each with what takes its place, in `FROM`, `--from=` and `from=`.
pub(super) fn with_names(dockerfile: &str, named: &[(String, String)]) -> String {
    let line = |line: &str| {
        let instruction = line.split_whitespace().next().unwrap_or_default().to_ascii_uppercase();
        let own = |word: &str| match (instruction.as_str(), word.rsplit_once("from=")) {
            ("COPY" | "ADD" | "RUN", Some((before, name))) => {
                let (name, rest) =
                    name.split_once(',').map_or((name, String::new()), |(name, rest)| (name, format!(",{rest}")));
                replaced(name, named).map(|image| format!("{before}from={image}{rest}"))
            }
            ("FROM", _) => replaced(word, named),
            _ => None,
        };
        line.split_inclusive(char::is_whitespace)
            .map(|piece| {
                let word = piece.trim_end();
                let blank = piece.get(word.len()..).unwrap_or_default();
                own(word).map_or_else(|| piece.to_owned(), |word| word + blank)
            })
            .collect::<String>()
    };
    dockerfile.split_inclusive('\n').map(line).collect()
}

/// The names of images that a Dockerfile may take: in `FROM`, `--from=` and `from=`, and as the values of arguments; those of its
/// own stages are not among them.
pub(in crate::prove) fn names_of_images(dockerfile: &str) -> Vec<String> {
    let (mut names, mut stages) = (Vec::new(), Vec::new());
    for line in dockerfile.lines() {
        let words: Vec<_> = line.split_whitespace().collect();
        let Some((instruction, rest)) = words.split_first() else { continue };
        match (instruction.to_ascii_uppercase().as_str(), rest) {
            ("FROM", rest) => {
                let mut rest = rest.iter().filter(|word| !word.starts_with("--"));
                names.extend(rest.next().map(ToString::to_string));
                stages.extend(rest.nth(1).map(ToString::to_string));
            }
            ("ARG", rest) => names.extend(rest.iter().filter_map(|word| Some(word.split_once('=')?.1.to_owned()))),
            ("COPY" | "ADD" | "RUN", rest) => {
                let from = rest.iter().filter_map(|word| word.rsplit_once("from="));
                names.extend(from.map(|(_, name)| name.split(',').next().unwrap_or_default().to_owned()));
            }
            _ => {}
        }
    }
    let plain = names.into_iter().map(|name| name.trim_matches(['"', '\'']).to_owned());
    plain.filter(|name| !name.is_empty() && !stages.contains(name)).collect()
}

fn replaced(word: &str, named: &[(String, String)]) -> Option<String> {
    named.iter().find(|(name, _)| is_same_image(name, word)).map(|(_, image)| image.clone())
}

#[cfg(test)]
mod tests {
    use super::{names_of_images, with_names};

    #[test]
    fn names_of_images_are_whole_and_no_stages() {
        let text = "ARG BASE=shop/base\nFROM --platform=x ${BASE} AS base\nFROM base\nCOPY --from=app:1 /app /app\n\
            RUN --mount=type=bind,from=tools,target=/x y\nWORKDIR /app\n";
        assert_eq!(names_of_images(text), ["shop/base", "${BASE}", "app:1", "tools"]);
    }

    #[test]
    fn only_names_of_images_are_replaced() {
        let named = [("shop/base".to_owned(), "own:1".to_owned())];
        let before = "FROM shop/base:latest AS a\nFROM --platform=x shop/base\nCOPY --from=shop/base /a /b\n\
            RUN --mount=type=bind,from=shop/base,target=/x echo shop/base\nLABEL x=shop/base\n";
        let after = "FROM own:1 AS a\nFROM --platform=x own:1\nCOPY --from=own:1 /a /b\n\
            RUN --mount=type=bind,from=own:1,target=/x echo shop/base\nLABEL x=shop/base\n";
        assert_eq!(with_names(before, &named), after);
    }
}
