//! The package managers of the images themselves: they install programs for the whole container.

use super::Ecosystem;
use super::folder::Folder;

pub(super) const ECOSYSTEM: Ecosystem =
    Ecosystem { split: |_, _| Ok(None), is_harmless, redirecting: &[], cache: None };

fn is_harmless(_: &Folder<'_>, words: &[&str]) -> bool {
    // A package may be named by the path of its file.
    let names_a_file = |words: &[&str]| words.iter().any(|word| word.contains('/') && !word.contains("://"));
    match words {
        ["apk", "add" | "update" | "upgrade" | "--no-cache" | "--update", packages @ ..]
        | [
            "apt-get" | "apt",
            "update" | "install" | "upgrade" | "-y" | "-qq" | "-q" | "-yqq" | "clean",
            packages @ ..,
        ]
        | ["dnf" | "yum" | "microdnf", "install" | "-y" | "update", packages @ ..] => !names_a_file(packages),
        ["which", programs @ ..] => !names_a_file(programs),
        ["ls"] => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use crate::ecosystem::tests::harmless;

    #[test]
    fn packages_of_the_system_are_harmless_and_files_are_not() {
        for command in
            ["apk add --no-cache git make", "apt-get update -qq", "apt-get install -y gcc", "yum -y install git"]
        {
            assert!(harmless(command, &[]), "{command}");
        }
        for command in ["apt-get install ./a.deb", "apk add --allow-untrusted ci/a.apk", "ls dist", "apk"] {
            assert!(!harmless(command, &[]), "{command}");
        }
    }
}
