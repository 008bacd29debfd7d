//! A build job whose words others take over keeps them under a hidden name, by which these call it then.

use super::Edits;
use crate::fold::edit_failed;
use crate::fold::fate::Fate;
use crate::fold::situation::Situation;
use crate::fold::template;
use crate::syntax::yaml::edit;

pub(super) fn hide(situations: &[Situation<'_>]) -> Edits {
    let mut edits = Vec::new();
    for situation in situations {
        let Fate::BecomesTemplate(name) = &situation.fate else {
            continue;
        };
        let mentions = template::mentions(situation).into_iter();
        let keys = situation.producer.definitions.iter().map(|definition| (definition.file, definition.key));
        for (file, node) in mentions.map(|mention| (mention.file, mention.node)).chain(keys) {
            let failed =
                || edit_failed(situation.pipeline.job_location(situation.producer), "this job cannot be renamed");
            let file = situation.pipeline.file(file).ok_or_else(failed)?;
            let edit = edit::replace_scalar(&file.tree, node, name).ok_or_else(failed)?;
            edits.push((file.source.path().clone(), edit));
        }
    }
    Ok(edits)
}
