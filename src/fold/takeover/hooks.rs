//! `hooks`: what runs before the sources are fetched must run before the image job fetches them, which the builder
//! stage then copies (GitLab docs: ci/yaml#hooks).

use super::{Own, Takeover, means_the_same};

pub(super) fn take(own: &Own<'_, '_>) -> Takeover {
    let mut present = own.first().and_then(|situation| situation.consumer.get("hooks"));
    let mut takeover = Takeover::default();
    for situation in own {
        match (present, situation.producer.get("hooks")) {
            (None, None) => {}
            (Some(present), Some(wanted)) if present.same(wanted) && means_the_same(situation, &wanted.written()) => {}
            (None, Some(wanted)) if means_the_same(situation, &wanted.written()) => {
                let why = "which prepares the fetching of the sources for the build";
                takeover = Takeover::keyword(situation, "hooks", wanted.written(), why);
                present = Some(wanted);
            }
            _ => {
                let name = &situation.producer.name;
                let message =
                    format!("'{name}' and the image job run different commands before the sources are fetched");
                return Takeover::conflict(situation, "hooks", message);
            }
        }
    }
    takeover
}
