//! The options of the commands that make a container.

use super::container::spelled;
use crate::docker::StepWord;

/// Options of `docker create` and `docker run` that take a value (Docker CLI reference).
const WITH_VALUE: [&str; 44] = [
    "-e",
    "-h",
    "-l",
    "-m",
    "-p",
    "-u",
    "-v",
    "-w",
    "--add-host",
    "--cap-add",
    "--cap-drop",
    "--cidfile",
    "--cpus",
    "--cpuset-cpus",
    "--device",
    "--dns",
    "--entrypoint",
    "--env",
    "--env-file",
    "--expose",
    "--gpus",
    "--hostname",
    "--ipc",
    "--label",
    "--log-driver",
    "--memory",
    "--mount",
    "--name",
    "--net",
    "--network",
    "--pid",
    "--platform",
    "--publish",
    "--pull",
    "--restart",
    "--runtime",
    "--security-opt",
    "--shm-size",
    "--tmpfs",
    "--ulimit",
    "--user",
    "--volume",
    "--volumes-from",
    "--workdir",
];

/// Those that take none.
const WITHOUT_VALUE: [&str; 14] = [
    "-P",
    "-d",
    "-i",
    "-q",
    "-t",
    "--detach",
    "--init",
    "--interactive",
    "--privileged",
    "--quiet",
    "--read-only",
    "--rm",
    "--tty",
    "--sig-proxy",
];

/// The options that one word holds, with the value of the last; `None` where it cannot be read.
pub(super) fn option<'a>(
    raw: &str,
    rest: &mut impl Iterator<Item = &'a StepWord>,
) -> Option<Vec<(String, Option<String>)>> {
    if let Some((name, value)) = raw.split_once('=').filter(|(name, _)| name.starts_with("--")) {
        let is_known = WITH_VALUE.contains(&name) || WITHOUT_VALUE.contains(&name);
        return is_known.then(|| vec![(name.to_owned(), Some(value.to_owned()))]);
    }
    if WITHOUT_VALUE.contains(&raw) {
        return Some(vec![(raw.to_owned(), None)]);
    }
    if WITH_VALUE.contains(&raw) {
        return Some(vec![(raw.to_owned(), Some(spelled(rest.next()?)))]);
    }
    let letters = raw.strip_prefix('-').filter(|letters| !letters.starts_with('-'))?;
    let mut found = Vec::new();
    for (at, letter) in letters.char_indices() {
        let name = format!("-{letter}");
        if WITH_VALUE.contains(&name.as_str()) {
            let value = letters.get(at + letter.len_utf8()..).filter(|value| !value.is_empty());
            let value = value.map_or_else(|| rest.next().map(spelled), |value| Some(value.to_owned()))?;
            found.push((name, Some(value)));
            return Some(found);
        }
        if !WITHOUT_VALUE.contains(&name.as_str()) {
            return None;
        }
        found.push((name, None));
    }
    Some(found)
}
