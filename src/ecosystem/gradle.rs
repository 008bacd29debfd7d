use super::caches::Cache;
use super::folder::Folder;
use super::{Ecosystem, Refusal};

/// A build script of gradle is a program, which may read anything; so there is no layer. Its cache allows one process
/// on one machine to write at a time (Gradle, "Dependency caching": shared caches).
pub(super) const ECOSYSTEM: Ecosystem = Ecosystem {
    split: |_, words| match words {
        [program, rest @ ..] if is_gradle(program) && rest.contains(&"dependencies") => {
            Err(Refusal::without_place("the build scripts of gradle are programs, which may read any file"))
        }
        _ => Ok(None),
    },
    is_harmless: |_, words| matches!(words, ["gradle", "-v" | "--version"]),
    redirecting: &[],
    cache: Some(Cache {
        is_locked: true,
        is_for_scripts: true,
        moved_by: &[("GRADLE_USER_HOME", ""), ("GRADLE_OPTS", "gradle.user.home"), ("GRADLE_RO_DEP_CACHE", "")],
        relied_on,
        ..Cache::new("gradle", calls_gradle, |_, _| &["/root/.gradle/caches", "/root/.gradle/wrapper"])
    }),
};

fn is_gradle(program: &str) -> bool {
    matches!(program.rsplit('/').next(), Some("gradle" | "gradlew"))
}

fn calls_gradle(words: &[&str]) -> bool {
    let is_question = matches!(words, [_, "-v" | "--version"]);
    let is_call = words.first().is_some_and(|program| is_gradle(program));
    is_call && !is_question || matches!(words, ["sh" | "bash", "gradlew" | "./gradlew", ..])
}

fn relied_on(_: &Folder<'_>, commands: &[Vec<&str>]) -> Option<String> {
    let is_elsewhere =
        |word: &&str| *word == "-g" || word.starts_with("--gradle-user-home") || word.contains("gradle.user.home");
    let mut words = commands.iter().filter(|words| calls_gradle(words)).flatten();
    words.find_map(|word| match *word {
        "--offline" => Some("gradle is told to download nothing".to_owned()),
        _ if is_elsewhere(word) => Some(format!("`{word}` says where gradle keeps its downloads")),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use crate::ecosystem::Split;
    use crate::ecosystem::tests::{caches, harmless, refusal, split_at_root};

    #[test]
    fn there_is_a_cache_and_no_layer() {
        let files = [("build.gradle", "plugins { id 'java' }\n"), ("gradlew", "")];
        assert!(refusal("./gradlew dependencies", &files).0.contains("programs"));
        assert_eq!(split_at_root("./gradlew build", &files), Split::NotAnInstall);
        let expected = "--mount=type=cache,target=/root/.gradle/caches,sharing=locked --mount=type=cache,target=/root/.gradle/wrapper,sharing=locked";
        assert_eq!(caches("./gradlew build", &files), Ok(expected.to_owned()));
        assert!(harmless("gradle --version", &files) && !harmless("./gradlew --version", &files));
    }

    #[test]
    fn a_cache_elsewhere_or_one_that_the_build_counts_on_is_left_alone() {
        assert!(caches("gradle -g .gradle build", &[]).unwrap_err().contains("`-g`"));
        assert!(caches("./gradlew --offline build", &[]).unwrap_err().contains("download nothing"));
    }
}
