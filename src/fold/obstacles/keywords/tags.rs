//! `tags`: the build runs where the image job runs from now on (GitLab docs: ci/yaml#tags).

use std::rc::Rc;

use crate::finding::{Code, Finding};
use crate::fold::situation::Situation;
use crate::gitlab::Job;

/// Words of a tag that tell of an architecture, an operating system or a device, so that files come out otherwise.
const OF_A_MACHINE: [&str; 40] = [
    "aarch64",
    "amd64",
    "android",
    "arm",
    "arm64",
    "armhf",
    "armv6",
    "armv7",
    "armv8",
    "cuda",
    "darwin",
    "fpga",
    "freebsd",
    "gpu",
    "hsm",
    "i386",
    "i686",
    "ios",
    "kvm",
    "m1",
    "m2",
    "mac",
    "macos",
    "macosx",
    "nvidia",
    "osx",
    "powershell",
    "ppc64le",
    "pwsh",
    "raspberry",
    "riscv64",
    "rocm",
    "s390x",
    "tpu",
    "win",
    "win10",
    "win32",
    "windows",
    "x86",
    "xcode",
];

/// Words of a tag that tell of a network, or of more room than others have.
const OF_A_PLACE: [&str; 38] = [
    "airgapped",
    "baremetal",
    "beefy",
    "big",
    "bigmem",
    "corp",
    "corporate",
    "dedicated",
    "dmz",
    "fast",
    "heavy",
    "high",
    "highcpu",
    "highmem",
    "huge",
    "internal",
    "intranet",
    "lan",
    "large",
    "license",
    "medium",
    "mem",
    "memory",
    "metal",
    "offline",
    "onprem",
    "premise",
    "premises",
    "private",
    "privileged",
    "protected",
    "secure",
    "vpc",
    "vpn",
    "xl",
    "xlarge",
    "xxl",
    "xxlarge",
];

/// Tags of the build job that the image job does not ask for.
pub(super) fn lost(situation: &Situation<'_>) -> Vec<Finding> {
    let (wanted, kept) = (tags(situation.producer), tags(situation.consumer));
    let lost: Vec<_> = wanted.iter().filter(|tag| !kept.contains(tag)).collect();
    let Some(first) = lost.first() else {
        return Vec::new();
    };
    let is_machine = |word: &str| tells_of(&OF_A_MACHINE, word) || tells_of(&OF_A_PLACE, word) || is_size(word);
    let telling =
        lost.iter().find(|tag| tag.contains('$') || new_words(tag, &kept).iter().any(|word| is_machine(word)));
    let listed = |tags: &[&Rc<str>]| tags.iter().map(|tag| &***tag).collect::<Vec<_>>().join(", ");
    let instead = match listed(&kept.iter().collect::<Vec<_>>()) {
        tags if tags.is_empty() => "the image job for none".to_owned(),
        tags => format!("the image job for {tags}"),
    };
    let why = match telling {
        Some(tag) if tag.contains('$') => "its value is not known here",
        _ => "that looks like another machine",
    };
    let (code, message, help) = match telling {
        Some(tag) => (
            Code::RunnerTagsDiffer,
            format!("the build job asks for a runner with the tag {tag}, and {instead}: {why}"),
            "if the runners of the image job can build too, give both jobs the same tags",
        ),
        None => (
            Code::RunnerTagsLost,
            format!("the build job asks for a runner with the tag {}, and {instead}, where it is built from now on", {
                if lost.len() == 1 { first.to_string() } else { listed(&lost) }
            }),
            "see that the runners of the image job reach what the build downloads",
        ),
    };
    let finding = Finding::new(code, situation.producer_location("tags"), message)
        .with_related(situation.consumer_location("tags"), "the image job runs here")
        .with_help(help);
    vec![finding]
}

/// Tags of the image job that tell of another machine than any runner of the build job need have been.
pub(super) fn gained(situation: &Situation<'_>) -> Vec<Finding> {
    let (wanted, known) = (tags(situation.consumer), tags(situation.producer));
    let is_machine = |tag: &&Rc<str>| new_words(tag, &known).iter().any(|word| tells_of(&OF_A_MACHINE, word));
    let finding = |tag: &Rc<str>| {
        let message =
            format!("the image job asks for a runner with the tag {tag}, and the build ran on another kind of machine");
        Finding::new(Code::RunnerTagsDiffer, situation.consumer_location("tags"), message)
            .with_related(situation.producer_location("tags"), "the build job runs here")
            .with_help("if the build makes the same files there, give both jobs the same tags")
    };
    wanted.iter().filter(is_machine).map(finding).take(1).collect()
}

/// The tags of a job, with the variables of the pipeline in their places; one that is not known stays as it is.
fn tags(job: &Job) -> Vec<Rc<str>> {
    let expand = |tag: Rc<str>| job.variables.expand(&tag).map_or(tag, Rc::from);
    job.tags().into_iter().map(expand).collect()
}

/// The words of `tag` that none of `others` holds.
fn new_words(tag: &str, others: &[Rc<str>]) -> Vec<String> {
    let known: Vec<_> = others.iter().flat_map(|other| words(other)).collect();
    words(tag).into_iter().filter(|word| !known.contains(word)).collect()
}

fn words(tag: &str) -> Vec<String> {
    let tag = tag.to_ascii_lowercase().replace("on-prem", "onprem").replace("bare-metal", "baremetal");
    tag.split(|letter: char| !letter.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

fn tells_of(table: &[&str], word: &str) -> bool {
    table.contains(&word)
}

/// `16core`, `64gb`, `2xlarge` and their like.
fn is_size(word: &str) -> bool {
    let unit = word.trim_start_matches(|letter: char| letter.is_ascii_digit());
    unit.len() < word.len()
        && matches!(unit, "core" | "cores" | "cpu" | "cpus" | "vcpu" | "g" | "gb" | "gib" | "xl" | "xlarge")
}

#[cfg(test)]
mod tests {
    use super::{OF_A_MACHINE, OF_A_PLACE, is_size, new_words};

    #[test]
    fn the_tables_are_sorted() {
        assert!(OF_A_MACHINE.is_sorted() && OF_A_PLACE.is_sorted());
    }

    #[test]
    fn words_that_both_have_tell_nothing() {
        let kept = ["saas-linux-medium-amd64".into()];
        assert_eq!(new_words("saas-linux-small-amd64", &kept), ["small"]);
        assert_eq!(new_words("On-Prem_GPU", &kept), ["onprem", "gpu"]);
    }

    #[test]
    fn a_number_with_a_unit_is_a_size() {
        assert!(is_size("16core") && is_size("64gb") && is_size("2xlarge"));
        assert!(!is_size("docker") && !is_size("core") && !is_size("20"));
    }
}
