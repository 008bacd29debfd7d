//! Which image of the new way is which of the old way.

use super::image_job::BuiltImage;

/// An image of the old way, and the same of the new way, if it is built there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pair<'a> {
    pub(super) old: &'a BuiltImage,
    pub(super) new: Option<&'a BuiltImage>,
}

/// Pairs images by their tags, and those that are left by their Dockerfiles, from the last one on: a first image comes before
/// the one that is meant. One that only the old way has is left out where the job itself took what it was for: a fold does
/// without it.
pub(super) fn pairs<'a>(old: &'a [BuiltImage], new: &'a [BuiltImage]) -> Vec<Pair<'a>> {
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
    found.retain(|pair| pair.new.is_some() || !pair.old.is_used);
    found
}

#[cfg(test)]
mod tests {
    use super::pairs;
    use crate::prove::image_job::BuiltImage;
    use crate::text::RepositoryPath;

    fn image(image: &str, dockerfile: &str, tags: &[&str]) -> BuiltImage {
        let tags = tags.iter().map(|tag| (*tag).to_owned()).collect();
        let dockerfile = RepositoryPath::new(dockerfile).unwrap();
        BuiltImage { image: image.to_owned(), dockerfile, tags, names: Vec::new(), is_used: false }
    }

    fn paired(old: &[BuiltImage], new: &[BuiltImage]) -> Vec<String> {
        let found = pairs(old, new);
        found.iter().map(|pair| format!("{}-{}", pair.old.image, pair.new.map_or("none", |new| &new.image))).collect()
    }

    #[test]
    fn tags_tell_first_and_then_dockerfiles() {
        let (a, b) = (image("a", "Dockerfile", &["x"]), image("b", "Dockerfile", &["y"]));
        let (c, d) = (image("c", "Dockerfile", &["y"]), image("d", "Dockerfile", &["x:1"]));
        assert_eq!(paired(&[a, b], &[c, d]), ["a-d", "b-c"]);
    }

    #[test]
    fn only_an_image_that_the_job_itself_used_may_be_gone() {
        let first = BuiltImage { is_used: true, ..image("a", "Dockerfile.build", &["x"]) };
        let (last, new) = (image("b", "Dockerfile", &[]), image("c", "Dockerfile", &[]));
        assert_eq!(paired(&[first.clone(), last.clone()], std::slice::from_ref(&new)), ["b-c"]);
        assert_eq!(paired(&[first, last], &[]), ["b-none"]);
        let both = [image("a", "Dockerfile", &["x"]), image("b", "Dockerfile", &["y"])];
        assert_eq!(paired(&both, &[image("c", "Dockerfile", &["y"])]), ["a-none", "b-c"]);
    }
}
