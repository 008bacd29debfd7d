use std::collections::{BTreeMap, BTreeSet};

use super::entry::Tally;
use super::repository::{RepositoryReport, Savings};
use crate::finding::{Code, Severity};
use crate::outcome::{Verdict, Via};

/// What many pipelines come to, counted one after the other; it does not grow with their number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inventory {
    /// How many came to what.
    pub tally: Tally,
    /// The hand-offs, by the way that the files take: those that are folded, and those that are left alone.
    pub handoffs: BTreeMap<Via, (usize, usize)>,
    /// What all folds together save in one run of each pipeline.
    pub savings: Savings,
    reasons: BTreeMap<Code, Reason>,
}

/// Why pipelines were left alone or could not be read, and what would come of taking the reason away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reason {
    /// The finding.
    pub code: Code,
    /// The pipelines that it keeps from a fold, alone or with others.
    pub pipelines: usize,
    /// Those that nothing else keeps from one.
    pub alone: usize,
    /// Those that were folded, to see, with this code accepted and no other.
    pub folds: usize,
}

impl Inventory {
    /// Counts one more.
    pub fn count(&mut self, report: &RepositoryReport) {
        self.tally.count(report.verdict);
        for handoff in &report.handoffs {
            let is_folded = report.verdict == Verdict::Folded;
            let (folded, left) = self.handoffs.entry(handoff.via).or_default();
            *(if is_folded { folded } else { left }) += 1;
        }
        if let Some(Savings { jobs, transfers }) = report.savings {
            self.savings.jobs += jobs;
            self.savings.transfers += transfers;
        }
        let blocking = report.blocking();
        let folding = report.folded_by_accepting.as_slice();
        for code in &blocking {
            let reason = self.reasons.entry(*code).or_insert(Reason { code: *code, pipelines: 0, alone: 0, folds: 0 });
            reason.pipelines += 1;
            reason.alone += usize::from(blocking.len() == 1);
            reason.folds += usize::from(folding == [*code]);
        }
    }

    /// The reasons, those first that would let most pipelines be folded.
    #[must_use]
    pub fn reasons(&self) -> Vec<Reason> {
        let mut reasons: Vec<_> = self.reasons.values().copied().collect();
        reasons.sort_by_key(|reason| std::cmp::Reverse((reason.folds, reason.alone, reason.pipelines)));
        reasons
    }
}

impl RepositoryReport {
    /// The findings that keep the pipeline from being folded or read; none where it is folded or holds nothing to fold.
    #[must_use]
    pub fn blocking(&self) -> BTreeSet<Code> {
        let of = |matters: &dyn Fn(Severity) -> bool| -> BTreeSet<_> {
            let open = self.findings.iter().filter(|finding| !finding.accepted && matters(finding.severity));
            open.map(|finding| finding.code).collect()
        };
        match self.verdict {
            Verdict::Refused => of(&|severity| matches!(severity, Severity::Review | Severity::Refusal)),
            Verdict::Failed => of(&|severity| severity == Severity::Error),
            Verdict::Folded | Verdict::NothingToFold => BTreeSet::new(),
        }
    }
}
