//! The lines of an ignore file that keep sources away, and the file without them.

use crate::syntax::dockerignore::DockerIgnore;
use crate::text::{RepositoryPath, Span};

/// The patterns by which the paths in `hidden` are left out, by their index, and the place of the first: those that decide
/// over one, until none does, and the exceptions that are exceptions to nothing then. `None` where none decides.
pub(super) fn that_hide(ignore: &DockerIgnore, hidden: &[&RepositoryPath]) -> Option<(Vec<usize>, Span)> {
    let mut gone: Vec<usize> = Vec::new();
    loop {
        let rest = without_patterns(ignore, &gone);
        let deciding = hidden.iter().filter_map(|path| rest.deciding_pattern(path.as_str()));
        let deciding: Vec<_> = deciding.filter(|pattern| !pattern.negated).map(|pattern| pattern.span).collect();
        if deciding.is_empty() {
            break;
        }
        let at = |span: &Span| ignore.patterns.iter().position(|pattern| pattern.span == *span);
        gone.extend(deciding.iter().filter_map(at));
        gone.sort_unstable();
        gone.dedup();
    }
    let is_kept = |index: &usize| !gone.contains(index);
    let first_kept = (0..ignore.patterns.len())
        .filter(is_kept)
        .find(|index| ignore.patterns.get(*index).is_some_and(|pattern| !pattern.negated));
    let idle = ignore
        .patterns
        .iter()
        .enumerate()
        .filter(|(index, pattern)| pattern.negated && first_kept.is_none_or(|first| *index < first));
    let idle: Vec<_> = idle.map(|(index, _)| index).collect();
    gone.extend(idle);
    gone.sort_unstable();
    gone.dedup();
    let first = ignore.patterns.get(*gone.first()?)?;
    Some((gone, first.span))
}

fn without_patterns(ignore: &DockerIgnore, gone: &[usize]) -> DockerIgnore {
    let kept = ignore.patterns.iter().enumerate().filter(|(index, _)| !gone.contains(index));
    DockerIgnore { patterns: kept.map(|(_, pattern)| pattern.clone()).collect(), problems: Vec::new() }
}

/// The text without the lines of these patterns, and without the comments above lines that all go. What they kept away
/// beside the sources stays away: `.git`, and `new`, the file that the text goes to.
pub(super) fn without(text: &str, ignore: &DockerIgnore, gone: &[usize], new: Option<&RepositoryPath>) -> String {
    let rest = without_patterns(ignore, gone);
    let still = [Some(".git"), new.map(RepositoryPath::as_str)].into_iter().flatten();
    let kept_away = still.filter(|path| ignore.matches(path) && !rest.matches(path));
    let mut added: Vec<_> = kept_away.map(str::to_owned).collect();
    let line_break = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let spans: Vec<_> = gone.iter().filter_map(|index| ignore.patterns.get(*index)).map(|it| it.span).collect();
    let mut lines: Vec<(&str, bool)> = Vec::new();
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let end = start + line.len();
        lines.push((line, spans.iter().any(|span| span.start() >= start && span.end() <= end)));
        start = end;
    }
    let two_breaks = line_break.repeat(2);
    let (mut result, mut has_gap) = (String::new(), false);
    for (index, (line, goes)) in lines.iter().enumerate() {
        if *goes {
            for path in added.drain(..) {
                result.push_str(&path);
                result.push_str(line_break);
            }
            has_gap = true;
            continue;
        }
        let heads = line.starts_with('#') && heads_only_gone(lines.get(index + 1..).unwrap_or_default());
        // What stood between two gaps leaves one of them.
        let is_second_gap = has_gap && line.trim().is_empty() && (result.is_empty() || result.ends_with(&two_breaks));
        if !heads && !is_second_gap {
            result.push_str(line);
            has_gap = false;
        }
    }
    result
}

/// Whether the lines below a comment, up to the next gap or comment behind them, all go.
fn heads_only_gone(below: &[(&str, bool)]) -> bool {
    let mut patterns = below.iter().skip_while(|(line, _)| line.starts_with('#'));
    let group: Vec<_> =
        patterns.by_ref().take_while(|(line, _)| !line.trim().is_empty() && !line.starts_with('#')).collect();
    !group.is_empty() && group.iter().all(|(_, goes)| *goes)
}

#[cfg(test)]
mod tests {
    use super::{that_hide, without};
    use crate::syntax::dockerignore::DockerIgnore;
    use crate::text::RepositoryPath;

    fn relaxed(text: &str, hidden: &[&str]) -> String {
        let ignore = DockerIgnore::parse(text);
        let hidden: Vec<_> = hidden.iter().map(|path| RepositoryPath::new(path).unwrap()).collect();
        let hidden: Vec<_> = hidden.iter().collect();
        let (gone, _) = that_hide(&ignore, &hidden).unwrap();
        without(text, &ignore, &gone, None)
    }

    #[test]
    fn lines_that_hide_sources_go_with_their_comments() {
        for (before, after) in [
            ("node_modules\nsrc\npublic\n.git\n", "node_modules\npublic\n.git\n"),
            ("*\n!dist\n", ".git\n"),
            ("# all\n*\n# but\n!dist\n!nginx.conf\n", ".git\n"),
            ("# mine\n\n# all\n**\n!dist\n\n# tools\n.idea\n", "# mine\n\n.git\n\n# tools\n.idea\n"),
            ("# both\nsrc\ntests\n", "# both\ntests\n"),
            ("src\r\n.git\r\n", ".git\r\n"),
            ("*.js\n!x.js\nsrc\n", "*.js\n!x.js\n"),
            ("src\nsrc/*.js", ""),
            ("# sources\nsrc\n\n# tools\n.idea\n", "# tools\n.idea\n"),
            (".git\n\nsrc\n\n.idea\n", ".git\n\n.idea\n"),
        ] {
            assert_eq!(relaxed(before, &["src/a.js"]), after, "{before:?}");
        }
    }
}
