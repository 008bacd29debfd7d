use std::fmt;
use std::str::FromStr;

use sha2::{Digest, Sha256};

/// A part of a campaign: which projects are its own is told by their names alone, so that it is the same whatever the others are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    /// Which part it is, from 1 on.
    index: u32,
    /// How many parts there are.
    count: u32,
}

/// Words that name no part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShardError(String);

impl fmt::Display for ShardError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "'{}' is no shard: it takes a number from 1 on, and how many there are, such as 2/8", self.0)
    }
}

impl std::error::Error for ShardError {}

impl FromStr for Shard {
    type Err = ShardError;

    fn from_str(text: &str) -> Result<Self, ShardError> {
        let numbers = text.split_once('/').and_then(|(index, count)| Some((number(index)?, number(count)?)));
        let shard = numbers.map(|(index, count)| Self { index, count });
        shard.filter(|shard| (1..=shard.count).contains(&shard.index)).ok_or_else(|| ShardError(text.to_owned()))
    }
}

/// Digits alone: `parse` takes a sign as well.
fn number(text: &str) -> Option<u32> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.count)
    }
}

impl Shard {
    /// The shard of a job of GitLab: `index` is what `CI_NODE_INDEX` holds, from 1 on, and `count` what `CI_NODE_TOTAL` does. A
    /// job without `parallel` has no index, and a total of 1.
    #[must_use]
    pub fn of_ci(index: Option<&str>, count: Option<&str>) -> Option<Result<Self, ShardError>> {
        let index = index.filter(|index| !index.is_empty())?;
        Some(format!("{index}/{}", count.unwrap_or_default()).parse())
    }

    /// Whether the project of this name belongs to it: the first eight bytes of the SHA-256 of the name, as a number, modulo
    /// the count of shards.
    #[must_use]
    pub fn holds(&self, name: &str) -> bool {
        let digest = Sha256::digest(name);
        let number = digest.iter().take(8).fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
        number % u64::from(self.count) == u64::from(self.index - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::Shard;

    fn shard(text: &str) -> Shard {
        text.parse().unwrap()
    }

    #[test]
    fn a_shard_is_a_number_and_how_many_there_are() {
        assert_eq!(shard("2/8").to_string(), "2/8");
        for text in ["", "/", "0/8", "9/8", "1/0", "2", "-1/8", "+1/8", "1/8/9", "a/b", "1/99999999999", " 1/8", "1/ 8"]
        {
            assert!(text.parse::<Shard>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_job_of_gitlab_knows_its_shard() {
        assert_eq!(Shard::of_ci(Some("3"), Some("4")), Some(Ok(shard("3/4"))));
        assert_eq!(Shard::of_ci(None, Some("1")), None, "a job without `parallel`");
        assert_eq!(Shard::of_ci(Some(""), Some("1")), None);
        assert!(Shard::of_ci(Some("5"), Some("4")).unwrap().is_err());
        assert!(Shard::of_ci(Some("5"), None).unwrap().is_err());
    }

    #[test]
    fn every_project_is_in_one_shard_and_the_shards_are_of_one_size() {
        let names: Vec<_> = (0..4000).map(|number| format!("gitlab.example.com/group/app-{number}")).collect();
        let shards = ["1/4", "2/4", "3/4", "4/4"].map(shard);
        for name in &names {
            assert_eq!(shards.iter().filter(|shard| shard.holds(name)).count(), 1, "{name}");
        }
        for shard in shards {
            let size = names.iter().filter(|name| shard.holds(name)).count();
            assert!((900..1100).contains(&size), "{shard}: {size}");
        }
    }

    /// What one release puts in a shard, the next one has to look for there.
    #[test]
    fn which_shard_it_is_never_changes() {
        let of = |name: &str| (1..=8).find(|index| shard(&format!("{index}/8")).holds(name));
        assert_eq!([of("app"), of("gitlab.com/group/app"), of("")], [Some(4), Some(6), Some(5)]);
    }
}
