use std::rc::Rc;

use super::value::{Origin, Value};
use super::variables::Variables;
use crate::text::RepositoryPath;

/// A path of `artifacts:` or `cache:`, from the project's folder on: a file, a folder with all that lies
/// below it, or a glob (`*`, `?`, `**`; braces are expanded). GitLab Runner matches them by doublestar.
#[derive(Clone, Debug)]
pub struct PathPattern {
    /// The path in its normal form: `dist` for `./dist/` and `$CI_PROJECT_DIR/dist`.
    pub text: String,
    /// The path as the pipeline writes it.
    pub written: Rc<str>,
    /// Where it was written.
    pub origin: Origin,
    /// Whether the text is known: no variable of unknown value, nothing outside the project.
    pub is_known: bool,
}

/// What stands for the project's folder while a path is read.
const PROJECT: &str = "/project\0";

/// Where runners keep the projects, so that an absolute path may lead into this one.
const RUNNERS_FOLDER: &str = "/builds";

/// How the files that a pattern names lie to those that a `COPY` source names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// They share no file.
    Apart,
    /// Every file of the source is one of the pattern's.
    Covers,
    /// All files of the pattern lie below the source, which may hold others too.
    Below,
    /// Some are shared, or it cannot be told.
    Overlaps,
}

impl PathPattern {
    /// Reads a list of paths.
    pub(super) fn read(value: Option<&Value>, variables: &Variables) -> Vec<Self> {
        value.map(Value::one_or_many).unwrap_or_default().iter().flat_map(|item| Self::item(item, variables)).collect()
    }

    /// The pattern of exactly this place.
    #[must_use]
    pub fn of_place(place: &RepositoryPath, origin: Origin) -> Self {
        Self { text: place.as_str().to_owned(), written: place.as_str().into(), origin, is_known: true }
    }

    /// Whether it names one file or folder and is no glob.
    #[must_use]
    pub fn is_literal(&self) -> bool {
        !is_glob(&self.text)
    }

    /// Whether it may name files anywhere in the project: the root, or a glob that begins with any folder.
    #[must_use]
    pub fn is_unbounded(&self) -> bool {
        matches!(self.text.split('/').next(), None | Some("" | "*" | "**"))
    }

    /// Whether it names all that lies in the project.
    #[must_use]
    pub fn is_everything(&self) -> bool {
        self.text.split('/').all(|part| matches!(part, "" | "*" | "**"))
    }

    /// The path, where it is no glob.
    #[must_use]
    pub fn path(&self) -> Option<RepositoryPath> {
        if self.is_literal() { RepositoryPath::new(&self.text) } else { None }
    }

    /// The path with which one `COPY` brings exactly these files to the same places: the folder for `dist/*` and
    /// `dist/**`, which name all that is in it. `None` for a glob that may match a folder, whose contents a `COPY`
    /// would lay into the target without it, and for globs that `COPY` does not know.
    #[must_use]
    pub fn copied(&self) -> Option<&str> {
        copied(&self.text)
    }

    /// The path with which a `COPY` brings these files, or the glob by which commands have to collect them first; `None`
    /// where no command is known that finds just these: `**` goes through links in GitLab Runner, and in no shell.
    #[must_use]
    pub fn copied_or_collected(&self) -> Option<&str> {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./*?@+".contains(&byte);
        let is_simple = !self.text.contains("**") && self.text.bytes().all(is_plain) && !self.text.starts_with('-');
        self.copied().or_else(|| (is_simple && self.is_known && !self.is_everything()).then_some(&self.text))
    }

    /// How its files lie to those of `source`, a path from the project's folder on that may hold the
    /// globs of a `COPY` source (`*`, `?`).
    #[must_use]
    pub fn relation(&self, source: &str) -> Relation {
        relation_of_paths(&self.text, source)
    }

    /// Whether it may match `source`, taken for a file, or a folder above it.
    #[must_use]
    pub fn may_name(&self, source: &str) -> bool {
        may_name(&parts(&self.text).collect::<Vec<_>>(), &parts(source).collect::<Vec<_>>())
    }

    fn item(value: &Value, variables: &Variables) -> Vec<Self> {
        let written = value.text().unwrap_or_default();
        let expanded = variables.expand_within(&written, PROJECT);
        let below = |text: &str| {
            let rest = text.strip_prefix(PROJECT).filter(|rest| rest.is_empty() || rest.starts_with('/'));
            rest.map(str::to_owned)
        };
        let is_outside = |text: &str| text.starts_with('/') && below(text).is_none();
        if expanded.as_deref().is_some_and(|text| is_outside(text) && !text.starts_with(RUNNERS_FOLDER)) {
            // GitLab Runner takes nothing that lies outside of the project.
            return Vec::new();
        }
        let expanded = expanded.filter(|text| !is_outside(text)).map(|text| below(&text).unwrap_or(text));
        let normal = expanded.as_deref().and_then(RepositoryPath::new);
        let is_known = normal.is_some();
        let text = normal.map_or_else(|| written.to_string(), |path| path.as_str().to_owned());
        let make = |text| Self { text, written: Rc::clone(&written), origin: value.origin, is_known };
        braces(&text, 0).into_iter().map(make).collect()
    }
}

/// Whether a path holds a glob, as artifacts, caches and `COPY` know them.
#[must_use]
pub fn is_glob(path: &str) -> bool {
    path.contains(['*', '?', '['])
}

/// The folder below which all lies that a path may name: the path itself, where it is no glob.
#[must_use]
pub fn folder_before_glob(path: &str) -> &str {
    let before = path.split(['*', '?', '[']).next().unwrap_or_default();
    if is_glob(path) { before.rsplit_once('/').map_or("", |(folder, _)| folder) } else { before }
}

/// Whether a path that [`PathPattern::copied_or_collected`] gave is a glob of what has to be collected.
#[must_use]
pub fn is_to_be_collected(path: &str) -> bool {
    copied(path).is_none()
}

fn copied(path: &str) -> Option<&str> {
    let path = path.trim_end_matches('/');
    let all = ["/**/*", "/**", "/*"].iter().find_map(|glob| path.strip_suffix(glob)).unwrap_or(path);
    let (parent, name) = all.rsplit_once('/').unwrap_or(("", all));
    let is_glob = |part: &str| part.contains(['*', '?', '[', '{']);
    let names_files = name.rsplit_once('.').is_some_and(|(stem, ending)| {
        !ending.is_empty() && !is_glob(ending) && !stem.contains(['[', '{']) && !stem.contains("**")
    });
    (!is_glob(parent) && (!is_glob(name) || names_files)).then_some(all)
}

/// Whether a copy of `source`, which may hold globs, may take the file at `path`, with a folder or by its name.
#[must_use]
pub fn may_take(source: &str, path: &str) -> bool {
    matches!(relation_of_paths(source, path), Relation::Covers | Relation::Overlaps)
}

/// How the files that `pattern` names lie to those that `source` names; see [`PathPattern::relation`].
#[must_use]
pub fn relation_of_paths(pattern: &str, source: &str) -> Relation {
    let pattern: Vec<_> = parts(pattern).collect();
    let source: Vec<_> = parts(source).collect();
    relation(&pattern, &source)
}

fn parts(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter(|part| !part.is_empty() && *part != ".")
}

fn relation(pattern: &[&str], source: &[&str]) -> Relation {
    for (at, part) in pattern.iter().enumerate() {
        let rest = pattern.get(at..).unwrap_or_default();
        if names_everything(rest) {
            return if source.len() >= at { Relation::Covers } else { Relation::Below };
        }
        let Some(found) = source.get(at) else {
            return Relation::Below;
        };
        if *part == "**" {
            return behind_any_folders(rest.get(1..).unwrap_or_default(), source.get(at..).unwrap_or_default());
        }
        if !may_share(part, found) {
            return Relation::Apart;
        }
        if !includes(part, found) {
            return Relation::Overlaps;
        }
    }
    Relation::Covers
}

/// How the files lie to each other that `pattern` and `source` name, where any number of folders may stand in front of the
/// first: one number with which it takes in the whole source is enough.
fn behind_any_folders(pattern: &[&str], source: &[&str]) -> Relation {
    let mut rests = (0..=source.len()).filter_map(|at| source.get(at..));
    let covers = rests.any(|rest| relation(pattern, rest) == Relation::Covers);
    if covers { Relation::Covers } else { Relation::Overlaps }
}

fn may_name(pattern: &[&str], source: &[&str]) -> bool {
    match pattern {
        [] => true,
        ["**", rest @ ..] => (0..=source.len()).filter_map(|at| source.get(at..)).any(|below| may_name(rest, below)),
        [part, rest @ ..] => match source {
            [] => false,
            ["**", ..] => true,
            [found, below @ ..] => may_share(part, found) && may_name(rest, below),
        },
    }
}

/// Whether the rest of a pattern takes in all that lies below: a folder named by `*` is taken whole.
fn names_everything(rest: &[&str]) -> bool {
    match rest {
        [] => true,
        ["**"] | ["**", "*"] => true,
        // A lone `*` names each entry of the folder, and each folder among them is taken whole.
        ["*"] => true,
        _ => false,
    }
}

/// Whether every name that `narrow` matches is matched by `wide` too; `false` where that cannot be told. `**` is any number
/// of names.
fn includes(wide: &str, narrow: &str) -> bool {
    if wide == narrow || narrow == "**" {
        return wide == narrow;
    }
    let Some((prefix, suffix)) = single_star(wide) else {
        return false;
    };
    narrow.len() >= prefix.len() + suffix.len() && narrow.starts_with(prefix) && narrow.ends_with(suffix)
}

fn single_star(glob: &str) -> Option<(&str, &str)> {
    let (prefix, suffix) = glob.split_once('*')?;
    (!prefix.contains(['?', '[', '\\']) && !suffix.contains(['*', '?', '[', '\\'])).then_some((prefix, suffix))
}

/// Whether some name may match both; `true` where that cannot be told.
fn may_share(left: &str, right: &str) -> bool {
    let is_meta = |character| matches!(character, '*' | '?' | '[' | '\\');
    let is_glob = |text: &str| text.contains(is_meta);
    if !is_glob(left) && !is_glob(right) {
        return left == right;
    }
    let head = |text: &str| text.split(is_meta).next().unwrap_or_default().to_owned();
    let tail = |text: &str| {
        text.rsplit(|character| is_meta(character) || character == ']').next().unwrap_or_default().to_owned()
    };
    let (heads, tails) = ((head(left), head(right)), (tail(left), tail(right)));
    let heads_agree = heads.0.starts_with(&heads.1) || heads.1.starts_with(&heads.0);
    heads_agree && (tails.0.ends_with(&tails.1) || tails.1.ends_with(&tails.0))
}

/// `a{b,c}` as `ab` and `ac`; a brace that is not closed stays as it is.
fn braces(text: &str, depth: usize) -> Vec<String> {
    const MOST_BRACES: usize = 4;
    let alternatives = text.split_once('{').and_then(|(before, rest)| {
        let (inner, after) = rest.split_once('}')?;
        (depth < MOST_BRACES && !inner.contains('{')).then_some((before, inner, after))
    });
    let Some((before, inner, after)) = alternatives else {
        return vec![text.to_owned()];
    };
    inner.split(',').flat_map(|part| braces(&format!("{before}{part}{after}"), depth + 1)).collect()
}

#[cfg(test)]
mod tests {
    use super::{Relation, braces, copied, relation_of_paths as lie};

    #[test]
    fn a_folder_covers_itself_and_what_lies_below() {
        assert_eq!(lie("dist", "./dist"), Relation::Covers);
        assert_eq!(lie("dist", "dist/app"), Relation::Covers);
        assert_eq!(lie("dist/app/*", "dist/app"), Relation::Covers);
        assert_eq!(lie("dist/**/*", "dist"), Relation::Covers);
        assert_eq!(lie("dist/**", "dist/app.js"), Relation::Covers);
    }

    #[test]
    fn an_ancestor_holds_the_pattern_and_may_hold_more() {
        assert_eq!(lie("dist", "."), Relation::Below);
        assert_eq!(lie("app/dist", "app"), Relation::Below);
        assert_eq!(lie("target/*.jar", "target"), Relation::Below);
    }

    #[test]
    fn globs_are_compared_by_what_they_match() {
        assert_eq!(lie("target/*.jar", "target/*.jar"), Relation::Covers);
        assert_eq!(lie("target/*.jar", "target/app-*.jar"), Relation::Covers);
        assert_eq!(lie("target/*.jar", "target/app.jar"), Relation::Covers);
        assert_eq!(lie("target/app.jar", "target/*.jar"), Relation::Overlaps);
        assert_eq!(lie("target/*.jar", "target/*.war"), Relation::Apart);
    }

    #[test]
    fn two_stars_stand_for_any_number_of_folders() {
        for source in ["api/build/libs/*.jar", "build/libs/app.jar", "a/b/build/libs/app-*.jar", "**/build/libs/*.jar"]
        {
            assert_eq!(lie("**/build/libs/*.jar", source), Relation::Covers, "{source}");
        }
        for source in ["api", "api/build/libs", "api/build/*.jar", "api/build/libs/*"] {
            assert_eq!(lie("**/build/libs/*.jar", source), Relation::Overlaps, "{source}");
        }
        assert_eq!(lie("**/dist", "web/dist/js/app.js"), Relation::Covers);
        assert_eq!(lie("packages/**/dist", "packages/dist"), Relation::Covers);
        assert_eq!(lie("packages/**/dist", "other/dist"), Relation::Apart);
        assert_eq!(lie("a/**/b/**/c", "a/x/b/y/z/c"), Relation::Covers);
        assert_eq!(lie("**/target/*", "api/target"), Relation::Covers);
        assert_eq!(lie("*/dist", "**/dist"), Relation::Overlaps);
        assert_eq!(lie("**", "dist"), Relation::Covers);
    }

    #[test]
    fn a_file_is_named_by_itself_or_by_a_folder_above_it() {
        let names = |pattern: &str, file: &str| {
            super::may_name(&super::parts(pattern).collect::<Vec<_>>(), &super::parts(file).collect::<Vec<_>>())
        };
        for (pattern, file) in
            [("**/*.jar", "a.jar"), ("**/target", "target/a.jar"), ("a/**", "a/b.txt"), ("*", "a.sh")]
        {
            assert!(names(pattern, file), "{pattern} {file}");
        }
        for (pattern, file) in [("**/target/*.jar", "nginx.conf"), ("**/dist", "web/run.sh"), ("a/b.sh/c", "a/b.sh")] {
            assert!(!names(pattern, file), "{pattern} {file}");
        }
    }

    #[test]
    fn neighbours_are_apart() {
        assert_eq!(lie("dist", "distribution"), Relation::Apart);
        assert_eq!(lie("dist/js", "dist/css"), Relation::Apart);
    }

    #[test]
    fn a_copy_takes_folders_whole_and_globs_for_files_alone() {
        assert_eq!(copied("dist"), Some("dist"));
        assert_eq!(copied("dist/*"), Some("dist"));
        assert_eq!(copied("dist/**/*"), Some("dist"));
        assert_eq!(copied("target/app-*.jar"), Some("target/app-*.jar"));
        assert_eq!(copied("dist/app*"), None);
        assert_eq!(copied("*/build/libs"), None);
        assert_eq!(copied("dist/*.{js,css}"), None);
    }

    #[test]
    fn braces_are_alternatives() {
        assert_eq!(braces("{a,b}/*.{js,css}", 0), ["a/*.js", "a/*.css", "b/*.js", "b/*.css"]);
        assert_eq!(braces("a{b", 0), ["a{b"]);
    }
}
