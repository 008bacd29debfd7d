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

fn replaced(word: &str, named: &[(String, String)]) -> Option<String> {
    named.iter().find(|(name, _)| is_same_image(name, word)).map(|(_, image)| image.clone())
}

#[cfg(test)]
mod tests {
    use super::with_names;

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
