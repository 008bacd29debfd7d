use std::sync::Arc;

use super::berry::files_within;
use super::caches::Cache;
use super::folder::{Folder, Manifests};
use super::{DependencyLayer, Ecosystem, Refusal};
use crate::finding::Location;
use crate::source::SourceFile;
use crate::text::Span;

/// Only the folder of packages is mounted: beside it lie keys, and archives that are installed.
pub(super) const ECOSYSTEM: Ecosystem = Ecosystem {
    split,
    is_harmless,
    redirecting: &["MIX_BUILD_PATH", "MIX_BUILD_ROOT", "MIX_DEPS_PATH", "MIX_EXS"],
    cache: Some(Cache {
        moved_by: &[
            ("HEX_HOME", ""),
            ("HEX_OFFLINE", ""),
            ("MIX_XDG", ""),
            ("REBAR_CACHE_DIR", ""),
            ("XDG_CACHE_HOME", ""),
        ],
        ..Cache::new("mix", downloads, |_, _| &["/root/.hex/packages", "/root/.cache/rebar3"])
    }),
};

/// What in a project file or a configuration may read another file, or lead to a folder.
const READING: &[&str] = &[
    "File.",
    "Path.wildcard",
    "Code.",
    "System.cmd",
    "System.shell",
    "path:",
    "in_umbrella",
    "apps_path",
    "umbrella",
    "import_file",
    "Mix.install",
    "@external_resource",
    ":file.",
    ":os.cmd",
    "deps.get",
    "build_path",
    "config_path",
    "deps_path",
    "lockfile",
];

fn is_harmless(_: &Folder<'_>, words: &[&str]) -> bool {
    matches!(words, ["mix", "local.hex" | "local.rebar", options @ ..] if options.iter().all(|word| *word == "--force" || *word == "--if-missing"))
        || matches!(words, ["elixir" | "mix", "-v" | "--version"])
}

fn downloads(words: &[&str]) -> bool {
    matches!(words, ["mix", "deps.get" | "deps.update" | "deps.compile", ..])
}

/// `mix deps.get`. It runs the project file and the configuration, which are programs.
fn split(folder: &Folder<'_>, words: &[&str]) -> Result<Option<DependencyLayer>, Refusal> {
    match words {
        ["mix", "deps.get"] | ["mix", "deps.get", "--only" | "--target", _] => {}
        _ => return Ok(None),
    }
    let Some(project) = folder.file("mix.exs")? else {
        return Err(Refusal::without_place(format!("there is no `mix.exs` in `{}`", folder.path)));
    };
    folder.nothing_above(&["mix.exs"])?;
    let configuration = files_within(folder, "config")?;
    std::iter::once(&project).chain(&configuration).try_for_each(reads_nothing)?;
    let lock = folder.file("mix.lock")?;
    let outputs = folder.outputs(&["deps", "_build"])?;
    let mut manifests = Manifests::default();
    for file in [Some(&project), lock.as_ref()].into_iter().chain(configuration.iter().map(Some)) {
        manifests.add(file);
    }
    Ok(Some(manifests.layer("mix", lock.as_ref(), outputs, true)))
}

fn reads_nothing(file: &Arc<SourceFile>) -> Result<(), Refusal> {
    for line in 1..=file.lines().line_count() {
        let span: Span = file.lines().line_span(line);
        let code = span.slice(file.text()).split('#').next().unwrap_or_default();
        // A configuration of the same folder comes along.
        let imports_here = code.contains("import_config") && !code.contains("..");
        if READING.iter().any(|word| code.contains(word)) || code.contains("import_config") && !imports_here {
            let reason = format!("`{}` may read other files of the repository", file.path());
            return Err(Refusal::new(reason, Location::new(file, span)));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::ecosystem::Split;
    use crate::ecosystem::tests::{caches, harmless, layer, names, refusal, split_at_root, split_in};

    const PROJECT: (&str, &str) =
        ("mix.exs", "defmodule A.MixProject do\n  defp deps, do: [{:b, \"~> 1\"}] # path: x\nend\n");
    const LOCK: (&str, &str) = ("mix.lock", "%{}\n");

    #[test]
    fn a_project_file_that_reads_nothing_is_a_layer() {
        let files = [
            PROJECT,
            LOCK,
            ("config/config.exs", "import Config\nimport_config \"prod.exs\"\n"),
            ("config/prod.exs", ""),
        ];
        let found = layer("mix deps.get --only prod", &files);
        assert_eq!(names(&found.manifests), ["mix.exs", "mix.lock", "config/config.exs", "config/prod.exs"]);
        assert_eq!((found.ecosystem, names(&found.outputs)), ("mix", vec!["deps", "_build"]));
        assert_eq!(split_at_root("mix release", &files), Split::NotAnInstall);
    }

    #[test]
    fn programs_that_read_and_umbrellas_are_refused() {
        for line in
            ["version: File.read!(\"VERSION\")", "{:b, path: \"b\"}", "apps_path: \"apps\"", "{:b, in_umbrella: true}"]
        {
            assert_eq!(refusal("mix deps.get", &[("mix.exs", line), LOCK]).1.as_deref(), Some(line));
        }
        refusal("mix deps.get", &[PROJECT, LOCK, ("config/config.exs", "import_config \"../apps/a.exs\"\n")]);
        for key in
            ["build_path: \"../_build\"", "config_path: \"../c.exs\"", "deps_path: \"../deps\"", "lockfile: \"../l\""]
        {
            assert_eq!(refusal("mix deps.get", &[("mix.exs", key), LOCK]).1.as_deref(), Some(key));
        }
        let umbrella = [("mix.exs", ""), ("apps/web/mix.exs", PROJECT.1)];
        assert!(matches!(split_in("apps/web", "mix deps.get", &umbrella), Split::NotLegal { .. }));
        refusal("mix deps.get", &[PROJECT, LOCK, ("deps/a", "")]);
        refusal("mix deps.get", &[LOCK]);
    }

    #[test]
    fn packages_are_mounted() {
        let expected = "--mount=type=cache,target=/root/.hex/packages --mount=type=cache,target=/root/.cache/rebar3";
        assert_eq!(caches("mix deps.get", &[]), Ok(expected.to_owned()));
        assert!(harmless("mix local.hex --force", &[]) && !harmless("mix compile", &[]));
    }
}
