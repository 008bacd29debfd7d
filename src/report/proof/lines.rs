use std::collections::BTreeMap;
use std::fmt::Write;

use anstyle::{AnsiColor, Style};

use super::words::{differences, line, name, plural, reason};
use crate::prove::{Aspect, Change, Comparison, Detail, Difference, Failure, Member, Reason, Subject, Weight};
use crate::report::patch::style_in_hunk;

/// How wide a line may become before what it tells is put on several, in characters.
const WIDTH: usize = 100;

/// How many differences of each kind are listed at least, however many count more.
const LEAST: usize = 5;

/// How much is listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Limits {
    /// Differences of one image.
    differences: usize,
    /// Lines or members of one difference, and lines of a log.
    details: usize,
    /// Characters of one value or line.
    characters: usize,
    /// Entries below a folder that are told one by one, where the whole folder is missing or extra.
    below: usize,
}

impl Limits {
    pub(super) const TERMINAL: Self = Self { differences: 50, details: 20, characters: 300, below: 3 };
    /// A description holds a million characters, of all images together.
    pub(super) const MERGE_REQUEST: Self = Self { differences: 30, details: 10, characters: 160, below: 3 };
    pub(super) const NONE: Self =
        Self { differences: usize::MAX, details: usize::MAX, characters: usize::MAX, below: usize::MAX };
}

/// A line without its end; `start` is in colours where there are any.
#[derive(Clone, Debug)]
pub(super) struct Line {
    indent: usize,
    style: Style,
    start: String,
    rest: String,
}

impl Line {
    pub(super) fn plain(indent: usize, text: impl Into<String>) -> Self {
        Self { indent, style: Style::new(), start: String::new(), rest: text.into() }
    }

    pub(super) fn styled(indent: usize, style: Style, start: impl Into<String>, rest: impl Into<String>) -> Self {
        Self { indent, style, start: start.into(), rest: rest.into() }
    }

    /// The same, `indent` characters further to the right.
    pub(super) fn further(self, indent: usize) -> Self {
        Self { indent: self.indent + indent, ..self }
    }

    /// Writes it and its end.
    pub(super) fn write(&self, text: &mut String, color: bool) {
        let style = if color { self.style } else { Style::new() };
        let indent = if self.start.is_empty() && self.rest.is_empty() { 0 } else { self.indent };
        let _ = writeln!(text, "{:indent$}{style}{}{style:#}{}", "", self.start, self.rest);
    }
}

/// What differs: first what counts, then what does not, by its reason.
pub(super) fn comparison(comparison: &Comparison, limits: Limits) -> Vec<Line> {
    let mut listing = Listing { limits, left: limits.differences, lines: Vec::new() };
    let of = |weight| comparison.differences.iter().filter(move |difference| difference.weight == weight);
    let counting: Vec<_> = of(Weight::Counts).collect();
    let verb = if counting.len() == 1 { "counts" } else { "count" };
    listing.section(&counting, &format!("{} {verb} (old way -> new way):", differences(counting.len())));
    for (reason, section) in harmless(&comparison.differences) {
        let verb = if section.len() == 1 { "does" } else { "do" };
        let count = differences(section.len());
        listing.section(&section, &format!("{count} {verb} not count. {}", self::reason(reason)));
    }
    listing.lines
}

fn harmless(differences: &[Difference]) -> BTreeMap<Reason, Vec<&Difference>> {
    let mut sections: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for difference in differences {
        if let Weight::Harmless(reason) = difference.weight {
            sections.entry(reason).or_default().push(difference);
        }
    }
    sections
}

/// What failed, and the last that was said.
pub(super) fn failure(failure: &Failure, limits: Limits) -> Vec<Line> {
    let mut lines = vec![Line::plain(0, format!("{}: {}", failure.way.name(), name(&failure.what)))];
    if !failure.last_lines.is_empty() {
        lines.push(Line::plain(0, "its last lines:"));
    }
    let skipped = failure.last_lines.len().saturating_sub(limits.details);
    let shown = failure.last_lines.iter().skip(skipped);
    lines.extend(shown.map(|text| Line::plain(2, format!("| {}", cut(&line(text), limits.characters)))));
    lines
}

/// The lines of the differences, as they are put together.
struct Listing {
    limits: Limits,
    /// How many more may be listed.
    left: usize,
    lines: Vec<Line>,
}

impl Listing {
    fn section(&mut self, section: &[&Difference], heading: &str) {
        if section.is_empty() {
            return;
        }
        self.lines.push(Line::styled(0, Style::new().bold(), heading, ""));
        let items = items(section, self.limits.below);
        let listed = self.left.max(LEAST).min(items.len());
        self.left = self.left.saturating_sub(listed);
        let mut told = 0;
        for item in items.iter().take(listed) {
            told += 1 + item.below;
            self.item(item);
        }
        if told < section.len() {
            let more = format!("… and {} more; --format json has them all", section.len() - told);
            self.lines.push(Line::plain(2, more));
        }
    }

    fn item(&mut self, item: &Item) {
        let Difference { subject, change, weight, detail } = item.difference;
        let name = match subject {
            Subject::Configuration(key) => format!("{} of the run configuration", self.name(key)),
            Subject::File(path) => self.name(path),
        };
        let below = match item.below {
            0 => String::new(),
            count => format!(" and {} below it", plural(count, "entry", "entries")),
        };
        self.entry(2, &(name + &below), change, *weight == Weight::Counts);
        match detail {
            Some(Detail::Lines(diff)) => self.hunks(diff),
            Some(Detail::Members(members)) => self.members(members, *weight == Weight::Counts),
            None => {}
        }
    }

    /// An entry of an image or of an archive.
    fn entry(&mut self, indent: usize, name: &str, change: &Change, counts: bool) {
        let (word, color) = match change {
            Change::Missing => ("missing", AnsiColor::Red),
            Change::Extra => ("extra", AnsiColor::Green),
            Change::Aspects(_) => ("changed", AnsiColor::Yellow),
        };
        let style = if counts { color.on_default() } else { Style::new() };
        let push = |lines: &mut Vec<Line>, rest: &str| {
            lines.push(Line::styled(indent, style, word, format!("{:1$}{rest}", "", "changed".len() + 2 - word.len())));
        };
        let Change::Aspects(aspects) = change else { return push(&mut self.lines, name) };
        // An archive's entries are cut by a member that says how many more there are.
        if aspects.is_empty() {
            return self.lines.push(Line::plain(indent, name));
        }
        let told: Vec<_> = aspects.iter().map(|aspect| self.aspect(aspect)).collect();
        let whole = format!("{name}: {}", told.join("; "));
        if whole.chars().count() <= WIDTH {
            return push(&mut self.lines, &whole);
        }
        push(&mut self.lines, &format!("{name}:"));
        for (aspect, told) in aspects.iter().zip(told) {
            self.wide_aspect(indent + "changed".len() + 2, aspect, told);
        }
    }

    /// `mode 0644 -> 0755`.
    fn aspect(&self, aspect: &Aspect) -> String {
        format!("{}{} -> {}", label(aspect), self.value(&aspect.before), self.value(&aspect.after))
    }

    fn wide_aspect(&mut self, indent: usize, aspect: &Aspect, told: String) {
        if told.chars().count() <= WIDTH {
            self.lines.push(Line::plain(indent, told));
            return;
        }
        for (way, value) in [("old way", &aspect.before), ("new way", &aspect.after)] {
            self.lines.push(Line::plain(indent, format!("{}{way}: {}", label(aspect), self.value(value))));
        }
    }

    fn hunks(&mut self, diff: &str) {
        // `str::lines` would take away a carriage return, which may be all that differs.
        let all: Vec<_> = diff.split_terminator('\n').collect();
        for text in all.iter().take(self.limits.details) {
            let shown = cut(&line(text), self.limits.characters);
            self.lines.push(Line::styled(11, style_in_hunk(text), format!("| {shown}"), ""));
        }
        self.more(all.len(), "line", "lines");
    }

    fn members(&mut self, members: &[Member], counts: bool) {
        for member in members.iter().take(self.limits.details) {
            self.entry(11, &self.name(&member.name), &member.change, counts);
        }
        self.more(members.len(), "entry", "entries");
    }

    fn more(&mut self, all: usize, one: &str, many: &str) {
        let more = all.saturating_sub(self.limits.details);
        if more > 0 {
            self.lines.push(Line::plain(11, format!("… and {} more", plural(more, one, many))));
        }
    }

    fn name(&self, text: &str) -> String {
        cut(&name(text), self.limits.characters)
    }

    /// A value that is to be read; the empty one would not be seen.
    fn value(&self, text: &str) -> String {
        if text.is_empty() { "nothing".to_owned() } else { self.name(text) }
    }
}

/// What stands in front of a value; those that say by themselves what they are have nothing there.
fn label(aspect: &Aspect) -> String {
    if matches!(aspect.name, "bytes" | "value") { String::new() } else { format!("{} ", aspect.name) }
}

/// The first characters of `text`.
fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// A difference, and how many more it tells of.
struct Item<'a> {
    difference: &'a Difference,
    below: usize,
}

/// An entry that one of the ways does not have, and whether that is the new one.
type Whole<'a> = (&'a str, bool);

/// Those of `section` that are told; more than `most` entries below a folder that is missing or extra are told with it.
fn items<'a>(section: &[&'a Difference], most: usize) -> Vec<Item<'a>> {
    let mut below: BTreeMap<Whole, usize> =
        section.iter().filter_map(|difference| Some((whole(difference)?, 0))).collect();
    let above: Vec<_> = section.iter().map(|difference| above(whole(difference)?, &below)).collect();
    for folder in above.iter().flatten() {
        below.entry(*folder).and_modify(|count| *count += 1);
    }
    below.retain(|_, count| *count > most);
    let told =
        section.iter().zip(above).filter(|(_, folder)| !folder.is_some_and(|folder| below.contains_key(&folder)));
    let count = |difference| whole(difference).and_then(|whole| below.get(&whole)).copied().unwrap_or_default();
    told.map(|(difference, _)| Item { difference, below: count(difference) }).collect()
}

fn whole(difference: &Difference) -> Option<Whole<'_>> {
    match (&difference.subject, &difference.change) {
        (Subject::File(path), Change::Missing) => Some((path, true)),
        (Subject::File(path), Change::Extra) => Some((path, false)),
        _ => None,
    }
}

/// The uppermost folder of `known` that an entry lies in.
fn above<'a>((path, is_missing): Whole<'a>, known: &BTreeMap<Whole, usize>) -> Option<Whole<'a>> {
    let folders = path.match_indices('/').filter_map(|(at, _)| path.get(..at));
    folders.map(|folder| (folder, is_missing)).find(|folder| known.contains_key(folder))
}
