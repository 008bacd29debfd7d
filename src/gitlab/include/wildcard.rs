//! The patterns of `include:local`, which are GitLab's own (GitLab: `Repository#search_files_by_wildcard_path`).

/// Whether `path` is one of the files that `pattern` means: `**` stands for anything, `*` for anything but a `/`.
///
/// So `a/**.yml` takes in all files below `a`, and `a/**/*.yml` only those of its subfolders.
pub(super) fn matches(pattern: &str, path: &str) -> bool {
    let (pattern, path) = (pattern.as_bytes(), path.as_bytes());
    // The rows of a table: whether what was read of the pattern fits the first `n` bytes of the path.
    let mut fits: Vec<bool> = (0..=path.len()).map(|length| length == 0).collect();
    let mut at = 0;
    while let Some(byte) = pattern.get(at) {
        let is_double = *byte == b'*' && pattern.get(at + 1) == Some(&b'*');
        fits = match byte {
            b'*' => through(&fits, path, is_double),
            byte => after(&fits, path, *byte),
        };
        at += if is_double { 2 } else { 1 };
    }
    fits.last() == Some(&true)
}

/// The row after a `*` or `**`.
fn through(fits: &[bool], path: &[u8], crosses: bool) -> Vec<bool> {
    let mut open = false;
    let mut row = Vec::with_capacity(fits.len());
    for (length, fit) in fits.iter().enumerate() {
        let crossed = length.checked_sub(1).and_then(|last| path.get(last)) == Some(&b'/');
        open = *fit || open && (crosses || !crossed);
        row.push(open);
    }
    row
}

/// The row after a byte that stands for itself.
fn after(fits: &[bool], path: &[u8], byte: u8) -> Vec<bool> {
    let shifted = fits.iter().zip(path).map(|(fit, found)| *fit && *found == byte);
    std::iter::once(false).chain(shifted).collect()
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn one_star_stays_in_its_folder_and_two_do_not() {
        assert!(matches("ci/*.yml", "ci/a.yml"));
        assert!(!matches("ci/*.yml", "ci/deep/a.yml"));
        assert!(matches("ci/**.yml", "ci/a.yml"));
        assert!(matches("ci/**.yml", "ci/deep/a.yml"));
        assert!(!matches("ci/**/*.yml", "ci/a.yml"));
        assert!(matches("ci/**/*.yml", "ci/deep/er/a.yml"));
        assert!(!matches("ci/*.yml", "ci/a_yml"));
        assert!(matches("*", "a") && !matches("a", "ab") && !matches("ab", "a"));
    }
}
