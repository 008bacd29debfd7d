mod requirements;

use requirements::Requirements;

use super::caches::Cache;
use super::folder::{Folder, Manifests, sets_harmless_key};
use super::invocation::{Invocation, Options};
use super::{DependencyLayer, Ecosystem, Refusal, uv};

/// Packages go to the site-packages of the interpreter, out of the reach of a copy of the sources. pip reads every
/// option from a variable too (pip, "Configuration": environment variables).
pub(super) const ECOSYSTEM: Ecosystem = Ecosystem {
    split,
    is_harmless,
    redirecting: &[
        "PIP_BUILD_CONSTRAINT",
        "PIP_CONFIG_FILE",
        "PIP_CONSTRAINT",
        "PIP_EDITABLE",
        "PIP_FIND_LINKS",
        "PIP_PREFIX",
        "PIP_REQUIREMENT",
        "PIP_ROOT",
        "PIP_SRC",
        "PIP_TARGET",
        "PYTHONPATH",
        "PYTHONUSERBASE",
    ],
    cache: Some(Cache {
        moved_by: &[("PIP_CACHE_DIR", ""), ("PIP_NO_CACHE_DIR", ""), ("XDG_CACHE_HOME", "")],
        ..Cache::new("pip", installs, |_, _| &["/root/.cache/pip"])
    }),
};

fn installs(words: &[&str]) -> bool {
    let is_pip = words.first().is_some_and(|program| *program != "uv");
    let own = arguments(words).filter(|_| is_pip);
    own.is_some_and(|(_, rest)| {
        matches!(rest.first(), Some(&("install" | "wheel" | "download"))) && !rest.contains(&"--no-cache-dir")
    })
}

/// Options of `pip install` that read no other file of the project. pip's "pip install" page.
const OPTIONS: Options = Options {
    flags: &[
        "--break-system-packages",
        "--cache-dir",
        "--check-build-dependencies",
        "--color",
        "--compile",
        "--deps",
        "--disable-pip-version-check",
        "--force-reinstall",
        "--ignore-installed",
        "--ignore-requires-python",
        "--index",
        "--input",
        "--pre",
        "--prefer-binary",
        "--python-version-warning",
        "--quiet",
        "--require-hashes",
        "--system",
        "--upgrade",
        "--use-pep517",
        "--user",
        "--verbose",
        "--warn-conflicts",
        "--warn-script-location",
        "-I",
        "-U",
        "-q",
        "-qq",
        "-v",
    ],
    valued: &[
        "--cache-dir",
        "--constraint",
        "--default-timeout",
        "--extra-index-url",
        "--index-url",
        "--no-binary",
        "--only-binary",
        "--progress-bar",
        "--proxy",
        "--requirement",
        "--retries",
        "--root-user-action",
        "--target",
        "--timeout",
        "--trusted-host",
        "--upgrade-strategy",
        "-c",
        "-i",
        "-r",
        "-t",
    ],
};

/// Questions, settings, and packages that are named: pip itself, poetry, a virtual environment.
fn is_harmless(folder: &Folder<'_>, words: &[&str]) -> bool {
    if let ["python" | "python3", "-m", "venv" | "virtualenv", environment] | ["virtualenv", environment] = words {
        return !environment.starts_with('-') && folder.outputs(&[environment]).is_ok();
    }
    if let ["python" | "python3", "-V" | "--version"] = words {
        return true;
    }
    match arguments(words) {
        Some((_, ["-V" | "--version" | "list" | "freeze" | "debug", ..] | ["config", "list" | "debug"])) => true,
        Some((_, ["config", options @ .., "set", key, value]))
        | Some((_, ["config", "set", key, value, options @ ..])) => {
            let arguments: Vec<_> = options.iter().chain([key, value]).copied().collect();
            sets_harmless_key(folder, &arguments, is_harmless_setting)
        }
        Some((environment, ["install", arguments @ ..])) => {
            let invocation = Invocation::read(arguments, &OPTIONS);
            let reads_files =
                ["-r", "--requirement", "-c", "--constraint"].iter().any(|it| invocation.value(it).is_some());
            invocation.unknown().is_none()
                && !reads_files
                && target(&invocation).is_none()
                && !invocation.operands.is_empty()
                && invocation.operands.iter().all(|operand| requirements::is_remote(operand))
                && environment.is_none_or(|environment| folder.outputs(&[environment]).is_ok())
        }
        _ => false,
    }
}

/// Whether a setting is one of an index or of the network, which names no file (pip, "Configuration").
fn is_harmless_setting(key: &str) -> bool {
    let option = key.split_once('.').map_or(key, |(_, option)| option);
    matches!(
        option,
        "index-url"
            | "extra-index-url"
            | "trusted-host"
            | "timeout"
            | "retries"
            | "no-cache-dir"
            | "disable-pip-version-check"
            | "break-system-packages"
            | "progress-bar"
    )
}

/// The virtual environment whose pip a command is, where it is that, and what stands behind `pip`.
fn arguments<'w, 'a>(words: &'w [&'a str]) -> Option<(Option<&'a str>, &'w [&'a str])> {
    let (program, rest) = words.split_first()?;
    let (folder, name) = program.rsplit_once('/').map_or((None, *program), |(folder, name)| (Some(folder), name));
    let rest = match (name, rest) {
        ("pip" | "pip3", rest) => rest,
        ("python" | "python3", ["-m", "pip", rest @ ..]) => rest,
        ("uv", ["pip", rest @ ..]) if folder.is_none() => rest,
        _ => return None,
    };
    match folder {
        None => Some((None, rest)),
        Some(folder) => folder.strip_suffix("/bin").map(|environment| (Some(environment), rest)),
    }
}

fn target<'a>(invocation: &Invocation<'a>) -> Option<&'a str> {
    invocation.value("--target").or_else(|| invocation.value("-t"))
}

/// `pip install -r FILE`; `None` where it installs nothing that a file names.
fn split(folder: &Folder<'_>, words: &[&str]) -> Result<Option<DependencyLayer>, Refusal> {
    let Some((environment, ["install", arguments @ ..])) = arguments(words) else { return Ok(None) };
    let invocation = Invocation::read(arguments, &OPTIONS);
    if invocation.asks_for_help() {
        return Ok(None);
    }
    if let Some(operand) = invocation.operands.iter().find(|operand| !requirements::is_remote(operand)) {
        return Err(Refusal::without_place(format!("`pip install {operand}` installs from the repository")));
    }
    let files: Vec<_> = ["-r", "--requirement"].iter().flat_map(|option| invocation.values(option)).collect();
    if files.is_empty() && invocation.unknown().is_none() {
        return Ok(None);
    }
    invocation.only_known_options()?;
    let mut requirements = Requirements::default();
    let constraints = ["-c", "--constraint"].iter().flat_map(|option| invocation.values(option));
    for file in files.into_iter().chain(constraints) {
        requirements.read(folder, file)?;
    }
    let places: Vec<_> = [environment, target(&invocation)].into_iter().flatten().collect();
    let outputs = folder.outputs(&places)?;
    let mut manifests = Manifests::default();
    if words.first() == Some(&"uv") {
        uv::settings_of_pip(folder)?.iter().for_each(|file| manifests.add(Some(file)));
    }
    requirements.files.iter().for_each(|file| manifests.add(Some(file)));
    let is_fixed = requirements.are_pinned && invocation.operands.iter().all(|operand| operand.contains("=="));
    let lock = requirements.files.first().filter(|_| is_fixed);
    Ok(Some(manifests.layer("pip", lock, outputs, false)))
}

#[cfg(test)]
mod tests {
    use crate::ecosystem::Split;
    use crate::ecosystem::tests::{harmless, layer, names, refusal, split_at_root, split_in};

    const PINNED: (&str, &str) =
        ("requirements.txt", "# fixed\nflask==3.0.0 \\\n    --hash=sha256:aa\ngunicorn[x]==1 # y\n");

    #[test]
    fn all_ways_to_call_pip_are_known() {
        for command in [
            "pip install -r requirements.txt",
            "pip3 install --no-cache-dir --upgrade -r requirements.txt",
            "python -m pip install -q --requirement=requirements.txt",
            "python3 -m pip install --disable-pip-version-check -r ./requirements.txt -i https://pypi.example.com/simple",
            "uv pip install --system -r requirements.txt",
            "pip install -r requirements.txt gunicorn==20 flask[async]==3",
        ] {
            let found = layer(command, &[PINNED, ("app.py", "")]);
            assert_eq!((found.ecosystem, names(&found.manifests)), ("pip", vec!["requirements.txt"]), "{command}");
            assert!(found.lock_file.is_some() && found.outputs.is_empty(), "{command}");
        }
        assert_eq!(layer("pip install -r requirements.txt six", &[PINNED]).lock_file, None);
    }

    #[test]
    fn included_files_are_copied_too() {
        let files = [
            ("requirements/dev.txt", "-r base.txt\n--constraint=../constraints.txt\npytest\n"),
            ("requirements/base.txt", "-r dev.txt\nflask>=2 ; python_version > '3'\n"),
            ("constraints.txt", "flask==2\n"),
        ];
        let found = layer("pip install -r requirements/dev.txt", &files);
        assert_eq!(names(&found.manifests), ["requirements/dev.txt", "requirements/base.txt", "constraints.txt"]);
        assert_eq!(found.lock_file, None);
        assert!(refusal("pip install -r requirements/dev.txt", &files[..2]).0.contains("constraints.txt"));
    }

    #[test]
    fn files_above_the_folder_are_copied_too() {
        let files =
            [("constraints.txt", "flask==2\n"), ("base.txt", "flask\n"), ("web/requirements.txt", "-r ../base.txt\n")];
        let Split::Legal(found) = split_in("web", "pip install -r requirements.txt -c ../constraints.txt", &files)
        else {
            panic!()
        };
        assert_eq!(names(&found.manifests), ["web/requirements.txt", "base.txt", "constraints.txt"]);
    }

    #[test]
    fn the_settings_of_uv_count() {
        let command = "uv pip install -r requirements.txt";
        let found = layer(command, &[PINNED, (".python-version", "3.12"), ("pyproject.toml", "[project]\n")]);
        assert_eq!(names(&found.manifests), ["pyproject.toml", ".python-version", "requirements.txt"]);
        for settings in [("uv.toml", ""), ("pyproject.toml", "[tool.uv.pip]\nno-deps = true\n")] {
            assert!(refusal(command, &[PINNED, settings]).0.contains("settings of uv"));
        }
        let above = [("web/requirements.txt", PINNED.1), ("uv.toml", "")];
        assert!(matches!(split_in("web", command, &above), Split::NotLegal { .. }));
    }

    #[test]
    fn what_lies_in_the_repository_is_refused() {
        for line in [
            "-e .",
            "--editable=./lib",
            "./lib",
            "lib/x",
            ".",
            "a @ file:///x",
            "a.whl",
            "-f wheels",
            "--find-links=./w",
        ] {
            let text = format!("flask==1\n{line}\n");
            let (reason, place) = refusal("pip install -r requirements.txt", &[("requirements.txt", &text)]);
            assert_eq!(place.as_deref(), Some(line), "{reason}");
        }
        let remote = "-i https://h/simple\n--extra-index-url https://${TOKEN}@h\n--no-binary :all:\n\
                      a @ git+https://h/a.git@v1\nhttps://h/b.whl\ngit+ssh://git@h/c.git#egg=c\n";
        layer("pip install -r requirements.txt", &[("requirements.txt", remote)]);
        for command in
            ["pip install .", "pip install -r requirements.txt .[dev]", "pip install ./lib", "pip install a.whl"]
        {
            assert!(refusal(command, &[PINNED]).0.contains("installs from the repository"), "{command}");
        }
        for option in ["-e", "--no-index", "--src=x", "--prefix=x"] {
            let command = format!("pip install -r requirements.txt {option}");
            assert_eq!(option != "--no-index", matches!(split_at_root(&command, &[PINNED]), Split::NotLegal { .. }));
        }
        refusal("pip install -e .", &[]);
    }

    #[test]
    fn an_environment_of_its_own_is_an_output() {
        let found = layer(".venv/bin/pip install -r requirements.txt", &[PINNED]);
        assert_eq!(names(&found.outputs), [".venv"]);
        refusal(".venv/bin/pip install -r requirements.txt", &[PINNED, (".venv/x", "")]);
        assert_eq!(names(&layer("pip install -t build/lib -r requirements.txt", &[PINNED]).outputs), ["build/lib"]);
        refusal("pip install -t . -r requirements.txt", &[PINNED]);
        assert!(harmless("python -m venv .venv", &[]) && !harmless("python3 -m venv .venv", &[(".venv/x", "")]));
        assert!(harmless(".venv/bin/pip install --upgrade pip", &[]));
    }

    #[test]
    fn questions_and_named_packages_are_harmless() {
        for command in
            ["pip --version", "python -V", "pip install --upgrade pip", "pip install poetry==1.8", "pip list"]
        {
            assert!(harmless(command, &[]), "{command}");
            assert_eq!(split_at_root(command, &[]), Split::NotAnInstall, "{command}");
        }
        for command in
            ["pip install .", "pip install -r requirements.txt", "python setup.py build", "pip install -t . a"]
        {
            assert!(!harmless(command, &[PINNED]), "{command}");
        }
    }
}
