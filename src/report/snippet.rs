use std::sync::Arc;

use annotate_snippets::{Annotation, AnnotationKind, Element, Level, Origin, Snippet};

use super::entry::Entry;
use super::sentence::visible;
use crate::finding::{Finding, Location};
use crate::source::SourceFile;
use crate::text::Span;

/// The longest line that is shown, in bytes; the place of a longer one is named without it.
const LONGEST_LINE: usize = 2_000;

/// The byte order mark, which is part of a file's first line and takes no column.
const BYTE_ORDER_MARK: &str = "\u{feff}";

/// Something to show of one file.
enum Place {
    /// Lines of it, with marks below them.
    Excerpt(Excerpt),
    /// Its name alone, because it has no line to show.
    Name(Element<'static>),
}

/// Lines of one file, from the first to the last that is marked; those between are left out by the renderer.
struct Excerpt {
    file: Arc<SourceFile>,
    marks: Vec<(AnnotationKind, Span, String)>,
}

/// The places of `finding` as the renderer takes them, its own place first; those in one file share an excerpt.
pub(super) fn places(entry: &Entry, finding: &Finding) -> Vec<Element<'static>> {
    let mut places = Vec::new();
    add_place(&mut places, entry, AnnotationKind::Primary, &finding.location, "");
    for related in &finding.related {
        add_place(&mut places, entry, AnnotationKind::Context, &related.location, &visible(&related.label));
    }
    let element = |place| match place {
        Place::Excerpt(excerpt) => excerpt.element(entry),
        Place::Name(element) => element,
    };
    places.into_iter().map(element).collect()
}

fn add_place(places: &mut Vec<Place>, entry: &Entry, kind: AnnotationKind, location: &Location, label: &str) {
    let Some((file, span)) = line_to_show(location) else {
        let name = name_alone(entry, location);
        places.push(Place::Name(if label.is_empty() { name.into() } else { note(entry, location, label) }));
        return;
    };
    let mark = (kind, span, label.to_owned());
    let present = places.iter_mut().find_map(|place| match place {
        Place::Excerpt(excerpt) if excerpt.file.path() == file.path() => Some(excerpt),
        _ => None,
    });
    match present {
        Some(excerpt) => excerpt.marks.push(mark),
        None => places.push(Place::Excerpt(Excerpt { file: Arc::clone(file), marks: vec![mark] })),
    }
}

/// The file of `location`, and of its span what stands on the first line; `None` where that line is too
/// long, or empty at the end of the file, or the file was not read.
fn line_to_show(location: &Location) -> Option<(&Arc<SourceFile>, Span)> {
    let Location::Span { file, span } = location else { return None };
    let line = file.lines().line_span(file.lines().line(span.start()));
    let content = line.slice(file.text()).trim_end_matches(['\n', '\r']);
    let end = line.start() + content.len();
    let shown = Span::new(span.start().min(end), span.end().min(end));
    (!content.is_empty() && content.len() <= LONGEST_LINE).then_some((file, shown))
}

fn name_alone(entry: &Entry, location: &Location) -> Origin<'static> {
    let origin = Origin::path(visible(&entry.path_of(location.path())));
    match location {
        Location::File(_) => origin,
        Location::Span { file, span } => {
            let place = file.line_column(*span);
            origin.line(place.line).char_column(place.column)
        }
    }
}

fn note(entry: &Entry, location: &Location, label: &str) -> Element<'static> {
    let path = visible(&entry.path_of(location.path()));
    let place = match location {
        Location::File(_) => path,
        Location::Span { file, span } => {
            let place = file.line_column(*span);
            format!("{path}:{}:{}", place.line, place.column)
        }
    };
    Level::NOTE.message(format!("{place}: {label}")).into()
}

impl Excerpt {
    fn element(self, entry: &Entry) -> Element<'static> {
        let lines = self.lines();
        let text = lines.slice(self.file.text());
        let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text).to_owned();
        let start = lines.end() - text.len();
        let marks = self.marks.into_iter().map(|(kind, span, label)| {
            let within = |offset: usize| text.floor_char_boundary(offset.saturating_sub(start));
            let mark: Annotation<'static> = kind.span(within(span.start())..within(span.end()));
            if label.is_empty() { mark } else { mark.label(label) }
        });
        let marks: Vec<_> = marks.collect();
        let path = visible(&entry.path_of(self.file.path()));
        let first_line = self.file.lines().line(start);
        Snippet::source(text).path(path).line_start(first_line).annotations(marks).into()
    }

    fn lines(&self) -> Span {
        let lines = self.marks.iter().map(|(_, span, _)| self.file.lines().whole_lines(*span));
        lines.reduce(Span::join).unwrap_or_default()
    }
}
