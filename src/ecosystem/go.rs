use std::sync::Arc;

use super::caches::Cache;
use super::folder::{Folder, Manifests, sets_harmless_key};
use super::{DependencyLayer, Ecosystem, Refusal};
use crate::finding::Location;
use crate::source::SourceFile;

/// Modules lie below `GOPATH`, out of the reach of a copy of the sources (Go, "Go Modules Reference": module cache).
pub(super) const ECOSYSTEM: Ecosystem =
    Ecosystem { split, is_harmless, redirecting: &["GOFLAGS", "GOWORK"], cache: Some(CACHE) };

const CACHE: Cache = Cache {
    is_for_scripts: true,
    moved_by: &[("GOPATH", ""), ("GOMODCACHE", ""), ("GOCACHE", ""), ("GOPROXY", "off"), ("GOFLAGS", "-mod=vendor")],
    ..Cache::new("go", calls_compiler, folders)
};

fn calls_compiler(words: &[&str]) -> bool {
    matches!(words, ["go", command, ..] if !matches!(*command, "version" | "env" | "fmt" | "clean" | "help"))
}

/// `golang` has its `GOPATH` at the top.
fn folders(_: &Folder<'_>, image: &str) -> &'static [&'static str] {
    match image {
        "golang" => &["/go/pkg/mod", "/root/.cache/go-build"],
        _ => &["/root/go/pkg/mod", "/root/.cache/go-build"],
    }
}

/// `go env -w` writes for all later commands, so a setting must be one that says where modules come from.
fn is_harmless(folder: &Folder<'_>, words: &[&str]) -> bool {
    const KEYS: [&str; 7] = ["CGO_ENABLED", "GOINSECURE", "GONOPROXY", "GONOSUMDB", "GOPRIVATE", "GOPROXY", "GOSUMDB"];
    match words {
        ["go", "version"] => true,
        ["go", "env", "-w", settings @ ..] => sets_harmless_key(folder, settings, |key| KEYS.contains(&key)),
        ["go", "env", names @ ..] => !names.iter().any(|word| word.starts_with('-') && *word != "-json"),
        _ => false,
    }
}

/// `go mod download`. What else fills the module cache asks the sources which packages they import.
fn split(folder: &Folder<'_>, words: &[&str]) -> Result<Option<DependencyLayer>, Refusal> {
    match words {
        ["go", "mod", "download"] | ["go", "mod", "download", "-x" | "-json"] => {}
        ["go", command @ ("get" | "install"), arguments @ ..] if arguments.iter().any(|word| is_package_here(word)) => {
            return Err(Refusal::without_place(format!("`go {command}` reads the imports of the sources")));
        }
        ["go", "mod", command @ ("tidy" | "vendor" | "verify"), ..] => {
            return Err(Refusal::without_place(format!("`go mod {command}` reads more than the manifests")));
        }
        _ => return Ok(None),
    }
    let Some(module) = folder.file("go.mod")? else {
        return Err(Refusal::without_place(format!("there is no `go.mod` in `{}`", folder.path)));
    };
    if let Some(path) = folder.join("vendor").filter(|path| folder.repository.tracks(path)) {
        let reason = format!("`{path}` holds the modules that the build takes");
        return Err(Refusal::new(reason, Location::File(path)));
    }
    folder.nothing_above(&["go.work"])?;
    replaces_no_module_by_a_folder(&module)?;
    let workspace = folder.file("go.work")?;
    workspace.as_ref().map_or(Ok(()), uses_this_module_alone)?;
    let sums = folder.file("go.sum")?;
    let mut manifests = Manifests::default();
    for file in [Some(&module), sums.as_ref(), workspace.as_ref(), folder.file("go.work.sum")?.as_ref()] {
        manifests.add(file);
    }
    // Without `go.sum` the versions are those of `go.mod` all the same (minimal version selection).
    Ok(Some(manifests.layer("go", sums.as_ref().or(Some(&module)), Vec::new(), true)))
}

/// Whether the operand of `go get` is a package of this module, and not one of another.
fn is_package_here(word: &str) -> bool {
    word.starts_with('.') || word.ends_with("...") || word.contains(".go")
}

/// A local path starts with `.` or is absolute (Go, "Go Modules Reference": replace directive).
fn replaces_no_module_by_a_folder(file: &Arc<SourceFile>) -> Result<(), Refusal> {
    for (line, span) in directives(file) {
        let replacement = line.split_once("=>").map(|(_, text)| text.trim().trim_matches(['"', '`']));
        if let Some(path) = replacement.filter(|path| path.starts_with(['.', '/']) || path.contains('\\')) {
            let reason = format!("`{}` replaces a module by the folder `{path}`", file.path());
            return Err(Refusal::new(reason, Location::new(file, span)));
        }
    }
    Ok(())
}

/// A workspace of other modules reads their manifests too (Go, "Go Modules Reference": workspaces).
fn uses_this_module_alone(file: &Arc<SourceFile>) -> Result<(), Refusal> {
    replaces_no_module_by_a_folder(file)?;
    let mut is_in_block = false;
    for (line, span) in directives(file) {
        let words: Vec<_> = line.split_whitespace().collect();
        let used = match words.as_slice() {
            ["use", "("] | ["use("] => {
                is_in_block = true;
                None
            }
            [")"] => {
                is_in_block = false;
                None
            }
            ["use", path] => Some(*path),
            [path] if is_in_block => Some(*path),
            _ => None,
        };
        if used.is_some_and(|path| !matches!(path.trim_matches(['"', '`']), "." | "./")) {
            let reason = format!("`{}` makes a workspace of several modules", file.path());
            return Err(Refusal::new(reason, Location::new(file, span)));
        }
    }
    Ok(())
}

/// The lines of a `go.mod` or `go.work` without their comments, and their places.
fn directives(file: &Arc<SourceFile>) -> impl Iterator<Item = (&str, crate::text::Span)> {
    let lines = (1..=file.lines().line_count()).map(|line| file.lines().line_span(line));
    lines.map(|span| {
        let line = span.slice(file.text());
        (line.split_once("//").map_or(line, |(code, _)| code).trim(), span)
    })
}

#[cfg(test)]
mod tests {
    use crate::ecosystem::Split;
    use crate::ecosystem::tests::{harmless, layer, names, refusal, split_at_root, split_in};

    const MODULE: (&str, &str) = ("go.mod", "module a\n\ngo 1.22\n\nrequire b v1 // => ./x\n");
    const SUMS: (&str, &str) = ("go.sum", "");

    #[test]
    fn the_manifests_are_copied_in_reading_order() {
        let found = layer("go mod download -x", &[SUMS, MODULE, ("main.go", "")]);
        assert_eq!(names(&found.manifests), ["go.mod", "go.sum"]);
        assert_eq!((found.ecosystem, found.outputs), ("go", Vec::new()));
        let without_sums = layer("go mod download", &[MODULE]);
        assert_eq!(without_sums.lock_file.unwrap().as_str(), "go.mod");
        let workspace = [MODULE, SUMS, ("go.work", "go 1.22\nuse .\n"), ("go.work.sum", "")];
        assert_eq!(
            names(&layer("go mod download", &workspace).manifests),
            ["go.mod", "go.sum", "go.work", "go.work.sum"]
        );
    }

    #[test]
    fn modules_within_the_repository_are_refused() {
        for replacement in
            ["replace b => ./b", "replace (\n\tb v1 => ../b\n)", "replace b => \"/b\"", "replace b =>./b"]
        {
            let module = format!("module a\n{replacement}\n");
            let (reason, _) = refusal("go mod download", &[("go.mod", &module), SUMS]);
            assert!(reason.contains("replaces a module by the folder"), "{reason}");
        }
        layer("go mod download", &[("go.mod", "module a\nreplace b => github.com/c/b v1\n// replace b => ./b\n")]);
        for workspace in ["use ./b", "use (\n\t.\n\t./b\n)", "use .\nreplace c => ./c"] {
            refusal("go mod download", &[MODULE, ("go.work", workspace)]);
        }
        refusal("go mod download", &[MODULE, ("vendor/modules.txt", "")]);
        let below = split_in("web", "go mod download", &[("web/go.mod", "module a\n"), ("go.work", "use ./web\n")]);
        assert!(matches!(below, Split::NotLegal { .. }));
    }

    #[test]
    fn what_reads_the_sources_is_refused() {
        assert!(refusal("go mod tidy", &[MODULE]).0.contains("`go mod tidy`"));
        assert!(refusal("go get -d ./...", &[MODULE]).0.contains("imports"));
        assert_eq!(refusal("go mod download", &[]).0, "there is no `go.mod` in `.`");
        for command in ["go build ./...", "go mod download example.com/a", "go get example.com/a", "go test"] {
            assert_eq!(split_at_root(command, &[MODULE]), Split::NotAnInstall, "{command}");
        }
    }

    #[test]
    fn questions_are_harmless() {
        assert!(harmless("go version", &[]) && harmless("go env -w GOPRIVATE=example.com", &[]));
        assert!(
            !harmless("go env -w GOFLAGS=-modfile=ci/go.mod", &[]) && !harmless("go env -w GOPROXY=file:///p", &[])
        );
        assert!(harmless("go env GOPATH", &[]) && !harmless("go env -u GOPROXY", &[]));
        assert!(!harmless("go generate", &[]) && !harmless("go install ./cmd", &[]));
    }
}
