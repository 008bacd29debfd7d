//! Where an item of a script stood before it was changed.

use super::Rewritten;
use crate::gitlab::{Job, Origin, ScriptItem};

/// The item of `job`, as it was before any change, that has become `text`. The fold may have put options or a context into
/// it, so where none is the same, the one that is most alike counts.
pub(super) fn of_item(job: &Job, text: &str, earlier: &[Rewritten]) -> Option<Origin> {
    let own = |rewritten: &&Rewritten| *rewritten.job == *job.name;
    let before = earlier.iter().rev().filter(own).fold(text, |text, rewritten| match rewritten.after == text {
        true => &rewritten.before,
        false => text,
    });
    let items = job.script();
    let likeness = |item: &ScriptItem| item.text.as_deref().map_or(0, |text| alike(text, before));
    let same = items.iter().find(|item| item.text.as_deref() == Some(before));
    let nearest = || items.iter().max_by_key(|item| likeness(item)).filter(|item| likeness(item) * 2 > before.len());
    same.or_else(nearest).map(|item| item.origin)
}

/// How many bytes two texts have in common at their beginning and at their end.
fn alike(one: &str, other: &str) -> usize {
    let head = one.bytes().zip(other.bytes()).take_while(|(one, other)| one == other).count();
    let rest = one.len().min(other.len()) - head;
    let tail = one.bytes().rev().zip(other.bytes().rev()).take_while(|(one, other)| one == other).count();
    head + tail.min(rest)
}

#[cfg(test)]
mod tests {
    use super::{Rewritten, alike, of_item};
    use crate::gitlab::Pipeline;
    use crate::source::MemoryRepository;
    use crate::text::RepositoryPath;

    #[test]
    fn an_item_is_found_behind_an_earlier_step_and_behind_the_fold() {
        let text = "package:\n  script:\n    - docker login -p $A\n    - docker build -t a:$CI_BUILD_REF .\n";
        let path = RepositoryPath::new(".gitlab-ci.yml").unwrap();
        let repository = MemoryRepository::new([(".gitlab-ci.yml", text)]);
        let pipeline = Pipeline::read(&repository, &path).unwrap();
        let job = pipeline.job("package").unwrap();
        let rewritten = |before: &str, after: &str| Rewritten {
            job: "package".to_owned(),
            before: before.to_owned(),
            after: after.to_owned(),
        };
        let earlier = [
            rewritten("docker login -p $A", "echo \"$A\" | docker login --password-stdin"),
            rewritten(
                "docker build --build-arg B -t a:$CI_BUILD_REF .",
                "docker build --build-arg B -t a:$CI_COMMIT_SHA .",
            ),
        ];
        let found = |text: &str| of_item(job, text, &earlier).map(|origin| origin.node);
        let items: Vec<_> = job.script().iter().map(|item| Some(item.origin.node)).collect();
        assert_eq!(found("echo \"$A\" | docker login --password-stdin"), items[0]);
        assert_eq!(found("docker build --build-arg B -t a:$CI_COMMIT_SHA ."), items[1]);
        assert_eq!(found("make"), None);
    }

    #[test]
    fn an_option_in_the_middle_leaves_most_of_a_line() {
        assert_eq!(alike("docker build -t a .", "docker build --build-arg B -t a ."), 19);
        assert_eq!(alike("aaa", "aa"), 2);
        assert_eq!(alike("", "b"), 0);
    }
}
