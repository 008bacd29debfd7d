use super::caches::Cache;
use super::folder::Folder;
use super::{Ecosystem, Refusal};

/// A build of sbt is a program, which may read anything; so there is no layer. What `publishLocal` makes lies in
/// `.ivy2/local`, and settings of the user in `.sbt/1.0`: only downloads are mounted.
pub(super) const ECOSYSTEM: Ecosystem = Ecosystem {
    split: |_, words| match words {
        [program, rest @ ..]
            if is_sbt(program) && rest.iter().any(|task| task.rsplit('/').next() == Some("update")) =>
        {
            Err(Refusal::without_place("the build of sbt is a program, which may read any file"))
        }
        _ => Ok(None),
    },
    is_harmless: |_, _| false,
    redirecting: &[],
    cache: Some(Cache {
        is_locked: true,
        is_for_scripts: true,
        moved_by: &[
            ("COURSIER_CACHE", ""),
            ("XDG_CACHE_HOME", ""),
            ("SBT_OPTS", "sbt.ivy.home"),
            ("SBT_OPTS", "sbt.global.base"),
            ("SBT_OPTS", "sbt.coursier.home"),
            ("SBT_OPTS", "sbt.boot.directory"),
        ],
        relied_on,
        ..Cache::new("sbt", calls_sbt, |_, _| &["/root/.cache/coursier", "/root/.ivy2/cache", "/root/.sbt/boot"])
    }),
};

fn is_sbt(program: &str) -> bool {
    program.rsplit('/').next() == Some("sbt")
}

fn calls_sbt(words: &[&str]) -> bool {
    words.first().is_some_and(|program| is_sbt(program))
}

fn relied_on(_: &Folder<'_>, commands: &[Vec<&str>]) -> Option<String> {
    const ELSEWHERE: [&str; 4] = ["-Dsbt.ivy.home", "-Dsbt.global.base", "-Dsbt.boot.directory", "-Dsbt.coursier.home"];
    let mut words = commands.iter().filter(|words| calls_sbt(words)).flatten();
    let word = words.find(|word| ELSEWHERE.iter().any(|option| word.starts_with(option)) || **word == "-ivy")?;
    Some(format!("`{word}` says where sbt keeps its downloads"))
}

#[cfg(test)]
mod tests {
    use crate::ecosystem::Split;
    use crate::ecosystem::tests::{caches, refusal, split_at_root};

    #[test]
    fn there_is_a_cache_and_no_layer() {
        assert!(refusal("sbt update", &[("build.sbt", "")]).0.contains("program"));
        assert_eq!(split_at_root("sbt compile", &[]), Split::NotAnInstall);
        let mounts = caches("sbt compile", &[]).unwrap();
        assert!(mounts.contains("target=/root/.cache/coursier,sharing=locked"), "{mounts}");
        assert!(caches("sbt -Dsbt.ivy.home=.ivy2 compile", &[]).is_err());
    }
}
