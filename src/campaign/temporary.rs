use std::path::Path;

use tempfile::TempDir;

use super::error::CampaignError;

/// A folder for a campaign that nobody goes on with; it is gone when this is dropped.
#[derive(Debug)]
pub struct Temporary(TempDir);

impl Temporary {
    /// A new one, among the temporary files of the system.
    ///
    /// # Errors
    /// Where it cannot be made.
    pub fn folder() -> Result<Self, CampaignError> {
        let folder = tempfile::Builder::new().prefix("stagefold-").tempdir();
        folder.map(Self).map_err(|error| CampaignError::of_file(&std::env::temp_dir(), &error))
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.0.path()
    }
}
