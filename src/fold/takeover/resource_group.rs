//! `resource_group`: the build runs in the image job, so that is what must not run twice at a time
//! (GitLab docs: ci/resource_groups).

use super::{Own, Takeover, means_the_same};
use crate::gitlab::Value;

pub(super) fn take(own: &Own<'_, '_>) -> Takeover {
    let mut group = own.first().and_then(|situation| situation.consumer.get("resource_group")?.text());
    let mut takeover = Takeover::default();
    for situation in own.iter().filter(|situation| !situation.fate.is_to_stay()) {
        let Some(wanted) = situation.producer.get("resource_group").and_then(Value::text) else {
            continue;
        };
        let is_same_text = means_the_same(situation, &wanted);
        match &group {
            Some(group) if *group == wanted && is_same_text => {}
            None if is_same_text => {
                let value = situation.producer.get("resource_group").map(Value::written).unwrap_or_default();
                let why = format!("so that '{}' runs beside no other job of the group", situation.producer.name);
                takeover = Takeover::keyword(situation, "resource_group", value, &why);
                group = Some(wanted);
            }
            _ => {
                let name = &situation.producer.name;
                let message = format!("'{name}' is in the resource group {wanted}, and the image job cannot be in two");
                return Takeover::conflict(situation, "resource_group", message);
            }
        }
    }
    takeover
}
