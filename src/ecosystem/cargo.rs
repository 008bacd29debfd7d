use super::caches::Cache;
use super::folder::Folder;
use super::{Ecosystem, Refusal};

/// cargo asks the sources for the targets of the manifest before it does anything, so there is no layer. What it
/// builds lies in `target`, of which a mount would be the only home.
pub(super) const ECOSYSTEM: Ecosystem = Ecosystem {
    split: |_, words| match words {
        ["cargo", command @ ("fetch" | "vendor"), ..] => {
            Err(Refusal::without_place(format!("`cargo {command}` looks for the sources that its manifest names")))
        }
        _ => Ok(None),
    },
    is_harmless: |_, words| matches!(words, ["cargo" | "rustc", "-V" | "--version"]),
    redirecting: &[],
    cache: Some(Cache {
        is_for_scripts: true,
        moved_by: &[("CARGO_HOME", ""), ("CARGO_NET_OFFLINE", "")],
        relied_on,
        ..Cache::new("cargo", downloads, folders)
    }),
};

fn downloads(words: &[&str]) -> bool {
    let ["cargo", rest @ ..] = words else { return false };
    let command = rest.iter().find(|word| !word.starts_with(['+', '-'])).copied().unwrap_or_default();
    matches!(command, "build" | "b" | "bench" | "check" | "c" | "clippy" | "doc" | "fetch" | "install" | "run" | "r")
        || matches!(command, "rustc" | "test" | "t" | "update" | "vendor" | "chef" | "leptos" | "deb" | "auditable")
}

/// `rust` has its `CARGO_HOME` elsewhere.
fn folders(_: &Folder<'_>, image: &str) -> &'static [&'static str] {
    match image {
        "rust" => &["/usr/local/cargo/registry", "/usr/local/cargo/git"],
        _ => &["/root/.cargo/registry", "/root/.cargo/git"],
    }
}

fn relied_on(_: &Folder<'_>, commands: &[Vec<&str>]) -> Option<String> {
    let mut words = commands.iter().filter(|words| downloads(words)).flatten();
    words.any(|word| matches!(*word, "--offline" | "--frozen")).then(|| "cargo is told to download nothing".to_owned())
}

#[cfg(test)]
mod tests {
    use crate::ecosystem::Split;
    use crate::ecosystem::tests::{caches, refusal, split_at_root};

    #[test]
    fn there_is_a_cache_and_no_layer() {
        assert!(
            refusal("cargo fetch", &[("Cargo.toml", "[package]\nname = \"a\"\n")]).0.contains("looks for the sources")
        );
        assert_eq!(split_at_root("cargo build --release", &[]), Split::NotAnInstall);
        let expected = "--mount=type=cache,target=/root/.cargo/registry --mount=type=cache,target=/root/.cargo/git";
        assert_eq!(caches("cargo +nightly build --release", &[]), Ok(expected.to_owned()));
        assert_eq!(caches("cargo fmt --check", &[]), Ok(String::new()));
        assert!(caches("cargo build --frozen", &[]).is_err());
    }
}
