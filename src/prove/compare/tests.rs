use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::time::Instant;

use flate2::{Compression, GzBuilder};
use proptest::prelude::*;
use serde_json::json;
use tar::{Builder, EntryType, Header};
use tempfile::TempDir;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

use super::super::difference::{Change, Comparison, Detail, Member, Reason, Subject, Weight};
use super::{Allowances, EditedFile, ExportedImage, size_of_files};

/// A tar file in the making.
struct Files(Builder<Vec<u8>>);

impl Files {
    fn new() -> Self {
        Self(Builder::new(Vec::new()))
    }

    fn entry(
        mut self,
        kind: EntryType,
        name: &[u8],
        mode: u32,
        change: impl FnOnce(&mut Header),
        bytes: &[u8],
    ) -> Self {
        let mut header = Header::new_gnu();
        header.set_entry_type(kind);
        header.set_mode(mode);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(1_795_515_072);
        header.set_size(bytes.len() as u64);
        header.as_mut_bytes()[..name.len()].copy_from_slice(name);
        change(&mut header);
        header.set_cksum();
        self.0.append(&header, bytes).unwrap();
        self
    }

    fn file(self, name: &str, mode: u32, bytes: &[u8]) -> Self {
        self.entry(EntryType::Regular, name.as_bytes(), mode, |_| {}, bytes)
    }

    fn text(self, name: &str, text: &str) -> Self {
        self.file(name, 0o644, text.as_bytes())
    }

    fn folder(self, name: &str, mode: u32) -> Self {
        self.entry(EntryType::Directory, name.as_bytes(), mode, |_| {}, b"")
    }

    fn link(self, kind: EntryType, name: &str, target: &str) -> Self {
        self.entry(kind, name.as_bytes(), 0o644, |header| header.set_link_name(target).unwrap(), b"")
    }

    fn owned(self, name: &str, uid: u64, gid: u64) -> Self {
        let set = |header: &mut Header| {
            header.set_uid(uid);
            header.set_gid(gid);
        };
        self.entry(EntryType::Regular, name.as_bytes(), 0o644, set, b"")
    }

    fn device(self, kind: EntryType, name: &str, minor: u32) -> Self {
        let set = |header: &mut Header| {
            header.set_device_major(8).unwrap();
            header.set_device_minor(minor).unwrap();
        };
        self.entry(kind, name.as_bytes(), 0o600, set, b"")
    }

    fn bytes(self) -> Vec<u8> {
        self.0.into_inner().unwrap()
    }
}

/// The files of one way, written into a folder that goes away.
fn exported(folder: &TempDir, name: &str, bytes: &[u8]) -> ExportedImage {
    let files = folder.path().join(name);
    fs::write(&files, bytes).unwrap();
    ExportedImage { files, configuration: json!({}) }
}

fn compare(
    before: &ExportedImage,
    after: &ExportedImage,
    again: Option<&ExportedImage>,
) -> std::io::Result<Comparison> {
    super::compare(before, after, Allowances { again, ..Allowances::default() })
}

fn compared(before: Files, after: Files, again: Option<Files>) -> Comparison {
    let folder = TempDir::new().unwrap();
    let before = exported(&folder, "before.tar", &before.bytes());
    let after = exported(&folder, "after.tar", &after.bytes());
    let again = again.map(|again| exported(&folder, "again.tar", &again.bytes()));
    compare(&before, &after, again.as_ref()).unwrap()
}

/// What is told where the runner made the folder `made` in the old way.
fn both_with_made(before: Files, after: Files) -> Vec<String> {
    let folder = TempDir::new().unwrap();
    let before = exported(&folder, "before.tar", &before.bytes());
    let after = exported(&folder, "after.tar", &after.bytes());
    let runner_made = BTreeSet::from(["made".to_owned()]);
    let allowances = Allowances { runner_made: &runner_made, ..Allowances::default() };
    told(&super::compare(&before, &after, allowances).unwrap())
}

fn change(change: &Change) -> String {
    match change {
        Change::Missing => "missing".to_owned(),
        Change::Extra => "extra".to_owned(),
        Change::Aspects(aspects) => {
            let told = aspects.iter().map(|aspect| match aspect.name {
                "bytes" | "time" => aspect.name.to_owned(),
                name => format!("{name} {} -> {}", aspect.before, aspect.after),
            });
            told.collect::<Vec<_>>().join(", ")
        }
    }
}

/// Each difference as a line: the weight, the subject, the change, and the members that differ.
fn told(comparison: &Comparison) -> Vec<String> {
    let line = |difference: &super::Difference| {
        let weight = match difference.weight {
            Weight::Counts => "!",
            Weight::Harmless(Reason::NotReproducible) => "noise",
            Weight::Harmless(Reason::RunnerUmask) => "umask",
            Weight::Harmless(Reason::Timestamps) => "times",
            Weight::Harmless(Reason::EditedByFold) => "edited",
        };
        let (Subject::File(name) | Subject::Configuration(name)) = &difference.subject;
        let members = match &difference.detail {
            Some(Detail::Members(members)) => {
                let member = |member: &Member| format!("{}: {}", member.name, change(&member.change));
                format!(" [{}]", members.iter().map(member).collect::<Vec<_>>().join("; "))
            }
            Some(Detail::Lines(_)) => " [lines]".to_owned(),
            None => String::new(),
        };
        format!("{weight} {name} {}{members}", change(&difference.change))
    };
    comparison.differences.iter().map(line).collect()
}

fn both(before: Files, after: Files) -> Vec<String> {
    told(&compared(before, after, None))
}

/// One file that is `before` in the first image and `after` in the second.
fn file(before: &[u8], after: &[u8]) -> Vec<String> {
    both(Files::new().file("f", 0o644, before), Files::new().file("f", 0o644, after))
}

fn file_again(before: &[u8], after: &[u8], again: &[u8]) -> Vec<String> {
    let files = |bytes| Files::new().file("f", 0o644, bytes);
    told(&compared(files(before), files(after), Some(files(again))))
}

#[test]
fn what_the_fold_has_edited_is_known_by_its_name_and_its_bytes() {
    let folder = TempDir::new().unwrap();
    let files = |dockerfile: &[u8], other: &[u8], is_new: bool| {
        let files = Files::new().file("app/Dockerfile", 0o644, dockerfile).file("app/own", 0o644, other);
        if is_new { files.file("app/.dockerignore", 0o644, b"dist") } else { files }
    };
    let before = exported(&folder, "before.tar", &files(b"old", b"old", false).bytes());
    let after = exported(&folder, "after.tar", &files(b"new", b"new", true).bytes());
    let edited = [
        EditedFile::new("Dockerfile", Some(b"old"), Some(b"new")),
        EditedFile::new(".dockerignore", None, Some(b"dist")),
    ];
    let found = super::compare(&before, &after, Allowances { edited: &edited, ..Allowances::default() }).unwrap();
    assert_eq!(
        told(&found),
        ["edited /app/.dockerignore extra", "edited /app/Dockerfile bytes", "! /app/own bytes [lines]"]
    );
    let other = [
        EditedFile::new("Dockerfile", Some(b"old"), Some(b"newer")),
        EditedFile::new(".dockerignore", None, Some(b"x")),
    ];
    let found = super::compare(&before, &after, Allowances { edited: &other, ..Allowances::default() }).unwrap();
    assert!(told(&found).iter().all(|line| line.starts_with('!')), "{:?}", told(&found));
}

#[test]
fn every_aspect_counts() {
    let cases = [
        (Files::new().text("a", ""), Files::new().folder("a", 0o644), "! /a type file -> folder"),
        (Files::new().file("a", 0o644, b""), Files::new().file("a", 0o744, b""), "! /a mode 0644 -> 0744"),
        (Files::new().file("a", 0o755, b""), Files::new().file("a", 0o4755, b""), "! /a mode 0755 -> 4755"),
        (Files::new().folder("a", 0o1777), Files::new().folder("a", 0o777), "! /a mode 1777 -> 0777"),
        (Files::new().owned("a", 0, 0), Files::new().owned("a", 1000, 0), "! /a owner 0:0 -> 1000:0"),
        (Files::new().owned("a", 0, 0), Files::new().owned("a", 0, 7), "! /a owner 0:0 -> 0:7"),
        (
            Files::new().link(EntryType::Symlink, "a", "x"),
            Files::new().link(EntryType::Symlink, "a", "/x"),
            "! /a link x -> /x",
        ),
        (
            Files::new().device(EntryType::Char, "a", 1),
            Files::new().device(EntryType::Char, "a", 2),
            "! /a device 8:1 -> 8:2",
        ),
        (
            Files::new().device(EntryType::Char, "a", 1),
            Files::new().device(EntryType::Block, "a", 1),
            "! /a type character device -> block device",
        ),
        (Files::new().text("a", "x"), Files::new().text("a", "y"), "! /a bytes [lines]"),
        (Files::new().file("a", 0o644, b"\0"), Files::new().file("a", 0o644, b"\xff"), "! /a bytes"),
        (Files::new().text("a/b", "x"), Files::new(), "! /a/b missing"),
        (Files::new(), Files::new().text("a/b", "x"), "! /a/b extra"),
    ];
    for (before, after, expected) in cases {
        assert_eq!(both(before, after), [expected]);
    }
}

#[test]
fn times_of_files_and_the_mode_of_a_link_do_not_count() {
    let dated = |time, mode| {
        let files = Files::new().entry(EntryType::Regular, b"a", 0o644, |header| header.set_mtime(time), b"x");
        files.entry(EntryType::Symlink, b"b", mode, |header| header.set_link_name("a").unwrap(), b"")
    };
    assert!(both(dated(1, 0o777), dated(2, 0o755)).is_empty());
}

#[test]
fn names_are_paths_below_the_root_and_in_order() {
    let before = Files::new().folder("./", 0o755).folder("./a/", 0o755).text("./a/b", "x").text("./.c", "y");
    let after = Files::new().text("/.c", "y").folder("a", 0o755).text("a//./b", "x").folder("/", 0o755);
    let comparison = compared(before, after, None);
    assert_eq!(told(&comparison), [""; 0]);
    assert_eq!((comparison.entries_before, comparison.entries_after), (4, 4));
    let some = || Files::new().text("c", "").text("a/b", "").text("a", "").text("b", "");
    assert_eq!(both(some(), Files::new()), ["! /a missing", "! /a/b missing", "! /b missing", "! /c missing"]);
}

#[test]
fn odd_names_are_compared_by_bytes_and_shown() {
    let odd = |name: &[u8]| Files::new().entry(EntryType::Regular, name, 0o644, |_| {}, b"");
    assert_eq!(both(odd(b"a\xff"), odd(b"a\xfe")), ["! /a\u{fffd} extra", "! /a\u{fffd} missing"]);
    assert!(both(odd(b"a\n\x1b \"'"), odd(b"a\n\x1b \"'")).is_empty());
    let long = "long/".repeat(80) + "name";
    let with_pax = |bytes: &str| {
        let mut files = Files::new();
        files.0.append_pax_extensions([("path", long.as_bytes())]).unwrap();
        files.text("short", bytes)
    };
    let mut with_gnu = Files::new();
    let mut header = Header::new_gnu();
    header.set_mode(0o644);
    header.set_uid(0);
    header.set_gid(0);
    header.set_size(1);
    with_gnu.0.append_data(&mut header, &long, &b"x"[..]).unwrap();
    assert!(both(with_pax("x"), with_gnu).is_empty());
    assert_eq!(both(with_pax("x"), with_pax("y")), [format!("! /{long} bytes [lines]")]);
}

#[test]
fn a_hard_link_is_the_file_that_it_names() {
    let hard = |name, target| (name, target);
    let (first, last) = (hard("b", "a"), hard("a", "./b"));
    let forward = || Files::new().text("a", "x").link(EntryType::Link, first.0, first.1);
    let backward = || Files::new().text("b", "x").link(EntryType::Link, last.0, last.1);
    let early = || Files::new().link(EntryType::Link, "a", "b").text("b", "x");
    let plain = || Files::new().text("a", "x").text("b", "x");
    let all: [fn() -> Files; 2] =
        [|| Files::new().text("a", "x").text("b", "x"), || Files::new().text("b", "x").text("a", "x")];
    for files in all {
        assert!(both(forward(), files()).is_empty());
        assert!(both(files(), backward()).is_empty());
        assert!(both(early(), files()).is_empty());
    }
    assert!(both(forward(), backward()).is_empty());
    let other = Files::new().text("a", "y").link(EntryType::Link, "b", "a");
    assert_eq!(both(plain(), other), ["! /a bytes [lines]", "! /b bytes [lines]"]);
    let lost = || Files::new().link(EntryType::Link, "a", "gone");
    assert!(both(lost(), lost()).is_empty());
    assert_eq!(both(lost(), Files::new().text("a", "x")), ["! /a type hard link to nothing -> file"]);
}

#[test]
fn what_a_program_is_allowed_counts_and_labels_do_not() {
    let with = |name: &str, value: &[u8]| {
        let mut files = Files::new();
        files.0.append_pax_extensions([(format!("SCHILY.xattr.{name}").as_str(), value)]).unwrap();
        files.text("a", "x")
    };
    let expected = ["! /a attributes security.capability=0x0100ff -> none"];
    assert_eq!(both(with("security.capability", b"\x01\x00\xff"), Files::new().text("a", "x")), expected);
    assert!(both(with("security.selinux", b"a"), with("security.selinux", b"b")).is_empty());
}

#[test]
fn a_tar_file_that_is_not_whole_is_an_error_that_names_it() {
    let folder = TempDir::new().unwrap();
    let whole = Files::new().text("a", &"x".repeat(700)).text("b", "y").bytes();
    let good = exported(&folder, "good.tar", &whole);
    // Two headers, two blocks of the first file and one of the second, two blocks at the end, of which one is enough.
    for length in (0..whole.len() - 512).step_by(64).chain([1, 511, 513, 2559]) {
        let cut = exported(&folder, "cut.tar", &whole[..length]);
        for error in [compare(&cut, &good, None), compare(&good, &cut, None), compare(&good, &good, Some(&cut))] {
            assert!(error.unwrap_err().to_string().contains("cut.tar: "), "{length}");
        }
        assert!(size_of_files(&cut).unwrap_err().to_string().contains("cut.tar: "), "{length}");
    }
    let gone = ExportedImage { files: PathBuf::from("/gone/image.tar"), configuration: json!({}) };
    assert!(compare(&gone, &good, None).unwrap_err().to_string().contains("/gone/image.tar"));
    let none = exported(&folder, "text.tar", &b"no tar file at all\n".repeat(100));
    assert!(compare(&good, &none, None).unwrap_err().to_string().contains("text.tar"));
}

#[test]
fn the_size_is_that_of_all_bytes_once() {
    let folder = TempDir::new().unwrap();
    let files = Files::new()
        .text("a", "12345")
        .link(EntryType::Link, "b", "a")
        .folder("c", 0o755)
        .text("c/d", &"x".repeat(600));
    assert_eq!(size_of_files(&exported(&folder, "a.tar", &files.bytes())).unwrap(), 605);
    assert_eq!(size_of_files(&exported(&folder, "b.tar", &Files::new().bytes())).unwrap(), 0);
}

#[test]
fn what_the_engine_lays_down_is_not_the_image() {
    let laid = || {
        let files = Files::new().file(".dockerenv", 0o755, b"").folder("dev", 0o755).folder("dev/shm", 0o1777);
        let files = files.folder("proc", 0o555).file("etc/hosts", 0o755, b"").file("dev/console", 0o755, b"");
        files.link(EntryType::Symlink, "etc/mtab", "/proc/mounts")
    };
    let comparison = compared(laid(), Files::new(), None);
    assert_eq!(told(&comparison), [""; 0]);
    assert_eq!(comparison.entries_before, 0);
    let own = || {
        let files = Files::new().text("etc/hosts", "1.2.3.4 a\n").link(EntryType::Symlink, "etc/mtab", "/other");
        files.text("proc/x", "").folder("sys", 0o700).folder("etc/hostname", 0o755)
    };
    let expected = [
        "! /etc/hostname missing",
        "! /etc/hosts missing",
        "! /etc/mtab missing",
        "! /proc/x missing",
        "! /sys missing",
    ];
    assert_eq!(both(own(), laid()), expected);
    assert_eq!(both(laid(), own()), expected.map(|line| line.replace("missing", "extra")));
}

#[test]
fn a_folder_that_the_runner_made_may_be_written_by_others() {
    let folder =
        |name, before, after| both_with_made(Files::new().folder(name, before), Files::new().folder(name, after));
    assert_eq!(folder("app/made", 0o777, 0o755), ["umask /app/made mode 0777 -> 0755"]);
    assert_eq!(folder("made/", 0o777, 0o755), ["umask /made mode 0777 -> 0755"]);
    assert_eq!(folder("made", 0o755, 0o777), ["! /made mode 0755 -> 0777"]);
    assert_eq!(folder("made", 0o777, 0o750), ["! /made mode 0777 -> 0750"]);
    assert_eq!(folder("made", 0o1777, 0o755), ["! /made mode 1777 -> 0755"]);
    // All else has the modes that a script gave it.
    assert_eq!(folder("made/data", 0o777, 0o755), ["! /made/data mode 0777 -> 0755"]);
    assert_eq!(folder("mad", 0o777, 0o755), ["! /mad mode 0777 -> 0755"]);
    let file = |mode| Files::new().file("made", mode, b"");
    assert_eq!(both_with_made(file(0o777), file(0o755)), ["! /made mode 0777 -> 0755"]);
    assert_eq!(both_with_made(file(0o666), file(0o644)), ["! /made mode 0666 -> 0644"]);
    let types = both_with_made(Files::new().folder("made", 0o777), file(0o755));
    assert_eq!(types, ["! /made type folder -> file, mode 0777 -> 0755"]);
    assert_eq!(
        both(Files::new().folder("made", 0o777), Files::new().folder("made", 0o755)),
        ["! /made mode 0777 -> 0755"]
    );
    let archive = |name, mode| Files::new().file("f", 0o644, &Files::new().folder(name, mode).bytes());
    let within = |name| both_with_made(archive(name, 0o777), archive(name, 0o755));
    assert_eq!(within("x/made/"), ["umask /f bytes [x/made: mode 0777 -> 0755]"]);
    assert_eq!(within("x/data/"), ["! /f bytes [x/data: mode 0777 -> 0755]"]);
}

#[test]
fn what_counts_and_what_does_not_are_told_apart() {
    let before = Files::new().file("a", 0o666, b"at 2026-11-24");
    let after = Files::new().file("a", 0o644, b"at 2026-11-25");
    assert_eq!(both(before, after), ["! /a mode 0666 -> 0644", "times /a bytes [lines]"]);
}

#[test]
fn noise_excuses_the_same_aspect_alone() {
    let a = |mode, text: &str| Files::new().file("a", mode, text.as_bytes());
    let noisy = |before, after, again| told(&compared(before, after, Some(again)));
    assert_eq!(noisy(a(0o644, "1"), a(0o644, "2"), a(0o644, "3")), ["noise /a bytes [lines]"]);
    assert_eq!(
        noisy(a(0o644, "1"), a(0o600, "2"), a(0o644, "3")),
        ["! /a mode 0644 -> 0600", "noise /a bytes [lines]"]
    );
    assert_eq!(noisy(a(0o644, "1"), a(0o600, "1"), a(0o400, "1")), ["noise /a mode 0644 -> 0600"]);
    assert_eq!(noisy(a(0o644, "1"), a(0o644, "2"), a(0o600, "1")), ["! /a bytes [lines]"]);
    assert_eq!(noisy(a(0o644, "1"), a(0o644, "2"), a(0o644, "1")), ["! /a bytes [lines]"]);
    assert!(noisy(a(0o644, "1"), a(0o644, "1"), a(0o600, "2")).is_empty());
    let kinds = noisy(a(0o644, ""), Files::new().folder("a", 0o644), Files::new().link(EntryType::Symlink, "a", "b"));
    assert_eq!(kinds, ["noise /a type file -> folder"]);
}

#[test]
fn an_entry_of_one_old_build_excuses_its_presence_alone() {
    let a = || Files::new().text("a", "1");
    let noisy = |before, after, again| told(&compared(before, after, Some(again)));
    assert_eq!(noisy(a(), Files::new(), Files::new()), ["noise /a missing"]);
    assert_eq!(noisy(Files::new(), a(), a()), ["noise /a extra"]);
    assert_eq!(noisy(a(), Files::new(), a()), ["! /a missing"]);
    assert_eq!(noisy(Files::new(), a(), Files::new()), ["! /a extra"]);
    assert_eq!(noisy(a(), Files::new().text("a", "2"), Files::new()), ["! /a bytes [lines]"]);
    assert_eq!(
        noisy(a(), Files::new().text("b", "1"), Files::new().text("c", "1")),
        ["noise /a missing", "! /b extra"]
    );
}

#[test]
fn points_in_time_in_a_text_are_harmless() {
    let (first, second) = ("#Tue Nov 24 10:11:12 UTC 2026\nversion=1\n", "#Tue Nov 24 10:12:59 UTC 2026\nversion=1\n");
    assert_eq!(file(first.as_bytes(), second.as_bytes()), ["times /f bytes [lines]"]);
    assert_eq!(file(second.as_bytes(), first.as_bytes()), ["times /f bytes [lines]"]);
    let other = second.replace("version=1", "version=2");
    assert_eq!(file(first.as_bytes(), other.as_bytes()), ["! /f bytes [lines]"]);
    let with_nul = |text: &str| [text.as_bytes(), b"\0"].concat();
    assert_eq!(file(&with_nul(first), &with_nul(second)), ["! /f bytes"]);
    // Noise that is nothing but points in time excuses no lost line.
    assert_eq!(
        file_again(first.as_bytes(), second.as_bytes(), b"#Tue Nov 24 10:13:00 UTC 2026\nversion=1\n"),
        ["noise /f bytes [lines]"]
    );
    assert_eq!(file_again(first.as_bytes(), other.as_bytes(), second.as_bytes()), ["! /f bytes [lines]"]);
    assert_eq!(file_again(first.as_bytes(), other.as_bytes(), b"anything"), ["noise /f bytes [lines]"]);
    let python = |time: u8, code: u8| [&b"\xa7\r\r\n\0\0\0\0"[..], &[time, 0, 0, 0, 9, 0, 0, 0, 0xe3, code]].concat();
    assert_eq!(file(&python(1, 7), &python(2, 7)), ["times /f bytes"]);
    assert_eq!(file(&python(1, 7), &python(2, 8)), ["! /f bytes"]);
    assert_eq!(file_again(&python(1, 7), &python(2, 8), &python(3, 7)), ["! /f bytes"]);
}

#[test]
fn noise_in_a_text_excuses_no_other_line() {
    let text = |id: &str, rest: &str| format!("{id}\n{rest}");
    let all = "all of the application\n";
    let (before, again) = (text("6f1c2a", all), text("90be77", all));
    let told = |after: &str| file_again(before.as_bytes(), after.as_bytes(), again.as_bytes());
    assert_eq!(told(&text("d4411b", all)), ["noise /f bytes [lines]"]);
    assert_eq!(told(&text("d4411b", "")), ["! /f bytes [lines]"]);
    assert_eq!(told(&text("d4411b", "some of it\n")), ["! /f bytes [lines]"]);
    // What stands in an archive is weighed the same way.
    let jar = |text: &str| Zip::new(1).with("id", text.as_bytes()).bytes();
    let told = |after: &str| file_again(&jar(&before), &jar(after), &jar(&again));
    assert_eq!(told(&text("d4411b", all)), ["noise /f bytes [id: bytes]"]);
    assert_eq!(told(&text("d4411b", "")), ["! /f bytes [id: bytes]"]);
}

#[test]
fn noise_in_bytes_excuses_no_other_size_and_no_other_form() {
    assert_eq!(file_again(b"\0one", b"\0two", b"\0abc"), ["noise /f bytes"]);
    assert_eq!(file_again(b"\0one", b"\0three", b"\0abc"), ["! /f bytes"]);
    assert_eq!(file_again(b"\0one", b"\0three", b"\0many"), ["noise /f bytes"]);
    assert_eq!(file_again(b"\0one", b"", b"\0many"), ["! /f bytes"]);
    assert_eq!(file_again(b"\0one", b"text", b"\0many"), ["! /f bytes"]);
    let (one, two) = (Zip::new(1).with("a", b"1").bytes(), Zip::new(2).with("a", b"22").bytes());
    assert_eq!(file_again(&one, b"<html>", &two), ["! /f bytes"]);
    let large = |end: &str| ("x".repeat(80) + "\n").repeat(30_000) + end;
    let told = |after: &str| file_again(large("1").as_bytes(), large(after).as_bytes(), large("2").as_bytes());
    assert_eq!(told("3"), ["noise /f bytes"]);
    assert_eq!(told(""), ["! /f bytes"]);
}

#[test]
fn points_in_time_that_are_always_the_same_were_set() {
    let (set, lost) = (b"2026-01-01\n", b"1999-12-31\n");
    assert_eq!(file(set, lost), ["times /f bytes [lines]"]);
    assert_eq!(file_again(set, lost, set), ["! /f bytes [lines]"]);
    assert_eq!(file_again(set, lost, b"2026-01-02\n"), ["noise /f bytes [lines]"]);
    // A file that only one build has tells nothing of its dates.
    let files = |text: &[u8]| Files::new().file("f", 0o644, text);
    assert_eq!(told(&compared(files(set), files(lost), Some(Files::new()))), ["! /f bytes [lines]"]);
    let jar = |minute, text: &[u8]| Zip::new(minute).with("at", text).bytes();
    assert_eq!(file_again(&jar(1, set), &jar(1, lost), &jar(1, set)), ["! /f bytes [at: bytes]"]);
    assert_eq!(file_again(&jar(1, set), &jar(2, set), &jar(1, set)), ["! /f bytes [at: time]"]);
    assert_eq!(
        file_again(&jar(1, set), &jar(2, lost), &jar(3, set)),
        ["! /f bytes [at: bytes]", "noise /f bytes [at: time]"]
    );
    // The time of a folder is that of what was last laid into it.
    let tar =
        |time| Files::new().entry(EntryType::Directory, b"a", 0o755, |header| header.set_mtime(time), b"").bytes();
    assert_eq!(file_again(&tar(1), &tar(2), &tar(1)), ["times /f bytes [a: time]"]);
}

#[test]
fn large_files_have_no_detail() {
    let large = |end: &str| ("x".repeat(80) + "\n").repeat(30_000) + end;
    assert_eq!(file(large("2026-11-24").as_bytes(), large("2026-11-25").as_bytes()), ["! /f bytes"]);
    let small = |end: &str| ("x".repeat(80) + "\n").repeat(20_000) + end;
    assert_eq!(file(small("2026-11-24").as_bytes(), small("2026-11-25").as_bytes()), ["times /f bytes [lines]"]);
}

/// A zip file in the making.
struct Zip(ZipWriter<std::io::Cursor<Vec<u8>>>, SimpleFileOptions);

impl Zip {
    /// All members were changed in this minute.
    fn new(minute: u8) -> Self {
        let time = DateTime::from_date_and_time(2026, 11, 24, 10, minute, 0).unwrap();
        let options = SimpleFileOptions::default().last_modified_time(time).unix_permissions(0o644);
        Self(ZipWriter::new(std::io::Cursor::new(Vec::new())), options)
    }

    fn with(mut self, name: &str, bytes: &[u8]) -> Self {
        self.0.start_file(name, self.1).unwrap();
        self.0.write_all(bytes).unwrap();
        self
    }

    fn mode(mut self, mode: u32) -> Self {
        self.1 = self.1.unix_permissions(mode);
        self
    }

    fn stored(mut self) -> Self {
        self.1 = self.1.compression_method(CompressionMethod::Stored);
        self
    }

    fn bytes(self) -> Vec<u8> {
        self.0.finish().unwrap().into_inner()
    }
}

fn jar(minute: u8, class: &[u8]) -> Vec<u8> {
    let manifest = format!("Manifest-Version: 1.0\nBuilt: 2026-11-24 10:{minute:02}:00\n");
    Zip::new(minute).with("META-INF/MANIFEST.MF", manifest.as_bytes()).with("A.class", class).bytes()
}

#[test]
fn an_archive_of_other_times_is_harmless() {
    let plain = |minute| Zip::new(minute).with("a", b"x").with("b/c", b"y").bytes();
    assert_eq!(file(&plain(1), &plain(2)), ["times /f bytes [a: time; b/c: time]"]);
    assert_eq!(file(&plain(2), &plain(1)), ["times /f bytes [a: time; b/c: time]"]);
    let turned = Zip::new(2).with("b/c", b"y").with("a", b"x").bytes();
    assert_eq!(file(&plain(1), &turned), ["times /f bytes [a: time; b/c: time]"]);
    assert_eq!(
        file(&jar(1, b"\0a"), &jar(2, b"\0a")),
        ["times /f bytes [A.class: time; META-INF/MANIFEST.MF: bytes, time]"]
    );
}

#[test]
fn members_that_count_are_told_apart_from_times() {
    let expected = ["! /f bytes [A.class: bytes]", "times /f bytes [A.class: time; META-INF/MANIFEST.MF: bytes, time]"];
    assert_eq!(file(&jar(1, b"\0a"), &jar(2, b"\0b")), expected);
    let (one, two) = (Zip::new(1).with("a", b"").bytes(), Zip::new(1).with("a", b"").with("b", b"").bytes());
    assert_eq!(file(&one, &two), ["! /f bytes [b: extra]"]);
    assert_eq!(file(&two, &one), ["! /f bytes [b: missing]"]);
    let mode = |mode| Zip::new(1).mode(mode).with("a", b"").bytes();
    assert_eq!(file(&mode(0o666), &mode(0o644)), ["! /f bytes [a: mode 0666 -> 0644]"]);
    assert_eq!(file(&mode(0o644), &mode(0o755)), ["! /f bytes [a: mode 0644 -> 0755]"]);
}

#[test]
fn another_order_or_compression_counts() {
    let (one, two) =
        (Zip::new(1).with("a", b"x").with("b", b"y").bytes(), Zip::new(1).with("b", b"y").with("a", b"x").bytes());
    assert_eq!(file(&one, &two), ["! /f bytes []"]);
    assert_eq!(file(&one, &Zip::new(1).stored().with("a", b"x").with("b", b"y").bytes()), ["! /f bytes []"]);
    assert_eq!(file_again(&one, &two, &two), ["noise /f bytes []"]);
    let mut commented = Zip::new(2).with("a", b"x").with("b", b"y");
    commented.0.set_comment("other").unwrap();
    let commented = commented.bytes();
    assert_eq!(file(&one, &commented), ["! /f bytes []", "times /f bytes [a: time; b: time]"]);
}

#[test]
fn noise_in_an_archive_excuses_the_same_members_alone() {
    let with = |minute, class: &[u8], id: &[u8]| Zip::new(minute).with("A", class).with("id", id).bytes();
    let before = with(1, b"\0a", b"\x001");
    assert_eq!(
        file_again(&before, &with(2, b"\0a", b"\x002"), &with(3, b"\0a", b"\x003")),
        ["noise /f bytes [A: time; id: bytes, time]"]
    );
    assert_eq!(
        file_again(&before, &with(2, b"\0b", b"\x002"), &with(3, b"\0a", b"\x003")),
        ["! /f bytes [A: bytes]", "noise /f bytes [A: time; id: bytes, time]"]
    );
    let gone = Zip::new(2).with("id", b"\x002").bytes();
    assert_eq!(
        file_again(&before, &gone, &with(3, b"\0a", b"\x003")),
        ["! /f bytes [A: missing]", "noise /f bytes [id: bytes, time]"]
    );
}

#[test]
fn an_archive_in_an_archive_is_opened() {
    let war = |jar: &[u8]| Zip::new(1).with("lib/a.jar", jar).bytes();
    assert_eq!(file(&war(&jar(1, b"\0a")), &war(&jar(2, b"\0a"))), ["times /f bytes [lib/a.jar: bytes]"]);
    let expected = ["! /f bytes [lib/a.jar: bytes]", "times /f bytes [lib/a.jar: bytes]"];
    assert_eq!(file(&war(&jar(1, b"\0a")), &war(&jar(2, b"\0b"))), expected);
    // No end of archives in archives is followed.
    let deep = |minute| {
        (0..10).fold(Zip::new(minute).with("a", b"x").bytes(), |inner, _| Zip::new(1).with("z", &inner).bytes())
    };
    assert_eq!(file(&deep(1), &deep(2)), ["! /f bytes [z: bytes]"]);
}

#[test]
fn tar_and_gzip_files_are_archives() {
    let tar = |time, text: &str| {
        let files =
            Files::new().entry(EntryType::Regular, b"a", 0o644, |header| header.set_mtime(time), text.as_bytes());
        files.link(EntryType::Symlink, "l", "a").bytes()
    };
    let gzip = |time, bytes: &[u8]| {
        let mut writer = GzBuilder::new().mtime(time).filename("n").write(Vec::new(), Compression::default());
        writer.write_all(bytes).unwrap();
        writer.finish().unwrap()
    };
    assert_eq!(file(&tar(1, "x"), &tar(2, "x")), ["times /f bytes [a: time]"]);
    assert_eq!(file(&tar(1, "x"), &tar(2, "y")), ["! /f bytes [a: bytes]", "times /f bytes [a: time]"]);
    assert_eq!(file(&gzip(0, &tar(1, "x")), &gzip(0, &tar(2, "x"))), ["times /f bytes [a: time]"]);
    assert_eq!(file(&gzip(1, &tar(1, "x")), &gzip(2, &tar(1, "x"))), ["times /f bytes [(gzip): time]"]);
    assert_eq!(file(&gzip(1, b"x"), &gzip(2, b"x")), ["times /f bytes [(gzip): time]"]);
    assert_eq!(file(&gzip(1, b"x"), &gzip(1, b"y")), ["! /f bytes [(gzip): bytes]"]);
    assert_eq!(file(&gzip(1, b"x"), &gzip(2, b"y")), ["! /f bytes [(gzip): bytes]", "times /f bytes [(gzip): time]"]);
    assert_eq!(file(&gzip(1, b"at 2026-11-24"), &gzip(1, b"at 2026-11-25")), ["times /f bytes [(gzip): bytes]"]);
    let mut cut = gzip(1, &tar(1, "x"));
    cut.truncate(60);
    assert_eq!(file(&gzip(1, &tar(1, "x")), &cut), ["! /f bytes"]);
}

#[test]
fn many_members_are_counted() {
    let many = |minute| (0..100).fold(Zip::new(minute), |zip, at| zip.with(&format!("{at:03}"), b"")).bytes();
    let lines = file(&many(1), &many(2));
    assert!(
        lines[0].starts_with("times /f bytes [000: time; ") && lines[0].ends_with("; 039: time; … 60 more: ]"),
        "{lines:?}"
    );
}

#[test]
fn hostile_archives_are_looked_at_no_further() {
    let good = Zip::new(1).with("a", b"x").bytes();
    let mut no_directory = good.clone();
    no_directory.truncate(good.len() - 30);
    let mut broken = good.clone();
    let directory = good.windows(4).position(|four| four == b"PK\x01\x02").unwrap();
    broken[directory..directory + 46].fill(0xff);
    let mut lying = good.clone();
    lying[directory + 24..directory + 28].fill(0xff);
    for hostile in
        [no_directory, broken, lying, b"PK".to_vec(), [&b"PK\x05\x06"[..], &[0xff; 18]].concat(), vec![0x1f, 0x8b]]
    {
        assert_eq!(file(&good, &hostile), ["! /f bytes"]);
        assert_eq!(file(&hostile, &good), ["! /f bytes"]);
    }
    // A sparse file of eight exabytes in a tar file of some blocks.
    let sparse = Files::new().entry(
        EntryType::GNUSparse,
        b"a",
        0o644,
        |header| {
            let gnu = header.as_gnu_mut().unwrap();
            gnu.realsize = *b"777777777777";
            gnu.sparse[0].offset = *b"777777777777";
            gnu.sparse[0].numbytes = *b"000000000000";
        },
        b"",
    );
    let sparse = sparse.bytes();
    let start = Instant::now();
    assert_eq!(file(&sparse, &Files::new().text("a", "x").bytes()), ["! /f bytes"]);
    assert!(start.elapsed().as_secs() < 60);
}

#[test]
fn a_bomb_does_not_go_off() {
    let zeros = vec![0; 1024 * 1024];
    let bomb = (0..20).fold(Zip::new(1), |zip, at| zip.with(&format!("{at}"), &zeros)).bytes();
    let opened = |bytes: &[u8], mut budget: u64| {
        let members = super::archive::open(bytes, &mut budget).map(|archive| archive.members.len());
        (members, budget)
    };
    assert_eq!(opened(&bomb, 20 << 20), (Some(20), 0));
    assert_eq!(opened(&bomb, 5 << 20), (None, 0));
    // What a directory says of the size of a member is not believed.
    let mut lying = bomb;
    for at in (0..lying.len() - 4).filter(|at| lying[*at..].starts_with(b"PK\x01\x02")).collect::<Vec<_>>() {
        lying[at + 24..at + 28].copy_from_slice(&[1, 0, 0, 0]);
    }
    let (members, left) = opened(&lying, 5 << 20);
    assert!(members.is_none() && left > 0, "{members:?} {left}");
    let gzip = |megabytes: usize| {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), Compression::fast());
        (0..megabytes).for_each(|_| gzip.write_all(&zeros).unwrap());
        gzip.finish().unwrap()
    };
    assert_eq!(opened(&gzip(3), 4 << 20), (Some(1), 1 << 20));
    assert_eq!(opened(&gzip(3), 2 << 20), (None, 2 << 20));
    assert_eq!(opened(&gzip(65), u64::MAX).0, None);
}

#[test]
fn fifty_thousand_entries_are_quick() {
    let many = |end: &str| {
        let files = (0..50_000)
            .fold(Files::new(), |files, at| files.text(&format!("folder{}/file{at}", at % 100), "some text"));
        files.text("end", end)
    };
    let (before, after) = (many("a"), many("b"));
    let start = Instant::now();
    let comparison = compared(before, after, None);
    assert_eq!(told(&comparison), ["! /end bytes [lines]"]);
    assert_eq!(comparison.entries_before, 50_001);
    assert!(start.elapsed().as_secs() < 60, "{:?}", start.elapsed());
}

#[test]
fn images_that_have_nothing_in_common_have_their_first_thousand_details() {
    let many = |text| (0..1200).fold(Files::new(), |files, at| files.text(&format!("{at:04}"), text));
    let differences = compared(many("a"), many("b"), None).differences;
    assert_eq!(differences.len(), 1200);
    assert!(differences.iter().enumerate().all(|(at, difference)| difference.detail.is_some() == (at < 1000)));
}

#[test]
fn the_configuration_comes_first() {
    let folder = TempDir::new().unwrap();
    let mut before = exported(&folder, "before.tar", &Files::new().text("a", "x").bytes());
    let after = exported(&folder, "after.tar", &Files::new().bytes());
    before.configuration = json!({"Cmd": ["a"], "Created": "then"});
    let comparison = compare(&before, &after, None).unwrap();
    assert_eq!(told(&comparison), [r#"! Cmd value ["a"] -> none"#, "! /a missing"]);
}

/// Entries of a few names, types, modes and contents, some twice, some hard links.
fn files() -> impl Strategy<Value = Vec<(usize, usize, usize, usize)>> {
    prop::collection::vec((0..6_usize, 0..6_usize, 0..4_usize, 0..5_usize), 0..12)
}

fn built(entries: &[(usize, usize, usize, usize)]) -> Vec<u8> {
    let names = ["a", "./a/b", "c/", "etc/hosts", "d", "long/name"];
    let archives = [b"".to_vec(), b"text\n".to_vec(), b"at 2026-11-24".to_vec(), jar(1, b"x"), jar(2, b"y")];
    let build = |files: Files, (name, kind, mode, content): &(usize, usize, usize, usize)| {
        let (name, mode) = (names[*name], [0o644, 0o666, 0o755, 0o4755][*mode]);
        match kind {
            0 => files.folder(name, mode),
            1 => files.link(EntryType::Symlink, name, names[*content]),
            2 => files.link(EntryType::Link, name, names[*content]),
            _ => files.file(name, mode, &archives[*content]),
        }
    };
    entries.iter().fold(Files::new(), build).bytes()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn an_image_is_what_it_is(entries in files()) {
        let folder = TempDir::new().unwrap();
        let image = exported(&folder, "a.tar", &built(&entries));
        let comparison = compare(&image, &image, Some(&image)).unwrap();
        prop_assert!(comparison.differences.is_empty());
        prop_assert_eq!(comparison.entries_before, comparison.entries_after);
    }

    #[test]
    fn both_directions_name_the_same(one in files(), two in files(), again in prop::option::of(files())) {
        let folder = TempDir::new().unwrap();
        let (one, two) = (exported(&folder, "a.tar", &built(&one)), exported(&folder, "b.tar", &built(&two)));
        let again = again.map(|again| exported(&folder, "c.tar", &built(&again)));
        let subjects = |comparison: Comparison| {
            comparison.differences.into_iter().map(|difference| difference.subject).collect::<BTreeSet<_>>()
        };
        let forward = subjects(compare(&one, &two, again.as_ref()).unwrap());
        prop_assert_eq!(&forward, &subjects(compare(&two, &one, again.as_ref()).unwrap()));
        prop_assert_eq!(forward.is_empty(), subjects(compare(&one, &two, None).unwrap()).is_empty());
    }

    #[test]
    fn weights_are_the_same_both_ways_without_noise(one in files(), two in files()) {
        let folder = TempDir::new().unwrap();
        let (one, two) = (exported(&folder, "a.tar", &built(&one)), exported(&folder, "b.tar", &built(&two)));
        let weights = |comparison: Comparison| {
            comparison.differences.into_iter().map(|difference| (difference.subject, difference.weight)).collect::<Vec<_>>()
        };
        prop_assert_eq!(weights(compare(&one, &two, None).unwrap()), weights(compare(&two, &one, None).unwrap()));
    }

    #[test]
    fn nothing_panics_on_bytes_that_are_no_archive(start in 0..4_usize, bytes in prop::collection::vec(any::<u8>(), 0..2048), at in 0..600_usize) {
        let mut archive = [jar(1, b"x"), Files::new().text("a", "x").bytes(), b"PK".to_vec(), vec![0x1f, 0x8b, 8]][start].clone();
        let at = at.min(archive.len());
        archive.splice(at.., bytes);
        let _ = super::archive::open(&archive, &mut (1 << 20));
        let _ = super::tree::read(&*archive, super::Naming::Paths, &mut (1 << 20));
    }
}
