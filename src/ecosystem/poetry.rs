use std::sync::Arc;

use super::caches::Cache;
use super::folder::{Folder, Manifests, names_no_folder, sets_harmless_key};
use super::invocation::{Invocation, Options};
use super::{DependencyLayer, Ecosystem, Refusal, toml};
use crate::finding::Location;
use crate::source::SourceFile;

/// The virtual environment lies below the cache's folder or in `.venv` (Poetry, "Configuration": virtualenvs.path),
/// so only the two folders of downloads beside it are mounted.
pub(super) const ECOSYSTEM: Ecosystem = Ecosystem {
    split,
    is_harmless,
    redirecting: &["POETRY_VIRTUALENVS_PATH", "PYTHONPATH"],
    cache: Some(Cache {
        moved_by: &[("POETRY_CACHE_DIR", ""), ("POETRY_NO_CACHE", ""), ("XDG_CACHE_HOME", "")],
        ..Cache::new("poetry", installs, |_, _| &["/root/.cache/pypoetry/cache", "/root/.cache/pypoetry/artifacts"])
    }),
};

/// Options of `poetry install` that read no other file. Poetry, "Commands": install.
const OPTIONS: Options = Options {
    flags: &[
        "--all-extras",
        "--all-groups",
        "--ansi",
        "--compile",
        "--dev",
        "--interaction",
        "--plugins",
        "--quiet",
        "--root",
        "--sync",
        "-n",
        "-q",
        "-v",
        "-vv",
        "-vvv",
    ],
    valued: &["--extras", "--only", "--with", "--without", "-E"],
};

fn is_harmless(folder: &Folder<'_>, words: &[&str]) -> bool {
    match words {
        ["poetry", "-V" | "--version"] => true,
        // A setting of the project is written into it.
        ["poetry", "config", "--list"] => true,
        ["poetry", "config", arguments @ ..] => {
            const KEYS: [&str; 6] =
                ["virtualenvs.", "repositories.", "http-basic.", "pypi-token.", "installer.", "experimental."];
            !arguments.contains(&"--local")
                && sets_harmless_key(folder, arguments, |key| KEYS.iter().any(|start| key.starts_with(start)))
        }
        _ => false,
    }
}

fn installs(words: &[&str]) -> bool {
    matches!(words, ["poetry", "install" | "sync" | "add" | "update", rest @ ..] if !rest.contains(&"--no-cache"))
}

/// `poetry install --no-root`. Without that option it installs the sources.
fn split(folder: &Folder<'_>, words: &[&str]) -> Result<Option<DependencyLayer>, Refusal> {
    let ["poetry", "install" | "sync", arguments @ ..] = words else { return Ok(None) };
    let invocation = Invocation::read(arguments, &OPTIONS);
    if invocation.asks_for_help() {
        return Ok(None);
    }
    let Some(project) = folder.file("pyproject.toml")? else {
        return Err(Refusal::without_place(format!("there is no `pyproject.toml` in `{}`", folder.path)));
    };
    let is_no_package = toml::entries(&project)
        .iter()
        .any(|entry| (entry.table, entry.key, entry.value) == ("tool.poetry", "package-mode", "false"));
    if !arguments.contains(&"--no-root") && !is_no_package {
        return Err(Refusal::without_place("without `--no-root` poetry installs the sources too"));
    }
    invocation.only_known_options()?;
    names_no_path(&project)?;
    let lock = folder.file("poetry.lock")?;
    lock.as_ref().map_or(Ok(()), |lock| names_no_folder(lock, &["type = \"directory\"", "type = \"file\""]))?;
    let settings = folder.file("poetry.toml")?;
    if let Some(settings) = &settings
        && let Some(entry) = toml::entries(settings).into_iter().find(|entry| entry.key.ends_with("path"))
    {
        let reason = format!("`{}` names a folder", settings.path());
        return Err(Refusal::new(reason, Location::new(settings, entry.span)));
    }
    let outputs = folder.outputs(&[".venv"])?;
    let mut manifests = Manifests::default();
    for file in [Some(&project), lock.as_ref(), settings.as_ref()] {
        manifests.add(file);
    }
    Ok(Some(manifests.layer("poetry", lock.as_ref(), outputs, false)))
}

/// Poetry, "Dependency specification": path dependencies, and those of PEP 508 with an address.
fn names_no_path(project: &Arc<SourceFile>) -> Result<(), Refusal> {
    names_no_folder(project, &["@ file:", "@ ./", "@ ../"])?;
    let entries = toml::entries(project);
    let is_path = |entry: &&toml::Entry<'_>| {
        let is_dependency = entry.table.contains("dependencies") || entry.table.starts_with("tool.poetry.group");
        let is_local_source = entry.table == "tool.poetry.source" && entry.key == "url" && !entry.value.contains("://");
        is_dependency && (entry.has_key("path") || entry.has_key("file")) || is_local_source
    };
    match entries.iter().find(is_path) {
        Some(entry) => {
            let reason = format!("`{}` has dependencies within the repository", project.path());
            Err(Refusal::new(reason, Location::new(project, entry.span)))
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use crate::ecosystem::Split;
    use crate::ecosystem::tests::{caches, harmless, layer, names, refusal, split_at_root};

    const PROJECT: (&str, &str) = (
        "pyproject.toml",
        "[tool.poetry]\nname = \"a\"\n[tool.poetry.dependencies]\npython = \"^3\"\nflask = {version = \"3\"} # path = x\n\
         [tool.coverage]\npath = \"src\"\n",
    );
    const LOCK: (&str, &str) = ("poetry.lock", "");

    #[test]
    fn dependencies_alone_are_a_layer() {
        let files = [PROJECT, LOCK, ("poetry.toml", "[virtualenvs]\nin-project = true\n")];
        for command in
            ["poetry install --no-root", "poetry install -n --no-ansi --no-root --only main", "poetry sync --no-root"]
        {
            let found = layer(command, &files);
            assert_eq!(names(&found.manifests), ["pyproject.toml", "poetry.lock", "poetry.toml"], "{command}");
            assert_eq!((found.ecosystem, names(&found.outputs)), ("poetry", vec![".venv"]));
        }
        assert!(layer("poetry install --no-root", &[PROJECT]).lock_file.is_none());
        layer("poetry install", &[("pyproject.toml", "[tool.poetry]\npackage-mode = false\n")]);
    }

    #[test]
    fn the_sources_and_folders_are_refused() {
        assert!(refusal("poetry install", &[PROJECT, LOCK]).0.contains("--no-root"));
        for line in [
            "a = {path = \"../a\"}",
            "a = { version = \"1\", path = \"a\" }",
            "[tool.poetry.dependencies.a]\npath = \"a\"",
        ] {
            let text = format!("[tool.poetry.dependencies]\n{line}\n");
            refusal("poetry install --no-root", &[("pyproject.toml", &text), LOCK]);
        }
        refusal("poetry install --no-root", &[PROJECT, ("poetry.lock", "[package.source]\ntype = \"directory\"\n")]);
        refusal("poetry install --no-root", &[PROJECT, LOCK, ("poetry.toml", "[virtualenvs]\npath = \"venvs\"\n")]);
        refusal("poetry install --no-root -C web", &[PROJECT, LOCK]);
        refusal("poetry install --no-root", &[PROJECT, LOCK, (".venv/x", "")]);
    }

    #[test]
    fn settings_are_harmless_and_downloads_are_mounted() {
        assert!(harmless("poetry config virtualenvs.create false", &[]) && harmless("poetry --version", &[]));
        assert!(!harmless("poetry config --local virtualenvs.in-project true", &[]));
        assert_eq!(split_at_root("poetry build", &[PROJECT]), Split::NotAnInstall);
        assert!(caches("poetry install", &[]).unwrap().ends_with("target=/root/.cache/pypoetry/artifacts"));
    }
}
