use std::collections::BTreeSet;
use std::sync::Arc;

use super::caches::Cache;
use super::folder::{Folder, Manifests};
use super::invocation::{Invocation, Options};
use super::xml::{self, Element};
use super::{DependencyLayer, Ecosystem, Refusal};
use crate::finding::Location;
use crate::source::SourceFile;
use crate::text::RepositoryPath;

/// Packages lie in `~/.nuget/packages`, and what was found in the `obj` folder of each project.
pub(super) const ECOSYSTEM: Ecosystem = Ecosystem {
    split,
    is_harmless: |_, words| matches!(words, ["dotnet", "--version" | "--info"]),
    redirecting: &["NUGET_FALLBACK_PACKAGES", "RestoreSources", "RestorePackagesPath"],
    cache: Some(Cache {
        is_for_scripts: true,
        moved_by: &[("NUGET_PACKAGES", "")],
        relied_on,
        ..Cache::new("dotnet", restores, |_, _| &["/root/.nuget/packages"])
    }),
};

/// Options of `dotnet restore` that read no other file. .NET CLI, "dotnet restore".
const OPTIONS: Options = Options {
    flags: &["--cache", "--disable-parallel", "--force", "--locked-mode", "--nologo", "-nologo"],
    valued: &["--arch", "--runtime", "--source", "--verbosity", "-a", "-r", "-s", "-v"],
};

/// The endings of the files that a restore reads (MSBuild: projects and their imports, NuGet: configuration).
const ENDINGS: &[&str] =
    &[".sln", ".slnf", ".slnx", "proj", ".props", ".targets", "global.json", "nuget.config", "packages.lock.json"];

/// The files that a restore looks for up to the root (MSBuild, "Customize by directory"; NuGet, "Common
/// configurations", which knows three ways to write its name; .NET, "global.json").
const READ_ABOVE: &[&str] = &[
    "Directory.Build.props",
    "Directory.Build.targets",
    "Directory.Packages.props",
    "Directory.Solution.props",
    "Directory.Solution.targets",
    "NuGet.Config",
    "NuGet.config",
    "global.json",
    "nuget.config",
];

/// Options of MSBuild for all that lies below (MSBuild, "Response files").
const RESPONSES: &str = "Directory.Build.rsp";

/// The most folders with manifests whose copies a person still reads.
const MOST_FOLDERS: usize = 12;

fn restores(words: &[&str]) -> bool {
    matches!(words, ["dotnet", "restore" | "build" | "publish" | "test" | "pack" | "run" | "msbuild" | "tool", ..])
}

/// A build that restores nothing again counts on the packages of an earlier `RUN`.
fn relied_on(_: &Folder<'_>, commands: &[Vec<&str>]) -> Option<String> {
    let calls: Vec<_> = commands.iter().filter(|words| restores(words)).collect();
    let mut words = calls.iter().flat_map(|words| words.iter());
    let word = words.find(|word| matches!(**word, "--no-restore" | "--no-build"))?;
    (calls.len() > 1).then(|| format!("with `{word}` dotnet counts on what was restored before"))
}

/// `dotnet restore`.
fn split(folder: &Folder<'_>, words: &[&str]) -> Result<Option<DependencyLayer>, Refusal> {
    let ["dotnet", "restore", arguments @ ..] = words else { return Ok(None) };
    let invocation = Invocation::read(arguments, &OPTIONS);
    if invocation.asks_for_help() {
        return Ok(None);
    }
    invocation.only_known_options()?;
    if ["--source", "-s"].iter().filter_map(|option| invocation.value(option)).any(|source| !source.contains("://")) {
        return Err(Refusal::without_place("it takes packages from a folder"));
    }
    if invocation
        .operands
        .iter()
        .any(|operand| folder.join(operand).is_none_or(|path| !is_tracked_within(folder, &path)))
    {
        return Err(Refusal::without_place("what it restores is not under version control in this folder"));
    }
    let files = manifests(folder)?;
    stays_among(folder, &files)?;
    let folders: BTreeSet<_> = files.iter().map(|file| file.path().parent()).collect();
    if folders.len() > MOST_FOLDERS {
        return Err(Refusal::without_place(format!("its projects lie in {} folders", folders.len())));
    }
    let mut is_fixed = true;
    for file in files.iter().filter(|file| !is_of_json(file) && !is_solution(file)) {
        is_fixed &= reads_manifests_alone(file)?;
    }
    let projects: Vec<_> = files.iter().filter(|file| file.path().as_str().ends_with("proj")).collect();
    if projects.is_empty() {
        return Err(Refusal::without_place("there is no project under version control"));
    }
    let outputs: Vec<_> = projects.iter().filter_map(|file| file.path().parent().join("obj")).collect();
    let outputs: Vec<_> = outputs.iter().filter_map(|path| path.relative_to(folder.path)).collect();
    let outputs = folder.outputs(&outputs)?;
    let mut manifests = Manifests::default();
    files.iter().for_each(|file| manifests.add(Some(file)));
    let lock = files.iter().find(|file| file.path().file_name() == "packages.lock.json");
    let lock = lock.or(projects.first().copied()).filter(|_| is_fixed);
    Ok(Some(manifests.layer("dotnet", lock, outputs, false)))
}

fn is_tracked_within(folder: &Folder<'_>, path: &RepositoryPath) -> bool {
    folder.repository.tracks(path) && path.relative_to(folder.path).is_some()
}

fn is_of_json(file: &Arc<SourceFile>) -> bool {
    [".json", ".slnf"].iter().any(|ending| file.path().as_str().ends_with(ending))
}

fn is_solution(file: &Arc<SourceFile>) -> bool {
    file.path().as_str().ends_with(".sln")
}

/// Refuses a project, a solution or an import that leads out of the folder of the restore, where that is not all of
/// the repository, to a file that is not among those copied.
fn stays_among(folder: &Folder<'_>, files: &[Arc<SourceFile>]) -> Result<(), Refusal> {
    folder.nothing_above(&[RESPONSES])?;
    if let Some(file) = folder.file(RESPONSES)? {
        let reason = format!("`{}` may name other files", file.path());
        return Err(Refusal::new(reason, Location::File(file.path().clone())));
    }
    if folder.path.is_root() {
        return Ok(());
    }
    for file in files {
        let refuse = |location| Refusal::new(format!("`{}` leads out of `{}`", file.path(), folder.path), location);
        let is_list = is_solution(file) || file.path().as_str().ends_with(".slnx") || is_of_json(file);
        if is_list && ["../", "..\\"].iter().any(|up| file.text().contains(up)) {
            return Err(refuse(Location::File(file.path().clone())));
        }
        let elements = if is_list { None } else { xml::elements(file.text()) }.unwrap_or_default();
        if let Some(element) = elements.iter().find(|element| !leads_to_one_of(files, file, element)) {
            return Err(refuse(Location::new(file, element.span)));
        }
    }
    Ok(())
}

/// Whether an element of `file` that names a file to read with it names one of `files`.
fn leads_to_one_of(files: &[Arc<SourceFile>], file: &Arc<SourceFile>, element: &Element<'_>) -> bool {
    let named = match element.name() {
        "Import" if element.attribute("Sdk").is_none() => element.attribute("Project"),
        "ProjectReference" => element.attribute("Include"),
        _ => None,
    };
    let is_found_above =
        |path: &str| path.contains("GetPathOfFileAbove(") && READ_ABOVE.iter().any(|name| path.contains(name));
    let is_one = |path: &str| {
        let path = path.trim().replace('\\', "/").replace("$(MSBuildThisFileDirectory)", "./");
        let place = file.path().parent().join(&path);
        files.iter().any(|other| Some(other.path()) == place.as_ref())
    };
    named.is_none_or(|paths| is_found_above(paths) || paths.split(';').all(is_one))
}

/// All tracked files that a restore may read, those at the top first.
fn manifests(folder: &Folder<'_>) -> Result<Vec<Arc<SourceFile>>, Refusal> {
    let is_manifest = |path: &RepositoryPath| {
        let name = path.file_name().to_ascii_lowercase();
        ENDINGS.iter().any(|ending| name.ends_with(ending))
    };
    let tracked = folder.repository.tracked_within(folder.path);
    let mut paths: Vec<_> = tracked.map(|(path, _)| path).filter(|path| is_manifest(path)).collect();
    paths.sort_by_key(|path| path.as_str().contains('/'));
    let mut files = Vec::new();
    for name in READ_ABOVE {
        files.extend(folder.above(name)?);
    }
    for path in paths {
        files.extend(folder.file(path.relative_to(folder.path).unwrap_or_default())?);
    }
    Ok(files)
}

/// Refuses what makes a restore look at other files. Tells whether no version floats.
fn reads_manifests_alone(file: &Arc<SourceFile>) -> Result<bool, Refusal> {
    let Some(elements) = xml::elements(file.text()) else {
        return Err(Refusal::new(format!("`{}` cannot be read", file.path()), Location::File(file.path().clone())));
    };
    let mut is_fixed = true;
    for element in &elements {
        if let Some(what) = reading(element) {
            return Err(Refusal::new(format!("`{}` {what}", file.path()), Location::new(file, element.span)));
        }
        is_fixed &= element.attribute("Version").is_none_or(|version| !version.contains(['*', '[', '(']));
    }
    Ok(is_fixed)
}

/// How an element makes a restore look at other files.
fn reading(element: &Element<'_>) -> Option<&'static str> {
    let value = |name: &'static str| element.attribute(name).unwrap_or_default();
    let imports_other = element.name() == "Import" && element.attribute("Sdk").is_none() && {
        let project = value("Project");
        !project.ends_with(".props") && !project.ends_with(".targets") && !project.contains("GetPathOfFileAbove(")
    };
    let is_hook =
        |name: &'static str| ["Restore", "CollectPackageReferences"].iter().any(|target| value(name).contains(target));
    let is_local_source = element.is_in("packageSources") && element.name() == "add" && !value("value").contains("://");
    let moves_packages = matches!(value("key"), "globalPackagesFolder" | "repositoryPath")
        || matches!(
            element.name(),
            "RestorePackagesPath"
                | "BaseIntermediateOutputPath"
                | "MSBuildProjectExtensionsPath"
                | "RestoreSources"
                | "RestoreAdditionalProjectSources"
        );
    let text = [element.attributes, element.text];
    if imports_other {
        Some("imports a file that is not known to be one of MSBuild")
    } else if value("Condition").contains("Exists(") && element.name() != "Import" {
        Some("asks whether a file is there")
    } else if text.iter().any(|text| text.contains("System.IO") || text.contains("ReadAll")) {
        Some("reads a file")
    } else if is_hook("BeforeTargets") || is_hook("AfterTargets") {
        Some("has a target of its own for the restore")
    } else if is_local_source || moves_packages {
        Some("takes packages from a folder, or puts them in one")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use crate::ecosystem::Split;
    use crate::ecosystem::tests::{caches, harmless, layer, names, refusal, split_at_root, split_in};

    const WEB: (&str, &str) = (
        "src/Web/Web.csproj",
        "<Project Sdk=\"Microsoft.NET.Sdk.Web\"><ItemGroup><PackageReference Include=\"A\" Version=\"1.0.0\" />\
         <ProjectReference Include=\"..\\Core\\Core.csproj\" /></ItemGroup></Project>",
    );
    const CORE: (&str, &str) = ("src/Core/Core.csproj", "<Project Sdk=\"Microsoft.NET.Sdk\" />");

    #[test]
    fn all_projects_are_copied_into_their_folders() {
        let files =
            [WEB, CORE, ("Shop.sln", "Microsoft\n"), ("NuGet.Config", "<configuration/>"), ("src/Web/A.cs", "")];
        let found = layer("dotnet restore Shop.sln -r linux-x64", &files);
        assert_eq!(names(&found.manifests), ["NuGet.Config", "Shop.sln", "src/Core/Core.csproj", "src/Web/Web.csproj"]);
        assert_eq!((found.ecosystem, names(&found.outputs)), ("dotnet", vec!["src/Core/obj", "src/Web/obj"]));
        assert!(found.lock_file.is_some());
        assert_eq!(split_at_root("dotnet publish -c Release", &files), Split::NotAnInstall);
    }

    #[test]
    fn what_looks_at_other_files_is_refused() {
        for inner in [
            "<Import Project=\"ci/build.xml\" />",
            "<A Condition=\"Exists('a')\" />",
            "<A>$([System.IO.File]::ReadAllText('VERSION'))</A>",
            "<Target Name=\"x\" BeforeTargets=\"Restore\" />",
            "<RestorePackagesPath>packages</RestorePackagesPath>",
            "<A>",
        ] {
            refusal("dotnet restore", &[("a.csproj", &format!("<Project>{inner}</Project>"))]);
        }
        let local =
            "<configuration><packageSources><add key=\"a\" value=\"./packages\" /></packageSources></configuration>";
        refusal("dotnet restore", &[CORE, ("nuget.config", local)]);
        refusal("dotnet restore", &[CORE, ("src/Core/obj/x", "")]);
        refusal("dotnet restore Other.sln", &[CORE]);
        refusal("dotnet restore", &[]);
        refusal("dotnet restore --configfile=x", &[CORE]);
        let many: Vec<_> = (0..13).map(|at| (format!("p{at}/a.csproj"), CORE.1)).collect();
        let many: Vec<_> = many.iter().map(|(path, text)| (path.as_str(), *text)).collect();
        assert!(refusal("dotnet restore", &many).0.contains("13 folders"));
        let floats = "<Project><A Include=\"B\" Version=\"1.*\" /></Project>";
        assert!(layer("dotnet restore", &[("a.csproj", floats)]).lock_file.is_none());
    }

    #[test]
    fn what_stands_above_is_copied_too() {
        let own = ("web/app.csproj", CORE.1);
        let (props, above) = ("<Project><Import Project=\"build/a.props\" /></Project>", "<Project />");
        let files =
            |text| [own, ("NuGet.Config", "<configuration/>"), ("Directory.Build.props", text), ("global.json", "{}")];
        let Split::Legal(found) = split_in("web", "dotnet restore", &files(above)) else { panic!() };
        let expected = ["Directory.Build.props", "NuGet.Config", "global.json", "web/app.csproj"];
        assert_eq!(names(&found.manifests), expected);
        assert_eq!(names(&found.outputs), ["web/obj"]);
        assert!(matches!(split_in("web", "dotnet restore", &files(props)), Split::NotLegal { .. }));
        let responses = [own, ("Directory.Build.rsp", "-p:a=b")];
        assert!(matches!(split_in("web", "dotnet restore", &responses), Split::NotLegal { .. }));
    }

    #[test]
    fn what_leads_out_of_the_folder_is_refused() {
        let found = |command: &str, files: &[_]| split_in("src/Web", command, &[files, &[CORE]].concat());
        let is_refused = |split| matches!(split, Split::NotLegal { .. });
        assert!(is_refused(found("dotnet restore", &[WEB])));
        let own = ("src/Web/Web.csproj", CORE.1);
        assert!(!is_refused(found("dotnet restore", &[own])));
        let solution = "Project(\"{F}\") = \"Core\", \"..\\Core\\Core.csproj\", \"{C}\"\n";
        assert!(is_refused(found("dotnet restore", &[own, ("src/Web/w.sln", solution)])));
        assert!(is_refused(found("dotnet restore ../Core/Core.csproj", &[own])));
        let import = "<Project><Import Project=\"..\\a.props\" /></Project>";
        assert!(is_refused(found("dotnet restore", &[("src/Web/Web.csproj", import), ("src/a.props", "<Project />")])));
        let root = "<Project><Import Project=\"$([MSBuild]::GetPathOfFileAbove('Directory.Build.props', '$(MSBuildThisFileDirectory)../'))\" /></Project>";
        let files = [own, ("src/Directory.Build.props", root), ("Directory.Build.props", "<Project />")];
        assert!(!is_refused(found("dotnet restore", &files)));
    }

    #[test]
    fn packages_are_mounted_where_each_build_restores() {
        let expected = "--mount=type=cache,target=/root/.nuget/packages";
        assert_eq!(caches("dotnet publish -c Release", &[]), Ok(expected.to_owned()));
        assert_eq!(caches("dotnet publish --no-restore", &[]), Ok(expected.to_owned()));
        assert!(harmless("dotnet --version", &[]));
    }
}
