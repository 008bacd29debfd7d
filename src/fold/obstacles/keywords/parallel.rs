//! `parallel`: a job that runs several times, each time with variables of its own (GitLab docs: ci/yaml#parallel).

use super::{forbidden, forbidden_on_image};
use crate::finding::Finding;
use crate::fold::situation::Situation;

pub(super) fn of_build(situation: &Situation<'_>) -> Vec<Finding> {
    let reason = if is_on_both(situation) {
        "each run makes files for an image of its own, and one builder stage cannot tell them apart"
    } else {
        "it runs several times, each run makes files of its own, and the image gets those of the last one"
    };
    vec![forbidden(situation, "parallel", reason)]
}

/// Where both have the same matrix, what is said of the build job says it all.
pub(super) fn of_image(situation: &Situation<'_>) -> Vec<Finding> {
    if is_on_both(situation) {
        return Vec::new();
    }
    let reason = "it runs several times, and each run would build the files anew";
    vec![forbidden_on_image(situation, "parallel", reason)]
}

fn is_on_both(situation: &Situation<'_>) -> bool {
    let (one, other) = (situation.producer.get("parallel"), situation.consumer.get("parallel"));
    one.zip(other).is_some_and(|(one, other)| one.same(other))
}
