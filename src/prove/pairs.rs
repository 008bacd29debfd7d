//! Which image of the new way is which of the old way.

use std::collections::BTreeSet;

use super::image_job::BuiltImage;
use crate::text::RepositoryPath;

/// An image of the old way, and the same of the new way, if it is built there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pair<'a> {
    pub(super) old: &'a BuiltImage,
    pub(super) new: Option<&'a BuiltImage>,
}

/// Pairs images by their tags, and those that are left by their Dockerfiles, from the last one on: a first image that files are
/// copied out of comes before the one that is meant, and is left out where only the old way has it and it is of none of the
/// `dockerfiles` that are to be proven.
pub(super) fn pairs<'a>(
    old: &'a [BuiltImage],
    new: &'a [BuiltImage],
    dockerfiles: &BTreeSet<RepositoryPath>,
) -> Vec<Pair<'a>> {
    let mut left: Vec<&BuiltImage> = new.iter().collect();
    let mut take = |is_meant: &dyn Fn(&BuiltImage) -> bool| {
        let at = left.iter().rposition(|image| is_meant(image))?;
        Some(left.remove(at))
    };
    let mut found: Vec<_> = old.iter().map(|image| Pair { old: image, new: None }).collect();
    for pair in found.iter_mut().rev() {
        pair.new = take(&|image| !image.tags.is_empty() && image.tags == pair.old.tags);
    }
    for pair in found.iter_mut().rev().filter(|pair| pair.new.is_none()) {
        pair.new = take(&|image| image.dockerfile == pair.old.dockerfile);
    }
    let has_partner =
        |dockerfile: &RepositoryPath| found.iter().any(|pair| pair.new.is_some() && pair.old.dockerfile == *dockerfile);
    let is_meant: Vec<_> = found
        .iter()
        .map(|pair| {
            pair.new.is_some() || dockerfiles.contains(&pair.old.dockerfile) && !has_partner(&pair.old.dockerfile)
        })
        .collect();
    found.into_iter().zip(is_meant).filter(|(_, is_meant)| *is_meant).map(|(pair, _)| pair).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::pairs;
    use crate::prove::image_job::BuiltImage;
    use crate::text::RepositoryPath;

    fn image(image: &str, dockerfile: &str, tags: &[&str]) -> BuiltImage {
        let tags = tags.iter().map(|tag| (*tag).to_owned()).collect();
        BuiltImage { image: image.to_owned(), dockerfile: RepositoryPath::new(dockerfile).unwrap(), tags }
    }

    fn paired(old: &[BuiltImage], new: &[BuiltImage]) -> Vec<String> {
        let meant = BTreeSet::from([RepositoryPath::new("Dockerfile").unwrap()]);
        let found = pairs(old, new, &meant);
        found.iter().map(|pair| format!("{}-{}", pair.old.image, pair.new.map_or("none", |new| &new.image))).collect()
    }

    #[test]
    fn tags_tell_first_and_then_dockerfiles() {
        let (a, b) = (image("a", "Dockerfile", &["x"]), image("b", "Dockerfile", &["y"]));
        let (c, d) = (image("c", "Dockerfile", &["y"]), image("d", "Dockerfile", &["x:1"]));
        assert_eq!(paired(&[a, b], &[c, d]), ["a-d", "b-c"]);
    }

    #[test]
    fn a_first_image_is_left_out_and_one_that_is_gone_is_not() {
        let (first, last) = (image("a", "Dockerfile.build", &["x"]), image("b", "Dockerfile", &[]));
        let new = image("c", "Dockerfile", &[]);
        assert_eq!(paired(&[first.clone(), last.clone()], &[new]), ["b-c"]);
        assert_eq!(paired(&[first, last], &[]), ["b-none"]);
        let both = [image("a", "Dockerfile", &["x"]), image("b", "Dockerfile", &["y"])];
        assert_eq!(paired(&both, &[image("c", "Dockerfile", &["y"])]), ["b-c"]);
    }
}
