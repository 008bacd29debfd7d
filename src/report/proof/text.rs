use anstyle::{AnsiColor, Style};

use super::figures::figures;
use super::lines::{Limits, Line, comparison, failure};
use super::words::{closing, name, plural, verdict};
use crate::prove::{ImageProof, Proof, ProofVerdict};
use crate::report::Detail;

/// What stands for a figure that is not known.
const UNKNOWN: &str = "-";

/// `proof` for a terminal: a block for each image, and a line over all of them. It ends with a line break.
///
/// [`Detail::Quiet`] tells only of images that differ or do not build, and nothing of figures; [`Detail::Verbose`] lists
/// every difference in full. Control characters of the user's names and files are made visible.
#[must_use]
pub fn proof_text(proof: &Proof, detail: Detail, color: bool) -> String {
    let mut text = String::new();
    let is_told = |image: &&ImageProof| detail > Detail::Quiet || image.verdict > ProofVerdict::SameButFor;
    for image in proof.images.iter().filter(is_told) {
        for line in block(image, detail) {
            line.write(&mut text, color);
        }
        text.push('\n');
    }
    if detail > Detail::Quiet {
        let (word, rest) = closing(proof);
        Line::styled(0, style(proof.verdict()), word, rest).write(&mut text, color);
    }
    text
}

fn style(verdict: Option<ProofVerdict>) -> Style {
    let color = match verdict {
        Some(ProofVerdict::Same | ProofVerdict::SameButFor) => AnsiColor::Green,
        Some(ProofVerdict::CannotBuildBefore) => AnsiColor::Yellow,
        Some(ProofVerdict::Different) => AnsiColor::Red,
        None => return Style::new(),
    };
    color.on_default().bold()
}

fn block(image: &ImageProof, detail: Detail) -> Vec<Line> {
    let limits = if detail == Detail::Verbose { Limits::NONE } else { Limits::TERMINAL };
    let title = format!(": image of job '{}': {}", name(&image.job), verdict(image));
    let mut below = vec![Line::plain(0, built(image))];
    below.extend(entries(image));
    if let Some(failure) = &image.failure {
        below.extend(self::failure(failure, limits));
        let log = failure.log.iter().map(|log| format!("the whole log: {}", name(&log.to_string_lossy())));
        below.extend(log.map(|text| Line::plain(0, text)));
    }
    below.extend(comparison(&image.comparison, limits));
    if detail > Detail::Quiet {
        below.extend(table(image));
    }
    let title = Line::styled(0, style(Some(image.verdict)), image.verdict.name(), title);
    std::iter::once(title).chain(below.into_iter().map(|line| line.further(2))).collect()
}

/// What was built: the Dockerfile, and the tags that are known.
fn built(image: &ImageProof) -> String {
    let dockerfile = name(&image.dockerfile.to_string());
    let tags: Vec<_> = image.tags.iter().map(|tag| name(tag)).collect();
    if tags.is_empty() { dockerfile } else { format!("{dockerfile}, tagged {}", tags.join(", ")) }
}

/// How much was compared; nothing where one way did not build.
fn entries(image: &ImageProof) -> Option<Line> {
    let (before, after) = (image.comparison.entries_before, image.comparison.entries_after);
    let entries = |count| plural(count, "entry", "entries");
    let compared = match image.verdict {
        _ if image.failure.is_some() => return None,
        ProofVerdict::Same => format!("{} and the run configuration are the same", entries(before)),
        _ if before == after => format!("{} and the run configuration were compared", entries(before)),
        _ => format!(
            "{} of the old way, {after} of the new one, and the run configuration were compared",
            entries(before)
        ),
    };
    Some(Line::plain(0, compared))
}

/// What both ways cost, in columns.
fn table(image: &ImageProof) -> Vec<Line> {
    let figures = figures(image);
    if figures.is_empty() {
        return Vec::new();
    }
    let mut rows = vec![[String::new(), "old way".to_owned(), "new way".to_owned(), String::new()]];
    let shown = |figure: Option<String>| figure.unwrap_or_else(|| UNKNOWN.to_owned());
    rows.extend(
        figures
            .into_iter()
            .map(|figure| [figure.name.to_owned(), shown(figure.before), shown(figure.after), figure.factor]),
    );
    let width =
        |column: usize| rows.iter().filter_map(|row| row.get(column)).map(String::len).max().unwrap_or_default();
    let (name, before, after) = (width(0), width(1), width(2));
    let row =
        |[title, old, new, factor]: &[String; 4]| format!("{title:name$}  {old:>before$}  {new:>after$}  {factor}");
    let rows = rows.iter().map(|cells| Line::plain(0, row(cells).trim_end()));
    std::iter::once(Line::plain(0, "")).chain(rows).collect()
}
