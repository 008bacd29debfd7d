use std::sync::Arc;

use super::folder::{Folder, Manifests, names_no_folder, sets_harmless_key};
use super::invocation::{Invocation, Options};
use super::{DependencyLayer, Ecosystem, Refusal};
use crate::finding::Location;
use crate::source::SourceFile;

/// Gems lie outside of the project or in `vendor/bundle`. There is no folder of downloads apart from them.
pub(super) const ECOSYSTEM: Ecosystem = Ecosystem {
    split,
    is_harmless,
    redirecting: &["BUNDLE_APP_CONFIG", "BUNDLE_GEMFILE", "RUBYLIB", "RUBYOPT"],
    cache: None,
};

/// Options of `bundle install` that read no other file. Bundler, "bundle-install".
const OPTIONS: Options = Options {
    flags: &[
        "--clean",
        "--deployment",
        "--frozen",
        "--full-index",
        "--prefer-local",
        "--quiet",
        "--system",
        "--verbose",
    ],
    valued: &["--jobs", "--path", "--retry", "--with", "--without", "-j"],
};

/// How a line of a `Gemfile` may begin that only names gems and where they come from. Bundler, "gemfile".
const DECLARATIONS: &[&str] =
    &["end", "gem", "git", "git_source", "github", "group", "platform", "platforms", "ruby", "source"];

/// What in such a line may read a file, or name a folder.
const READING: &[&str] = &[
    "path", ":file", "file:", "File", "Dir", "IO.", "`", "eval", "glob", "gemspec", "read", "load", "%x", "system", "*",
];

/// What tells that a repository of git lies elsewhere.
const REMOTE: &[&str] = &["https://", "http://", "ssh://", "git://", "git@"];

fn is_harmless(folder: &Folder<'_>, words: &[&str]) -> bool {
    match words {
        ["ruby" | "gem" | "bundle" | "bundler", "-v" | "--version"] | ["gem", "update", "--system"] => true,
        ["gem", "install", gems @ ..] => {
            !gems.iter().any(|gem| gem.contains('/') || gem.ends_with(".gem") || matches!(*gem, "-g" | "--file"))
        }
        // It may write into the project.
        ["bundle" | "bundler", "config", "set", arguments @ ..] | ["bundle" | "bundler", "config", arguments @ ..] => {
            const KEYS: [&str; 8] =
                ["clean", "deployment", "frozen", "jobs", "path", "retry", "silence_root_warning", "timeout"];
            let is_known = |key: &str| KEYS.contains(&key) || matches!(key, "with" | "without");
            folder.outputs(&[".bundle"]).is_ok() && sets_harmless_key(folder, arguments, is_known)
        }
        _ => false,
    }
}

/// `bundle install`.
fn split(folder: &Folder<'_>, words: &[&str]) -> Result<Option<DependencyLayer>, Refusal> {
    let ["bundle" | "bundler", arguments @ ..] = words else { return Ok(None) };
    let invocation = Invocation::read(arguments, &OPTIONS);
    if !matches!(invocation.operands.as_slice(), [] | ["install"]) || invocation.asks_for_help() {
        return Ok(None);
    }
    invocation.only_known_options()?;
    folder.nothing_above(&[".bundle/config"])?;
    let Some(gems) = folder.file("Gemfile")? else {
        return Err(Refusal::without_place(format!("there is no `Gemfile` in `{}`", folder.path)));
    };
    let version = only_names_gems(folder, &gems)?;
    let lock = folder.file("Gemfile.lock")?;
    lock.as_ref().map_or(Ok(()), |lock| names_no_folder(lock, &["\nPATH\n", "PATH\r\n", "PLUGIN SOURCE"]))?;
    if lock.as_ref().is_some_and(|lock| lock.text().starts_with("PATH\n")) {
        return Err(Refusal::without_place("`Gemfile.lock` has gems that lie in the repository"));
    }
    let path = invocation.value("--path").unwrap_or("vendor/bundle");
    let outputs = folder.outputs(&[path, "vendor/bundle", "vendor/cache", ".bundle"])?;
    let mut manifests = Manifests::default();
    for file in [Some(&gems), lock.as_ref(), version.as_ref()] {
        manifests.add(file);
    }
    let is_fixed = invocation.has("--deployment") || invocation.has("--frozen");
    Ok(Some(manifests.layer("bundler", lock.as_ref(), outputs, !is_fixed)))
}

/// Refuses a `Gemfile`, which is a program, unless each line is one that only names gems. Tells of the file that holds
/// the version of Ruby.
fn only_names_gems(folder: &Folder<'_>, gems: &Arc<SourceFile>) -> Result<Option<Arc<SourceFile>>, Refusal> {
    let mut version = None;
    for line in 1..=gems.lines().line_count() {
        let span = gems.lines().line_span(line);
        let text = span.slice(gems.text()).trim_start_matches('\u{feff}').trim();
        let code = text.split(" #").next().unwrap_or_default().trim();
        if code.is_empty() || code.starts_with('#') {
            continue;
        }
        let refuse = || {
            let reason = format!("`{}` does more than name gems", gems.path());
            Refusal::new(reason, Location::new(gems, span))
        };
        if let Some(file) = code.strip_prefix("ruby file:") {
            version = Some(folder.file(file.trim().trim_matches(['"', '\'']))?.ok_or_else(refuse)?);
            continue;
        }
        let first = code.split(|character: char| !character.is_ascii_alphanumeric() && character != '_').next();
        let is_declaration = first.is_some_and(|word| DECLARATIONS.contains(&word));
        let names_git =
            first == Some("git") || ["git:", ":git "].iter().any(|key| code.replace("source(:git", "").contains(key));
        let is_local_git = names_git && !code.contains(" github:") && !REMOTE.iter().any(|start| code.contains(start));
        let is_continuation = code.starts_with(['"', '\'', ':', ']', '}']) || code.starts_with("require:");
        if !(is_declaration || is_continuation) || is_local_git || READING.iter().any(|word| code.contains(word)) {
            return Err(refuse());
        }
    }
    Ok(version)
}

#[cfg(test)]
mod tests {
    use crate::ecosystem::Split;
    use crate::ecosystem::tests::{harmless, layer, names, refusal, split_at_root};

    const GEMS: (&str, &str) = (
        "Gemfile",
        "# gems\nsource 'https://rubygems.org'\nruby file: \".ruby-version\"\ngit_source(:github) { |repo| \"https://g/#{repo}\" }\n\
         gem 'jekyll', '~> 4', # why\n  require: false\n\ngroup :jekyll_plugins do\n  gem \"a\"\nend\n",
    );
    const LOCK: (&str, &str) = ("Gemfile.lock", "GEM\n  remote: https://rubygems.org/\n");
    const VERSION: (&str, &str) = (".ruby-version", "3.3");

    #[test]
    fn gems_that_are_only_named_are_a_layer() {
        for command in ["bundle install", "bundle", "bundle install --jobs 4 --retry=3 --path vendor/bundle"] {
            let found = layer(command, &[GEMS, LOCK, VERSION]);
            assert_eq!(names(&found.manifests), ["Gemfile", "Gemfile.lock", ".ruby-version"], "{command}");
            assert!(names(&found.outputs).contains(&"vendor/bundle"));
        }
        for command in ["bundle exec jekyll build", "bundle update", "bundle --version"] {
            assert_eq!(split_at_root(command, &[GEMS]), Split::NotAnInstall, "{command}");
        }
    }

    #[test]
    fn a_gemfile_that_reads_is_refused_with_its_line() {
        for line in [
            "ruby(file: '.ruby-version')",
            "ruby :file => '.ruby-version'",
            "gem 'a', **options",
            "gem 'a', git: 'file:///src/a'",
            "gem 'a', git: './a'",
            "gem 'a', :git => 'vendor/a'",
        ] {
            let text = format!("source 'https://rubygems.org'\n{line}\n");
            assert_eq!(refusal("bundle install", &[("Gemfile", &text), LOCK, VERSION]).1.as_deref(), Some(line));
        }
        for line in ["gem 'a', git: 'https://example.com/a'", "gem 'a', github: 'a/a'", "git 'git@example.com:a' do"] {
            layer("bundle install", &[("Gemfile", line), LOCK]);
        }
        for line in
            ["gemspec", "gem 'a', path: 'a'", "eval_gemfile 'b'", "ruby File.read('.ruby-version')", "if true", "x = 1"]
        {
            let text = format!("source 'https://rubygems.org'\n{line}\n");
            assert_eq!(refusal("bundle install", &[("Gemfile", &text), LOCK]).1.as_deref(), Some(line));
        }
        refusal("bundle install", &[GEMS, VERSION, ("Gemfile.lock", "GIT\n\nPATH\n  remote: a\n")]);
        refusal("bundle install", &[GEMS, LOCK]);
        refusal("bundle install --gemfile=ci/Gemfile", &[GEMS, LOCK, VERSION]);
        refusal("bundle install", &[GEMS, LOCK, VERSION, (".bundle/config", "")]);
        refusal("bundle install", &[GEMS, LOCK, VERSION, ("vendor/cache/a.gem", "")]);
    }

    #[test]
    fn settings_outside_of_git_are_harmless() {
        assert!(
            harmless("bundle config set --local path vendor/bundle", &[])
                && harmless("gem install bundler -v 2.5", &[])
        );
        assert!(
            !harmless("bundle config set path x", &[(".bundle/config", "")]) && !harmless("gem install ./a.gem", &[])
        );
    }
}
