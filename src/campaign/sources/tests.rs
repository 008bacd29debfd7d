use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use tempfile::TempDir;

use super::{CloneBy, Sourcing, projects};
use crate::campaign::project::{Place, Project};

/// A folder with these files; a path that ends with `/` is a folder.
fn tree(paths: &[&str]) -> TempDir {
    let root = TempDir::new().unwrap();
    for path in paths {
        let place = root.path().join(path);
        if path.ends_with('/') {
            fs::create_dir_all(place).unwrap();
        } else {
            fs::create_dir_all(place.parent().unwrap()).unwrap();
            fs::write(place, "").unwrap();
        }
    }
    root
}

fn of_paths(root: &TempDir, paths: &[&str]) -> Sourcing {
    let paths: Vec<_> = paths.iter().map(|path| root.path().join(path).to_str().unwrap().to_owned()).collect();
    projects(&paths, &[], &mut &b""[..], CloneBy::Ssh, None)
}

fn of_list(list: &str) -> Sourcing {
    projects(&[], &[PathBuf::from("-")], &mut list.as_bytes(), CloneBy::Ssh, None)
}

/// The names below `root`, each with its pipelines.
fn told(root: &TempDir, sourcing: &Sourcing) -> Vec<String> {
    let start = format!("{}/", root.path().to_str().unwrap());
    let told = |project: &Project| {
        let pipelines: Vec<_> = project.pipelines.iter().map(ToString::to_string).collect();
        let bare = if matches!(project.place, Place::Bare(_)) { " (bare)" } else { "" };
        format!("{}: {}{bare}", project.name.strip_prefix(&start).unwrap_or(&project.name), pipelines.join(" "))
    };
    sourcing.projects.iter().map(told).collect()
}

fn names(sourcing: &Sourcing) -> Vec<&str> {
    sourcing.projects.iter().map(|project| project.name.as_str()).collect()
}

fn errors(sourcing: &Sourcing) -> Vec<String> {
    sourcing.errors.iter().map(ToString::to_string).collect()
}

#[test]
fn folders_are_searched_for_work_trees_plain_folders_and_bare_repositories() {
    let root = tree(&[
        "mono/.gitlab-ci.yml",
        "mono/.git/",
        "mono/z/.gitlab-ci.yml",
        "mono/services/a/.gitlab-ci.yml",
        "mono/submodule/.gitlab-ci.yml",
        "mono/submodule/.git",
        "mono/submodule/deep/.gitlab-ci.yml",
        "mono/silent/.git",
        "mono/silent/x/.gitlab-ci.yml",
        "mono/tests/app.git/HEAD",
        "mono/tests/app.git/objects/",
        "mono/tests/app.git/refs/",
        "plain/.gitlab-ci.yml",
        "plain/template/.gitlab-ci.yml",
        "storage/app.git/HEAD",
        "storage/app.git/objects/x/.gitlab-ci.yml",
        "storage/app.git/refs/",
        "storage/HEAD/objects/",
        "work/journal.jsonl",
        "work/clones/app/.gitlab-ci.yml",
    ]);
    let sourcing = of_paths(&root, &["."]);
    let expected = [
        "mono: .gitlab-ci.yml services/a/.gitlab-ci.yml z/.gitlab-ci.yml",
        "mono/submodule: .gitlab-ci.yml deep/.gitlab-ci.yml",
        "plain: .gitlab-ci.yml",
        "storage/app.git: .gitlab-ci.yml (bare)",
    ];
    assert_eq!(told(&root, &sourcing), expected);
    assert_eq!(errors(&sourcing), [""; 0]);
    assert!(sourcing.left_out.iter().any(|note| note.contains("work: it is the folder of a campaign")));
    let named = of_paths(&root, &["storage/app.git", "mono"]);
    assert_eq!(told(&root, &named), [expected[0], expected[1], expected[3]]);
}

#[test]
fn a_place_that_is_named_twice_is_one_project() {
    let root = tree(&["app/.gitlab-ci.yml", "app/.git/", "app/a/.gitlab-ci.yml", "app/ci/x.yml", "loose/y.yml"]);
    let app = "app: .gitlab-ci.yml a/.gitlab-ci.yml";
    let sourcing = of_paths(&root, &["app", ".", "loose/../app", "app/a", "app/.gitlab-ci.yml"]);
    assert_eq!(told(&root, &sourcing), [app]);
    assert_eq!(sourcing.left_out.len(), 4, "{:?}", sourcing.left_out);
    let with_file = of_paths(&root, &["app/ci/x.yml", "app"]);
    assert_eq!(told(&root, &with_file), [format!("{app} ci/x.yml")]);
    assert_eq!(with_file.left_out, [""; 0]);
    let files = of_paths(&root, &["app/ci/x.yml", "loose/y.yml"]);
    let ends: Vec<_> =
        names(&files).iter().map(|name| name.ends_with("app/ci/x.yml") || name.ends_with("loose/y.yml")).collect();
    assert_eq!(ends, [true, true], "{:?}", names(&files));
}

#[test]
fn addresses_of_one_repository_are_one_project() {
    let list = "git@gitlab.example.com:group/app.git\nhttps://gitlab.example.com/group/app\nssh://git@host:22/b\n";
    let sourcing = of_list(list);
    assert_eq!(names(&sourcing), ["gitlab.example.com/group/app", "host/b"]);
    assert_eq!(sourcing.projects[0].place, Place::Remote("git@gitlab.example.com:group/app.git".to_owned()));
    assert_eq!(sourcing.left_out, ["gitlab.example.com/group/app: it is named twice"]);
}

#[test]
fn a_bare_repository_and_its_address_are_one_project() {
    let root = tree(&["app.git/HEAD", "app.git/objects/", "app.git/refs/", "other.git/HEAD"]);
    let here = root.path().to_str().unwrap();
    let sourcing = of_list(&format!("file://{here}/app.git\n{here}/app.git\nfile://{here}/other.git\n"));
    assert_eq!(names(&sourcing), [format!("{here}/app.git"), format!("{here}/other")]);
    assert_eq!(sourcing.left_out, [format!("{here}/app: it is named twice")]);
}

#[test]
fn a_file_wins_over_an_address_and_a_path_that_is_not_there_is_told_with_its_line() {
    let root = tree(&["a:b/.gitlab-ci.yml"]);
    let here = root.path().to_str().unwrap();
    assert_eq!(names(&of_list(&format!("{here}/a:b"))).len(), 1);
    let sourcing = of_list("# nothing\n/nowhere/at/all\n--upload-pack=evil\next::sh -c evil\nhttps://x:y@host/z\n");
    let errors = errors(&sourcing);
    assert_eq!(errors.len(), 4);
    assert!(errors.contains(&"-:2: /nowhere/at/all: there is no such file or folder".to_owned()), "{errors:?}");
    assert!(errors.iter().any(|error| error.starts_with("-:3: '--upload-pack=evil': it begins with a dash")));
    assert!(errors.iter().any(|error| error.starts_with("-:4: 'ext::sh -c evil': git is asked")));
    assert!(
        errors.iter().any(|error| error.starts_with("-:5: ") && error.contains("password") && !error.contains("x:y")),
        "{errors:?}"
    );
}

#[test]
fn a_list_of_gitlab_is_read_with_what_it_tells() {
    let project = |path: &str, more: &str| {
        format!(
            r#"{{"id": 1, "path_with_namespace": "{path}", "ssh_url_to_repo": "git@ssh.example.com:{path}.git",
            "http_url_to_repo": "https://example.com/gitlab/{path}.git", "default_branch": "main", "topics": ["x"]{more}}}"#
        )
    };
    let list = format!(
        "[{},{}]\n[{},{},{}]",
        project("group/app", ""),
        project("group/old", r#", "archived": true"#),
        project("group/new", r#", "empty_repo": true"#),
        project("group/off", r#", "builds_access_level": "disabled""#),
        project("group/b", r#", "archived": false, "empty_repo": false, "jobs_enabled": true"#),
    );
    let sourcing = of_list(&list);
    assert_eq!(names(&sourcing), ["example.com/gitlab/group/app", "example.com/gitlab/group/b"]);
    assert_eq!(sourcing.projects[0].place, Place::Remote("git@ssh.example.com:group/app.git".to_owned()));
    assert_eq!(sourcing.projects[0].branch.as_deref(), Some("main"));
    let left_out = [
        "example.com/gitlab/group/new: its repository is empty",
        "example.com/gitlab/group/off: CI/CD is switched off in it",
        "example.com/gitlab/group/old: it is archived",
    ];
    assert_eq!(sourcing.left_out, left_out);
    let from = [PathBuf::from("-")];
    let by_http = projects(&[], &from, &mut list.as_bytes(), CloneBy::Http, None);
    assert_eq!(names(&by_http), names(&sourcing));
    assert_eq!(by_http.projects[0].place, Place::Remote("https://example.com/gitlab/group/app.git".to_owned()));
    let words = ["git@ssh.example.com:group/app.git".to_owned()];
    let with_word = projects(&words, &from, &mut list.as_bytes(), CloneBy::Ssh, None);
    assert_eq!(names(&with_word), names(&sourcing), "the same repository, by the host of its SSH address");
    assert_eq!(with_word.projects[0].branch.as_deref(), Some("main"));
}

#[test]
fn hostile_projects_are_refused_one_by_one() {
    let http = |path: &str| format!(r#""http_url_to_repo": "https://host/{path}""#);
    let list = [
        format!(r#"{{"path_with_namespace": "../../etc", {}}}"#, http("../../etc")),
        format!(r#"{{"path_with_namespace": "/etc/passwd", {}}}"#, http("a")),
        format!(r#"{{"path_with_namespace": "other/a", {}}}"#, http("a")),
        r#"{"ssh_url_to_repo": "ext::sh -c evil"}"#.to_owned(),
        r#"{"ssh_url_to_repo": "--upload-pack=evil"}"#.to_owned(),
        r#"{"ssh_url_to_repo": "/etc"}"#.to_owned(),
        r#"{"message": "401 Unauthorized"}"#.to_owned(),
        format!(r#"{{{}, "default_branch": "--upload-pack=evil"}}"#, http("a")),
        format!(r#"{{{}, "default_branch": "a..b\u0000"}}"#, http("a")),
        format!(r#"{{{}}}"#, http("a\\u001b[31m")),
        format!(r#"{{"path_with_namespace": "good", {}}}"#, http("good")),
    ];
    let sourcing = of_list(&list.join("\n"));
    assert_eq!(names(&sourcing), ["host/good"]);
    let errors = errors(&sourcing);
    assert_eq!(errors.len(), list.len() - 1, "{errors:#?}");
    assert!(errors.iter().all(|error| error.starts_with("-: project ") && !error.contains(char::is_control)));
}

#[test]
fn a_file_that_is_no_list_is_told_in_a_few_lines() {
    let sourcing = of_list(&"-x\n".repeat(100_000));
    assert_eq!(sourcing.errors.len(), 21);
    assert_eq!(sourcing.errors[20].to_string(), "-: 99980 more entries are faulty");
    let missing = projects(&[], &[PathBuf::from("/nowhere/list")], &mut &b""[..], CloneBy::Ssh, None);
    assert!(errors(&missing)[0].starts_with("/nowhere/list: "));
}

#[test]
fn shards_share_a_long_list() {
    let list: String = (0..20_000).map(|number| format!("git@host:group/app-{number}.git\n")).collect();
    let shard = |number| {
        let shard = format!("{number}/4").parse().ok();
        projects(&[], &[PathBuf::from("-")], &mut list.as_bytes(), CloneBy::Ssh, shard)
    };
    let mut all: Vec<_> = (1..=4).flat_map(|number| shard(number).projects).collect();
    all.sort_by(|one, other| one.name.cmp(&other.name));
    assert_eq!(all, of_list(&list).projects);
    assert_eq!(all.len(), 20_000);
}

#[test]
fn two_places_of_one_name_are_told_apart() {
    let root = tree(&["host/app/.gitlab-ci.yml"]);
    let here = root.path().to_str().unwrap();
    // The name of a repository of this machine is its path, which is what the folder is called as well.
    let sourcing = of_list(&format!("file://{here}/host/app.git\n{here}/host/app\n"));
    assert_eq!(names(&sourcing), [format!("{here}/host/app"), format!("{here}/host/app (2)")]);
}

#[cfg(unix)]
#[test]
fn a_folder_with_a_name_that_no_report_can_hold_is_told() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    let root = tree(&["a\nb/.gitlab-ci.yml", "good/.gitlab-ci.yml"]);
    let odd = root.path().join(OsStr::from_bytes(b"mono-\xff"));
    fs::create_dir_all(odd.join(".git")).unwrap();
    fs::create_dir_all(odd.join("x")).unwrap();
    fs::write(odd.join(".gitlab-ci.yml"), "").unwrap();
    fs::write(odd.join("x/.gitlab-ci.yml"), "").unwrap();
    let sourcing = of_paths(&root, &["."]);
    assert_eq!(told(&root, &sourcing), ["good: .gitlab-ci.yml"]);
    assert_eq!(sourcing.errors.len(), 2, "{:?}", sourcing.errors);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_list_gives_projects_with_names_of_their_own(lines in proptest::collection::vec(
        r"(git@|https://|ssh://|file:///|)[ab]{1,2}[:/@][ab./:-]{0,8}(\.git)?", 0..12), shards in 1_u32..4)
    {
        let list = lines.join("\n");
        let whole = of_list(&list);
        let names = names(&whole);
        prop_assert!(names.is_sorted() && names.windows(2).all(|pair| pair[0] != pair[1]), "{:?}", names);
        let of_shard = |index: u32| {
            let shard = format!("{index}/{shards}").parse().ok();
            projects(&[], &[PathBuf::from("-")], &mut list.as_bytes(), CloneBy::Ssh, shard).projects
        };
        let mut all: Vec<_> = (1..=shards).flat_map(of_shard).collect();
        all.sort_by(|one, other| one.name.cmp(&other.name));
        prop_assert_eq!(&all, &whole.projects);
        prop_assert!(whole.projects.iter().all(|project| Path::new(&project.slug()).components().count() == 1));
    }
}
