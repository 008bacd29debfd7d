use super::caches::Cache;
use super::folder::Folder;
use super::{Ecosystem, Refusal};

/// An install of composer asks git for the commit of the sources and writes it down in `vendor/composer/installed.php`
/// (Composer, "Runtime Composer utilities"), so that it would write another one before they are there.
pub(super) const ECOSYSTEM: Ecosystem = Ecosystem {
    split: |_, words| match arguments(words) {
        Some(["install" | "i", ..]) => Err(Refusal::without_place(
            "composer writes the commit of the sources into `vendor/composer/installed.php`",
        )),
        _ => Ok(None),
    },
    is_harmless: |_, words| matches!(words, ["composer", "-V" | "--version"] | ["php", "-v" | "--version" | "-m"]),
    redirecting: &[],
    cache: Some(Cache {
        moved_by: &[("COMPOSER_HOME", ""), ("COMPOSER_CACHE_DIR", ""), ("COMPOSER_NO_CACHE", "")],
        ..Cache::new("composer", installs, folders)
    }),
};

/// What stands behind `composer`.
fn arguments<'w, 'a>(words: &'w [&'a str]) -> Option<&'w [&'a str]> {
    match words {
        ["composer" | "composer.phar" | "./composer.phar", rest @ ..] => Some(rest),
        ["php", "composer.phar" | "./composer.phar", rest @ ..] => Some(rest),
        _ => None,
    }
}

fn installs(words: &[&str]) -> bool {
    let commands = ["install", "i", "update", "require", "create-project"];
    arguments(words)
        .is_some_and(|rest| rest.iter().any(|word| commands.contains(word)) && !rest.contains(&"--no-cache"))
}

/// The image `composer` has its `COMPOSER_HOME` in `/tmp`. Elsewhere the mount makes `~/.composer`, which composer then
/// takes for its home.
fn folders(_: &Folder<'_>, image: &str) -> &'static [&'static str] {
    match image {
        "composer" => &["/tmp/cache"],
        _ => &["/root/.composer/cache"],
    }
}

#[cfg(test)]
mod tests {
    use crate::ecosystem::Split;
    use crate::ecosystem::tests::{caches, harmless, refusal, split_at_root};

    #[test]
    fn there_is_a_cache_and_no_layer() {
        for command in ["composer install --no-dev", "php composer.phar install"] {
            assert!(refusal(command, &[("composer.json", "{}")]).0.contains("installed.php"));
            assert_eq!(caches(command, &[]), Ok("--mount=type=cache,target=/root/.composer/cache".to_owned()));
        }
        assert_eq!(split_at_root("composer dump-autoload", &[]), Split::NotAnInstall);
        assert!(harmless("composer --version", &[]) && !harmless("composer config x y", &[]));
    }
}
