//! A source of a `COPY` that names the files by a variable, and takes them from a stage where they lie elsewhere.
//!
//! `COPY ${FILES} /srv` with `ARG FILES=dist` becomes `COPY --from=builder /src/${FILES} /srv`, where `dist` came out of `/src/dist`.

use crate::text::RepositoryPath;

/// The source as it has to be written in a stage where its files, which are `path` in the repository, lie at `origin`; `relative`
/// is how it is written from `context` on, without its quotes. What stands in front of the variable may be another folder there;
/// `None` where more of it differs.
pub(super) fn written(path: &str, relative: &str, context: &RepositoryPath, origin: &str) -> Option<String> {
    let known = relative.split('$').next().unwrap_or_default();
    let folder = known.rsplit_once('/').map_or("", |(folder, _)| folder);
    let path = RepositoryPath::new(path)?;
    let below = path.relative_to(&context.join(folder)?).filter(|below| !below.is_empty())?;
    let root = origin.strip_suffix(below)?.strip_suffix('/')?;
    let rest = relative.strip_prefix(folder)?.trim_start_matches('/');
    Some(format!("{root}/{rest}"))
}

#[cfg(test)]
mod tests {
    use super::{RepositoryPath, written};

    #[test]
    fn a_variable_stays_where_only_what_stands_in_front_of_it_differs() {
        for (path, relative, origin, expected) in [
            ("dist", "${FILES}", "/src/dist", Some("/src/${FILES}")),
            ("out/app.jar", "out/$NAME.jar", "/src/target/app.jar", Some("/src/target/$NAME.jar")),
            ("out/app.jar", "$PLACE/app.jar", "/w/out/app.jar", Some("/w/$PLACE/app.jar")),
            ("dist", "$FILES", "/dist", Some("/$FILES")),
            ("public", "${FILES}", "/src/dist", None),
            ("out/app.jar", "$PLACE/app.jar", "/src/target/app.jar", None),
            ("t", "$FILES", "/src/dist", None),
        ] {
            let found = written(path, relative, &RepositoryPath::root(), origin);
            assert_eq!(found.as_deref(), expected, "{relative}");
        }
        let web = RepositoryPath::new("web").unwrap();
        assert_eq!(written("web/dist", "$FILES", &web, "/src/dist").as_deref(), Some("/src/$FILES"));
    }
}
