use crate::prove::{Difference, ImageProof, Proof, ProofVerdict, Reason, Way, Weight};
use crate::report::sentence::visible;
pub(super) use crate::report::sentence::{name, plural};

/// How many digits of a commit are shown to people.
const SHORT_COMMIT: usize = 12;

/// How many differences of each weight there are.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Weights {
    counting: usize,
    harmless: usize,
}

impl Weights {
    pub(super) fn of<'a>(differences: impl IntoIterator<Item = &'a Difference>) -> Self {
        let mut weights = Self::default();
        for difference in differences {
            match difference.weight {
                Weight::Counts => weights.counting += 1,
                Weight::Harmless(_) => weights.harmless += 1,
            }
        }
        weights
    }

    /// `4 differences count, 2 do not`; `None` where there are none.
    pub(super) fn sentence(self) -> Option<String> {
        match (self.counting, self.harmless) {
            (0, 0) => None,
            (counting, 0) => Some(format!("{} {}", differences(counting), verb(counting, "counts", "count"))),
            (0, harmless) => Some(format!("{} {} not count", differences(harmless), verb(harmless, "does", "do"))),
            (counting, harmless) => Some(format!(
                "{} {}, {harmless} {} not",
                differences(counting),
                verb(counting, "counts", "count"),
                verb(harmless, "does", "do")
            )),
        }
    }
}

/// A line of the user's text. Its tabs stay: they do no harm, and hold columns together.
pub(super) fn line(text: &str) -> String {
    let parts: Vec<_> = text.split('\t').map(name).collect();
    parts.join("\t")
}

pub(super) fn differences(count: usize) -> String {
    plural(count, "difference", "differences")
}

const fn verb<'a>(count: usize, one: &'a str, many: &'a str) -> &'a str {
    if count == 1 { one } else { many }
}

/// What an image came to, in plain words behind its verdict.
pub(super) fn verdict(image: &ImageProof) -> String {
    let weights = Weights::of(&image.comparison.differences);
    match image.verdict {
        ProofVerdict::Same => "both ways build the same image".to_owned(),
        ProofVerdict::SameButFor => {
            let that = verb(weights.harmless, "that does not count", "that do not count");
            format!("both ways build the same image, but for {} {that}", differences(weights.harmless))
        }
        ProofVerdict::Different if image.failure.is_some() => "the new way does not build".to_owned(),
        ProofVerdict::Different => match weights.sentence() {
            Some(sentence) => format!("the new way builds another image: {sentence}"),
            None => "the new way builds another image".to_owned(),
        },
        ProofVerdict::CannotBuildBefore if image.after.is_some() => {
            "the pipeline does not build before the fold, though it does after it; so nothing was proven about it"
                .to_owned()
        }
        ProofVerdict::CannotBuildBefore => {
            "the pipeline does not build before the fold either, so nothing was proven about it".to_owned()
        }
    }
}

/// Why differences do not count, as a sentence.
pub(super) const fn reason(reason: Reason) -> &'static str {
    match reason {
        Reason::NotReproducible => "Not reproducible: two builds of the old way differ there as well.",
        Reason::RunnerUmask => {
            "Runner's umask: a folder that the runner made while it unpacked what a job hands on, which others may write."
        }
        Reason::EditedByFold => {
            "Edited by the fold: the image copies files of the repository that the fold has changed."
        }
        Reason::Timestamps => "Timestamps: only points in time differ, in the file or in the entries of the archive.",
    }
}

/// What all images came to, on one line: the verdict, and what follows it.
pub(super) fn closing(proof: &Proof) -> (&'static str, String) {
    let Some(worst) = proof.verdict() else {
        return ("nothing proven", ": no image is built by the jobs that were folded".to_owned());
    };
    let weights = Weights::of(proof.images.iter().flat_map(|image| &image.comparison.differences));
    let parts = [
        Some(plural(proof.images.len(), "image", "images") + &tally(&proof.images)),
        weights.sentence(),
        failures(&proof.images, Way::New),
        failures(&proof.images, Way::Old),
        Some(format!("{}, commit {}", proof.engine, short(&proof.commit))),
    ];
    let parts: Vec<_> = parts.into_iter().flatten().collect();
    (worst.name(), visible(&format!(": {}", parts.join("; "))))
}

/// How many images one way does not build, and what that means.
fn failures(images: &[ImageProof], way: Way) -> Option<String> {
    let failed = images.iter().filter(|image| image.failure.as_ref().is_some_and(|failure| failure.way == way)).count();
    let which = match failed {
        0 => return None,
        all if all == images.len() => String::new(),
        some => format!(" {some} of them"),
    };
    Some(match way {
        Way::Old => format!("the old way does not build{which}, so nothing was proven there"),
        Way::New => format!("the new way does not build{which}"),
    })
}

/// How many images came to what, where there are several.
fn tally(images: &[ImageProof]) -> String {
    if images.len() < 2 {
        return String::new();
    }
    let all = [ProofVerdict::Same, ProofVerdict::SameButFor, ProofVerdict::CannotBuildBefore, ProofVerdict::Different];
    let count = |verdict: ProofVerdict| images.iter().filter(|image| image.verdict == verdict).count();
    let counts = all.into_iter().map(|verdict| (count(verdict), verdict)).filter(|(count, _)| *count > 0);
    let counts: Vec<_> = counts.map(|(count, verdict)| format!("{count} {}", verdict.name())).collect();
    format!(" ({})", counts.join(", "))
}

fn short(commit: &str) -> String {
    commit.chars().take(SHORT_COMMIT).collect()
}
