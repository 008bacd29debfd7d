//! One push: its options, and what the remote answers.

use super::message::Text;
use crate::campaign::clone::LocalClone;
use crate::campaign::git::GitTrouble;
use crate::report::visible;

/// The most bytes of one option: what a line of git's protocol holds (git docs: gitprotocol-common, "pkt-line Format").
const LONGEST_OPTION: usize = 65_516;

/// The longest title of a merge request, in characters.
const LONGEST_TITLE: usize = 255;

/// The name of the option that holds the description.
const DESCRIPTION: &str = "merge_request.description=";

/// How merge requests are asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MergeRequest {
    /// Whether one is asked for at all.
    pub is_wanted: bool,
    /// Its labels.
    pub labels: Vec<String>,
    /// Whether it is a draft.
    pub is_draft: bool,
    /// Other options of the push, as the user writes them.
    pub options: Vec<String>,
}

impl MergeRequest {
    /// The options of a push (GitLab docs: topics/git/commit, "Push options for merge requests").
    pub(super) fn push_options(&self, target: &str, text: &Text) -> Vec<String> {
        let mut options = Vec::new();
        if self.is_wanted {
            options.push("merge_request.create".to_owned());
            options.push(format!("merge_request.target={target}"));
            options.push(format!("merge_request.title={}", cut(&text.title, LONGEST_TITLE)));
            let most = LONGEST_OPTION - DESCRIPTION.len();
            options.push(format!("{DESCRIPTION}{}", text.description(&|part| on_one_line(part), most)));
            options.extend(self.labels.iter().map(|label| format!("merge_request.label={label}")));
            options.extend(self.is_draft.then(|| "merge_request.draft".to_owned()));
        }
        options.extend(self.options.iter().cloned());
        options
    }
}

/// A text on one line, each of its line breaks as `\n`: GitLab makes a line break of these two characters
/// (`MergeRequests::PushOptionsHandlerService`). Where they stand in the text themselves, a space that is not seen is put in
/// between.
fn on_one_line(text: &str) -> String {
    let text = text.replace("\r\n", "\n").replace("\\n", "\\\u{200b}n");
    let text: String = text.chars().filter(|character| *character == '\n' || !character.is_control()).collect();
    text.replace('\n', "\\n")
}

fn cut(title: &str, most: usize) -> String {
    if title.chars().count() <= most {
        return title.to_owned();
    }
    title.chars().take(most - 1).chain(['…']).collect()
}

/// What a push came to.
#[derive(Debug)]
pub(super) struct Pushed {
    /// The address of the merge request, where the remote tells it.
    pub(super) merge_request: Option<String>,
}

/// Pushes `commit` to a branch that is at `expected`, or is not there.
pub(super) fn push(
    clone: &LocalClone<'_>,
    branch: &str,
    commit: &str,
    expected: Option<&str>,
    options: &[String],
) -> Result<Pushed, GitTrouble> {
    let answer = clone
        .git()
        .run(&call(clone, branch, Some(commit), expected, options))
        .map_err(|trouble| said(trouble, branch))?;
    Ok(Pushed { merge_request: merge_request(&answer.errors) })
}

/// Deletes a branch that is at `expected`.
pub(in crate::campaign) fn delete(clone: &LocalClone<'_>, branch: &str, expected: &str) -> Result<(), GitTrouble> {
    let answer = clone.git().run(&call(clone, branch, None, Some(expected), &[]));
    answer.map(drop).map_err(|trouble| said(trouble, branch))
}

fn call(
    clone: &LocalClone<'_>,
    branch: &str,
    commit: Option<&str>,
    expected: Option<&str>,
    options: &[String],
) -> crate::process::Invocation<'static> {
    let lease = format!("--force-with-lease=refs/heads/{branch}:{}", expected.unwrap_or_default());
    let refspec = format!("{}:refs/heads/{branch}", commit.unwrap_or_default());
    let call = clone.call().arguments(["push", "--porcelain", "--no-verify", "--no-signed", &lease]);
    let call = call.arguments(options.iter().map(|option| format!("--push-option={option}")));
    call.arguments(["--", &clone.remote, &refspec])
}

/// The same trouble, with what to do about it.
fn said(trouble: GitTrouble, branch: &str) -> GitTrouble {
    let GitTrouble::Failed { why, said } = trouble else { return trouble };
    let why = if said.contains("does not support push options") {
        "the remote takes no push options, so that no merge request can be asked for; --no-merge-request pushes the \
         branch alone"
            .to_owned()
    } else if said.contains("refname conflict") || said.contains("; cannot create '") {
        format!(
            "'{branch}' and a branch that is there cannot both be, as one is a folder of the other; --branch names another"
        )
    } else if said.contains("(stale info)") {
        format!("somebody else has pushed to {branch} meanwhile")
    } else {
        why
    };
    GitTrouble::Failed { why, said }
}

/// The address of a merge request in what a remote has said: a line of its own below `View merge request for`. The page that
/// makes a new one is none.
fn merge_request(said: &str) -> Option<String> {
    let words = said.lines().filter_map(|line| line.strip_prefix("remote:")).flat_map(str::split_whitespace);
    let number = |address: &str| {
        let (before, number) = address.split_once("/merge_requests/")?;
        let is_address = before.starts_with("https://") || before.starts_with("http://");
        (is_address && !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())).then_some(())
    };
    words.filter(|word| number(word).is_some()).map(visible).next()
}

#[cfg(test)]
mod tests {
    use super::{merge_request, on_one_line};

    #[test]
    fn the_address_of_a_merge_request_is_read_and_no_other() {
        let said = "remote: \nremote: View merge request for stagefold/multistage:        \n\
            remote:   https://gitlab.example.org/a/b/-/merge_requests/7        \nremote: \n";
        assert_eq!(merge_request(said).as_deref(), Some("https://gitlab.example.org/a/b/-/merge_requests/7"));
        let new = "remote: To create a merge request for x, visit:\n\
            remote:   https://gitlab.example.org/a/b/-/merge_requests/new?merge_request%5Bsource_branch%5D=x\n";
        assert_eq!(merge_request(new), None);
        assert_eq!(merge_request("To https://x/merge_requests/7\n"), None);
        assert_eq!(merge_request("remote: javascript:/merge_requests/7"), None);
    }

    #[test]
    fn a_description_is_one_line_that_gitlab_reads_as_many() {
        let text = "one\r\ntwo \\n C:\\new\n\n`\\\\n`\u{7}";
        let option = on_one_line(text);
        assert!(!option.contains(['\n', '\r', '\u{7}']));
        assert_eq!(option.replace("\\n", "\n").replace('\u{200b}', ""), "one\ntwo \\n C:\\new\n\n`\\\\n`");
    }
}
