use std::sync::Arc;

use super::berry::files_within;
use super::caches::Cache;
use super::folder::{Folder, Manifests};
use super::invocation::{Invocation, Options};
use super::xml::{self, Element};
use super::{DependencyLayer, Ecosystem, Refusal};
use crate::finding::Location;
use crate::source::SourceFile;

/// Artifacts lie in `~/.m2/repository`, out of the reach of a copy of the sources.
pub(super) const ECOSYSTEM: Ecosystem = Ecosystem {
    split,
    is_harmless: |_, words| matches!(words, ["mvn", "-v" | "--version"] | ["java" | "javac", "-version" | "--version"]),
    redirecting: &["MAVEN_ARGS", "MAVEN_CONFIG", "MAVEN_OPTS"],
    cache: Some(Cache {
        is_locked: true,
        is_for_scripts: true,
        moved_by: &[
            ("MAVEN_ARGS", "maven.repo.local"),
            ("MAVEN_CLI_OPTS", "maven.repo.local"),
            ("MAVEN_OPTS", "maven.repo.local"),
        ],
        relied_on,
        ..Cache::new("maven", calls_maven, |_, _| &["/root/.m2/repository"])
    }),
};

/// Options that leave the files which maven reads as they are. Maven, "Maven CLI Options Reference".
const OPTIONS: Options = Options {
    flags: &[
        "--batch-mode",
        "--errors",
        "--no-transfer-progress",
        "--quiet",
        "--show-version",
        "--strict-checksums",
        "--update-snapshots",
        "-B",
        "-C",
        "-U",
        "-V",
        "-e",
        "-ntp",
        "-q",
    ],
    valued: &["--activate-profiles", "--settings", "-P", "-s"],
};

/// The beginnings of properties that change no file which maven reads.
const PROPERTIES: &[&str] = &[
    "-DskipTests",
    "-Dmaven.test.skip",
    "-Dorg.slf4j.",
    "-Dmaven.wagon.",
    "-Dmaven.artifact.threads",
    "-Dstyle.color",
    "-Dhttps.protocols",
];

fn is_maven(program: &str) -> bool {
    matches!(program.rsplit('/').next(), Some("mvn" | "mvnw"))
}

fn calls_maven(words: &[&str]) -> bool {
    words.first().is_some_and(|program| is_maven(program)) && !matches!(words, [_, "-v" | "--version"])
}

/// What `install` puts into the repository is no download: another `RUN` may need it, and other builds must not see it.
fn relied_on(_: &Folder<'_>, commands: &[Vec<&str>]) -> Option<String> {
    let publishes = |word: &&&str| ["publishToMavenLocal", "publishM2"].iter().any(|task| word.contains(task));
    if let Some(word) = commands.iter().flatten().find(publishes) {
        return Some(format!("`{word}` puts what it builds among the downloads of maven"));
    }
    let mut words = commands.iter().filter(|words| calls_maven(words)).flatten();
    words.find_map(|word| match *word {
        "-o" | "--offline" => Some("maven is told to download nothing".to_owned()),
        word if word.starts_with("-Dmaven.repo.local") => {
            Some(format!("`{word}` says where maven keeps its downloads"))
        }
        word if fills_repository(word) => Some(format!("`mvn {word}` puts what it builds among the downloads")),
        word if names_downloads(word) => Some(format!("`mvn {word}` tells others where a download lies")),
        _ => None,
    })
}

/// Whether it is a phase or a goal that puts something of its own into the repository, such as `install` and
/// `install:install-file`.
fn fills_repository(word: &str) -> bool {
    let is_of_plugin = word.starts_with("install:") || word.contains("maven-install-plugin:");
    matches!(word, "install" | "deploy") || is_of_plugin && !word.starts_with('-')
}

/// Whether it is a goal that prints where a download lies, or downloads it for whoever finds it there.
fn names_downloads(word: &str) -> bool {
    let is_of_plugin = word.starts_with("dependency:") || word.contains("maven-dependency-plugin:");
    let goal = word.rsplit(':').next().unwrap_or_default();
    is_of_plugin && matches!(goal.split('@').next(), Some("build-classpath" | "get"))
}

/// `mvn dependency:go-offline` and its like, alone.
fn split(folder: &Folder<'_>, words: &[&str]) -> Result<Option<DependencyLayer>, Refusal> {
    let [program, arguments @ ..] = words else { return Ok(None) };
    let (properties, arguments): (Vec<&str>, Vec<&str>) =
        arguments.iter().copied().partition(|word| word.starts_with("-D"));
    let invocation = Invocation::read(&arguments, &OPTIONS);
    let is_download = |goal: &&str| {
        let goal = goal.rsplit(':').next().unwrap_or_default();
        matches!(goal, "go-offline" | "resolve" | "resolve-plugins")
    };
    let is_of_plugin = |goal: &&str| goal.starts_with("dependency:") || goal.contains("maven-dependency-plugin:");
    let goals = &invocation.operands;
    if !is_maven(program) || goals.is_empty() || !goals.iter().all(|goal| is_of_plugin(goal) && is_download(goal)) {
        return Ok(None);
    }
    invocation.only_known_options()?;
    if let Some(property) = properties.iter().find(|word| !PROPERTIES.iter().any(|known| word.starts_with(known))) {
        return Err(Refusal::without_place(format!("with `{property}` maven may read other files of the repository")));
    }
    let Some(project) = folder.file("pom.xml")? else {
        return Err(Refusal::without_place(format!("there is no `pom.xml` in `{}`", folder.path)));
    };
    let is_fixed = reads_itself_alone(&project)?;
    nothing_of_other_folders(folder, program, &project)?;
    no_extensions(folder)?;
    let mut manifests = Manifests::default();
    manifests.add(Some(&project));
    files_within(folder, ".mvn")?.iter().for_each(|file| manifests.add(Some(file)));
    if *program != "mvn" {
        manifests.add(folder.file(program)?.as_ref());
    }
    for settings in ["--settings", "-s"].iter().filter_map(|option| invocation.value(option)) {
        let Some(file) = folder.file(settings)? else {
            return Err(Refusal::without_place(format!("`{settings}` is not under version control")));
        };
        manifests.add(Some(&file));
    }
    Ok(Some(manifests.layer("maven", Some(&project).filter(|_| is_fixed), Vec::new(), false)))
}

/// Refuses a project whose other files count: modules, a parent beside it, profiles that look for files. Tells
/// whether all versions are fixed.
fn reads_itself_alone(project: &Arc<SourceFile>) -> Result<bool, Refusal> {
    let refuse = |what: &str, element: &Element<'_>| {
        Err(Refusal::new(format!("`{}` {what}", project.path()), Location::new(project, element.span)))
    };
    let Some(elements) = xml::elements(project.text()) else {
        return Err(Refusal::new(
            format!("`{}` cannot be read", project.path()),
            Location::File(project.path().clone()),
        ));
    };
    let mut is_fixed = true;
    for element in &elements {
        let is_below_parent = element.is_in("parent");
        match element.name() {
            "module" | "subproject" => return refuse("has modules, whose files lie in other folders", element),
            "relativePath" if !element.text.is_empty() && is_below_parent => {
                return refuse("has a parent in the repository", element);
            }
            "systemPath" => return refuse("has a dependency that lies in the repository", element),
            "extension" | "extensions" => return refuse("has extensions, which may read any file", element),
            "exists" | "missing" if element.is_in("activation") => {
                return refuse("has a profile that looks for a file", element);
            }
            "url" if element.text.starts_with("file:") || element.text.contains("basedir}") => {
                return refuse("has a repository of packages within the project", element);
            }
            "version" if element.text.ends_with("-SNAPSHOT") && element.path.len() > 2 => {
                return refuse("needs a SNAPSHOT, which changes", element);
            }
            "version" => {
                is_fixed &= !element.text.starts_with(['[', '(']) && !matches!(element.text, "LATEST" | "RELEASE")
            }
            _ => {}
        }
    }
    Ok(is_fixed)
}

/// Refuses what maven takes from beside or above the folder: the nearest `.mvn`, what the wrapper finds beside itself,
/// and the parent, which lies in `../pom.xml` unless the project says otherwise (Maven, "POM Reference": inheritance).
fn nothing_of_other_folders(folder: &Folder<'_>, program: &str, project: &Arc<SourceFile>) -> Result<(), Refusal> {
    if !matches!(program, "mvn" | "mvnw" | "./mvnw") && !program.starts_with('/') {
        return Err(Refusal::without_place(format!("`{program}` reads what lies beside it")));
    }
    if folder.join(".mvn").is_none_or(|path| !folder.repository.tracks(&path)) {
        folder.nothing_above(&[".mvn"])?;
    }
    let elements = xml::elements(project.text()).unwrap_or_default();
    let parent = elements.iter().find(|element| element.path.len() == 2 && element.name() == "parent");
    let says_where = elements.iter().any(|element| element.name() == "relativePath" && element.is_in("parent"));
    match (parent, folder.join("../pom.xml").filter(|path| folder.repository.tracks(path))) {
        (Some(parent), Some(path)) if !says_where => {
            let reason = format!("`{}` has a parent, which may be `{path}`", project.path());
            Err(Refusal::new(reason, Location::new(project, parent.span)))
        }
        _ => Ok(()),
    }
}

/// Extensions of the build run before anything else, and may ask git.
fn no_extensions(folder: &Folder<'_>) -> Result<(), Refusal> {
    match folder.file(".mvn/extensions.xml")? {
        Some(file) => {
            let reason = format!("`{}` names extensions, which may read any file", file.path());
            Err(Refusal::new(reason, Location::File(file.path().clone())))
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::{Folder, relied_on};
    use crate::ecosystem::Split;
    use crate::ecosystem::tests::{caches, harmless, layer, names, refusal, split_at_root, split_in};
    use crate::source::MemoryRepository;
    use crate::text::RepositoryPath;

    fn relied_on_with(other: &str, command: &str) -> Option<String> {
        let repository = MemoryRepository::default();
        let folder = Folder { repository: &repository, path: &RepositoryPath::root() };
        relied_on(&folder, &[other.split(' ').collect(), command.split(' ').collect()])
    }

    #[test]
    fn what_lies_above_is_refused() {
        let with_parent = project("<parent><artifactId>p</artifactId><version>1</version></parent>");
        let elsewhere = with_parent.replace("</parent>", "<relativePath/></parent>");
        let alone = project("");
        let go = "mvn -B dependency:go-offline";
        let found =
            |command: &str, own: &str, above: &str| split_in("web", command, &[("web/pom.xml", own), (above, "")]);
        assert!(
            matches!(found(go, &with_parent, "pom.xml"), Split::NotLegal { reason, .. } if reason.contains("parent"))
        );
        assert!(matches!(found(go, &elsewhere, "pom.xml"), Split::Legal(_)));
        assert!(matches!(found(go, &with_parent, "api/pom.xml"), Split::Legal(_)));
        assert!(matches!(found(go, &alone, "pom.xml"), Split::Legal(_)));
        assert!(matches!(found(go, &alone, ".mvn/maven.config"), Split::NotLegal { .. }));
        assert!(matches!(found("../mvnw dependency:go-offline", &alone, "mvnw"), Split::NotLegal { .. }));
        let own = [("web/pom.xml", alone.as_str()), ("web/.mvn/maven.config", "-B"), (".mvn/jvm.config", "")];
        assert!(matches!(split_in("web", go, &own), Split::Legal(layer) if layer.manifests.len() == 2));
    }

    fn project(inner: &str) -> String {
        format!("<project><version>1-SNAPSHOT</version>{inner}</project>")
    }

    #[test]
    fn downloads_alone_are_a_layer() {
        let project = project("<dependencies><dependency><version>1</version></dependency></dependencies>");
        let files = [("pom.xml", project.as_str()), (".mvn/maven.config", "-B"), ("mvnw", ""), ("ci/settings.xml", "")];
        let found = layer("mvn -B -ntp dependency:go-offline", &files);
        assert_eq!((found.ecosystem, names(&found.manifests)), ("maven", vec!["pom.xml", ".mvn/maven.config"]));
        let command = "./mvnw -s ci/settings.xml -DskipTests dependency:resolve dependency:resolve-plugins";
        assert_eq!(
            names(&layer(command, &files).manifests),
            ["pom.xml", ".mvn/maven.config", "mvnw", "ci/settings.xml"]
        );
        for command in ["mvn package", "mvn dependency:tree", "mvn clean dependency:resolve", "mvn"] {
            assert_eq!(split_at_root(command, &files), Split::NotAnInstall, "{command}");
        }
    }

    #[test]
    fn what_reads_other_files_is_refused() {
        for inner in [
            "<modules><module>a</module></modules>",
            "<parent><relativePath>../a</relativePath></parent>",
            "<dependency><systemPath>a.jar</systemPath></dependency>",
            "<build><extensions><extension/></extensions></build>",
            "<profile><activation><file><exists>a</exists></file></activation></profile>",
            "<repository><url>file:${project.basedir}/lib</url></repository>",
            "<dependencies><dependency><version>2-SNAPSHOT</version></dependency></dependencies>",
            "<open>",
        ] {
            refusal("mvn dependency:go-offline", &[("pom.xml", &project(inner))]);
        }
        let fine = project("<parent><version>3</version><relativePath/></parent>");
        refusal("mvn dependency:resolve -Dmaven.repo.local=.m2", &[("pom.xml", &fine)]);
        refusal("mvn dependency:resolve", &[("pom.xml", &fine), (".mvn/extensions.xml", "")]);
        refusal("mvn --file=a/pom.xml dependency:resolve", &[("pom.xml", &fine)]);
        assert!(layer("mvn dependency:resolve", &[("pom.xml", &fine)]).lock_file.is_some());
        let range = project("<dependency><version>[1,2)</version></dependency>");
        assert!(layer("mvn dependency:resolve", &[("pom.xml", &range)]).lock_file.is_none());
    }

    #[test]
    fn the_repository_is_mounted_where_it_holds_downloads_alone() {
        let expected = "--mount=type=cache,target=/root/.m2/repository,sharing=locked";
        assert_eq!(caches("./mvnw package", &[]), Ok(expected.to_owned()));
        assert!(caches("mvn clean install", &[]).unwrap_err().contains("`mvn install`"));
        assert!(caches("mvn package -Dmaven.repo.local=.m2/repository", &[]).is_err());
        for command in [
            "mvn install:install-file -Dfile=a.jar",
            "mvn org.apache.maven.plugins:maven-install-plugin:3.1.0:install-file -Dfile=a.jar",
            "mvn clean install:install-file",
            "mvn dependency:build-classpath",
            "mvn org.apache.maven.plugins:maven-dependency-plugin:3.6.0:get -Dartifact=a:b:1",
        ] {
            assert!(caches(command, &[]).is_err(), "{command}");
        }
        assert!(caches("mvn frontend:install-node-and-npm package", &[]).is_ok());
        let reason = relied_on_with("./gradlew :lib:publishToMavenLocal", "mvn package").unwrap();
        assert!(reason.contains("publishToMavenLocal"), "{reason}");
        assert_eq!(relied_on_with("./gradlew build", "mvn package"), None);
        assert!(harmless("mvn -v", &[]) && harmless("java -version", &[]));
    }
}
