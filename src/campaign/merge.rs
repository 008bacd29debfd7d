use std::collections::BTreeSet;
use std::path::PathBuf;

use super::Campaign;
use super::error::CampaignError;
use super::journal::Journal;
use super::step::Step;

impl Campaign {
    /// Takes in all that the campaigns in the folders `shards` have done, each a part of one campaign.
    ///
    /// # Errors
    /// Where one of them cannot be read, or this one not be written.
    pub fn take_in(&self, shards: &[PathBuf]) -> Result<(), CampaignError> {
        let mut sources = BTreeSet::new();
        let mut failure = None;
        for shard in shards {
            if !Journal::is_in(shard) {
                return Err(CampaignError::Missing(shard.clone()));
            }
            Journal::read(shard, &mut |_, step| match step {
                Step::Begun { sources: told, .. } => sources.extend(told),
                step => failure = failure.take().or_else(|| self.journal.note(&step).err()),
            })?;
        }
        match failure {
            Some(error) => Err(error),
            None => self.record(&Step::Begun {
                version: env!("CARGO_PKG_VERSION").to_owned(),
                sources: sources.into_iter().collect(),
                shard: None,
            }),
        }
    }
}
