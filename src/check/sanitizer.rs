//! What the compiler's sanitizers found in a program, read from their report on standard error.
//!
//! AddressSanitizer's report begins with `==PID==ERROR: AddressSanitizer: KIND …` and ends the
//! program; UndefinedBehaviorSanitizer's is `FILE:LINE:COLUMN: runtime error: …` and lets it go on.
//! Both print the calls as `#0 0x… in FUNCTION FILE:LINE`. The wording differs between gcc and clang
//! and between their versions; what is not understood stays empty. Pure. Running the program is
//! [`super::stage`]'s, the sentences are `exercises/common.toml`'s.

use std::ffi::OsString;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::untrusted::readable;

/// What one report says. Texts are printable, and empty where the report says nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// `AddressSanitizer` or `UndefinedBehaviorSanitizer`.
    pub tool: String,
    /// What it is: `stack-buffer-overflow`, `null-pointer`, `signed-integer-overflow`, …
    pub kind: String,
    /// `read` or `write`.
    pub access: String,
    /// How many bytes were read or written.
    pub bytes: u64,
    /// Where in the learner's source: `main.c:42`.
    pub place: String,
    /// The function of the learner's in which it happened.
    pub function: String,
    /// Both: `main.c:42, in serve()`.
    pub at: String,
    /// The variable that was missed.
    pub object: String,
    /// How long that variable, or the piece of memory, is, in bytes.
    pub object_bytes: u64,
    /// Where the memory was allocated: `main.c:40`.
    pub allocated: String,
    /// Where it was freed.
    pub freed: String,
    /// What UndefinedBehaviorSanitizer says, in its own words.
    pub message: String,
    /// The sentence that a tutor would say.
    pub words: String,
}

/// What is set in the environment of a program that was built with sanitizers: they speak on
/// standard error, change no limit of memory, and say where the calls are.
pub fn options() -> Vec<(OsString, OsString)> {
    let address = "abort_on_error=0:exitcode=86:detect_leaks=0:color=never:print_legend=0:\
                   detect_stack_use_after_return=1:allocator_may_return_null=1:quarantine_size_mb=16:\
                   fast_unwind_on_fatal=1";
    let undefined = "print_stacktrace=1:color=never";
    vec![
        ("ASAN_OPTIONS".into(), address.into()),
        ("UBSAN_OPTIONS".into(), undefined.into()),
    ]
}

/// The finding that explains most: AddressSanitizer's, which ended the program, else the first of
/// the others. `directory` is where the learner's source lies.
pub fn read(report: &str, directory: &Path) -> Option<Finding> {
    let lines: Vec<&str> = report.lines().collect();
    let own = directory.to_string_lossy();
    let own = own.trim_end_matches('/');
    let mut found = address(&lines, own).or_else(|| undefined(&lines, own))?;
    found.at = match (found.place.as_str(), found.function.as_str()) {
        (place, "") => place.to_owned(),
        (place, function) => format!("{place}, in {function}()"),
    };
    Some(found)
}

/// A line of a stack: function and `main.c:42` when it is in the learner's source.
fn frame<'a>(line: &'a str, own: &str) -> Option<(&'a str, String)> {
    let rest = line.trim_start().strip_prefix('#')?;
    let (_, rest) = rest.split_once(" in ")?;
    let (function, place) = rest.trim_end().rsplit_once(' ')?;
    let place = place.strip_prefix(own)?.strip_prefix('/')?;
    let mut parts = place.split(':');
    let (file, line) = (parts.next()?, parts.next()?);
    line.parse::<u32>().ok()?;
    // `in main(int, char**) file` is C++; names of C have no blanks.
    let function = function.split('(').next().unwrap_or(function);
    Some((function, shown(&format!("{file}:{line}"))))
}

fn is_frame(line: &str) -> bool {
    line.trim_start().starts_with('#')
}

/// The first of the learner's own frames in the stack that begins in these lines.
fn first_own<'a>(lines: &[&'a str], own: &str) -> Option<(&'a str, String)> {
    lines
        .iter()
        .skip_while(|line| !is_frame(line))
        .take_while(|line| is_frame(line))
        .find_map(|line| frame(line, own))
}

fn address(lines: &[&str], own: &str) -> Option<Finding> {
    let start = lines
        .iter()
        .position(|line| line.contains("ERROR: AddressSanitizer: "))?;
    let lines = &lines[start..];
    let (_, head) = lines[0].split_once("ERROR: AddressSanitizer: ")?;
    let mut found = Finding {
        tool: "AddressSanitizer".to_owned(),
        kind: address_kind(head),
        ..Finding::default()
    };
    if let Some((function, place)) = first_own(lines, own) {
        (found.function, found.place) = (shown(function), place);
    }
    for (at, line) in lines.iter().enumerate() {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words[..] {
            [kind @ ("READ" | "WRITE"), "of", "size", bytes, ..] if found.bytes == 0 => {
                found.access = kind.to_lowercase();
                found.bytes = bytes.parse().unwrap_or(0);
            }
            ["freed", "by", "thread", ..] => {
                found.freed = first_own(&lines[at..], own).map_or(String::new(), |(_, at)| at);
            }
            ["allocated", "by", ..] | ["previously", "allocated", ..] => {
                found.allocated = first_own(&lines[at..], own).map_or(String::new(), |(_, at)| at);
            }
            _ => {}
        }
        if line.contains("caused by a WRITE") {
            "write".clone_into(&mut found.access);
        } else if line.contains("caused by a READ") {
            "read".clone_into(&mut found.access);
        }
        object(line, &mut found);
    }
    if let Some((name, bytes)) = variable(lines) {
        (found.object, found.object_bytes) = (shown(name), bytes);
    }
    Some(found)
}

/// `stack-buffer-overflow on address …` and its like, as one word.
fn address_kind(head: &str) -> String {
    if let Some(rest) = head.strip_prefix("SEGV on unknown address") {
        let number = rest.split_whitespace().next().unwrap_or_default();
        let digits = number.trim_start_matches("0x").trim_end_matches([',', ')']);
        // The first page is never mapped (mmap(2), vm.mmap_min_addr).
        return match u64::from_str_radix(digits, 16) {
            Ok(0..4096) => "null-pointer".to_owned(),
            _ => "segmentation-fault".to_owned(),
        };
    }
    for (begins, kind) in [
        ("attempting double-free", "double-free"),
        ("attempting free on address", "bad-free"),
        ("requested allocation size", "allocation-too-big"),
        ("out of memory", "allocation-too-big"),
        ("FPE ", "division-by-zero"),
        ("ABRT ", "abort"),
        ("BUS ", "bus-error"),
        ("ILL ", "illegal-instruction"),
    ] {
        if head.starts_with(begins) {
            return kind.to_owned();
        }
    }
    let end = head.find([' ', ':']).unwrap_or(head.len());
    shown(&head[..end])
}

/// What was missed, where the report tells of a line: a piece of allocated memory, a global
/// variable.
fn object(line: &str, found: &mut Finding) {
    if !line.contains(" is located ") {
        return;
    }
    // `… 0 bytes after global variable 'g' defined in 'main.c:10:6' (0x…) of size 10`: of two
    // neighbours the one that the access follows at once was meant.
    let near = line.contains(" located 0 bytes ");
    if let (Some((_, rest)), true) = (
        line.split_once("global variable "),
        near || found.object.is_empty(),
    ) {
        found.object = quoted(rest).map(shown).unwrap_or_default();
        let size = line
            .rsplit_once("of size ")
            .and_then(|(_, size)| size.parse().ok());
        found.object_bytes = size.unwrap_or(0);
    } else if let Some((before, _)) = line.split_once("-byte region ") {
        let size = before.rsplit(' ').next().and_then(|size| size.parse().ok());
        found.object_bytes = size.unwrap_or(0);
    }
}

/// The variable on the stack that was missed, and its size: the one that ends where the access
/// begins to be wrong, else the one it is in, else the one that the report points at.
fn variable<'a>(lines: &[&'a str]) -> Option<(&'a str, u64)> {
    let (_, rest) = lines
        .iter()
        .find_map(|line| line.split_once(" at offset "))?;
    let offset: u64 = rest.split_whitespace().next()?.parse().ok()?;
    // `    [32, 40) 'b' (line 7) <== Memory access at offset 40 overflows this variable`
    let variables = lines.iter().filter_map(|line| {
        let (from, rest) = line.trim_start().strip_prefix('[')?.split_once(", ")?;
        let (to, rest) = rest.split_once(')')?;
        let range = from.parse::<u64>().ok()?..to.parse::<u64>().ok()?;
        Some((range, quoted(rest)?, line.contains("<== ")))
    });
    let variables: Vec<_> = variables.collect();
    let find = |wanted: fn(&std::ops::Range<u64>, bool, u64) -> bool| {
        variables
            .iter()
            .find(|(range, _, pointed)| wanted(range, *pointed, offset))
    };
    let (range, name, _) = find(|range, _, offset| range.end == offset)
        .or_else(|| find(|range, _, offset| range.contains(&offset)))
        .or_else(|| find(|_, pointed, _| pointed))?;
    Some((name, range.end.saturating_sub(range.start)))
}

fn quoted(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once('\'')?;
    rest.split_once('\'').map(|(name, _)| name)
}

fn undefined(lines: &[&str], own: &str) -> Option<Finding> {
    let (at, place, message) = lines.iter().enumerate().find_map(|(at, line)| {
        let (place, message) = line.split_once(": runtime error: ")?;
        Some((at, place, message))
    })?;
    let mut found = Finding {
        tool: "UndefinedBehaviorSanitizer".to_owned(),
        kind: undefined_kind(message).to_owned(),
        message: shown(message),
        ..Finding::default()
    };
    if let Some((function, place)) = first_own(&lines[at + 1..], own) {
        (found.function, found.place) = (shown(function), place);
    } else if let Some(place) = place.strip_prefix(own) {
        let mut parts = place.trim_start_matches('/').split(':');
        if let (Some(file), Some(line)) = (parts.next(), parts.next()) {
            found.place = shown(&format!("{file}:{line}"));
        }
    }
    for (word, access) in [("store to", "write"), ("load of", "read")] {
        if message.starts_with(word) {
            access.clone_into(&mut found.access);
        }
    }
    Some(found)
}

fn undefined_kind(message: &str) -> &'static str {
    let known = [
        ("null pointer", "null-pointer"),
        ("signed integer overflow", "signed-integer-overflow"),
        ("negation of", "signed-integer-overflow"),
        ("out of bounds for type", "index-out-of-bounds"),
        ("division by zero", "division-by-zero"),
        ("shift exponent", "shift"),
        ("shift of", "shift"),
        ("insufficient space", "object-size"),
        ("misaligned address", "misaligned"),
        ("non-zero offset", "pointer-overflow"),
        ("pointer index expression", "pointer-overflow"),
        ("variable length array bound", "array-length"),
        ("without returning a value", "missing-return"),
        ("is not a valid value for type", "invalid-value"),
        ("outside the range of representable values", "conversion"),
    ];
    known
        .iter()
        .find(|(part, _)| message.contains(part))
        .map_or("undefined-behavior", |(_, kind)| kind)
}

/// Text of a report, printable: names in it are the learner's, and so is all of standard error.
fn shown(text: &str) -> String {
    readable(text).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A report that gcc 12.2 wrote, for a program in `/home/ada/echo-server`.
    fn report(name: &str) -> Finding {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/sanitizer");
        let text = std::fs::read_to_string(path.join(format!("{name}.txt"))).unwrap();
        read(&text, Path::new("/home/ada/echo-server")).unwrap()
    }

    /// What matters of a finding, in one line.
    fn line(found: &Finding) -> String {
        let Finding {
            kind,
            access,
            bytes,
            place,
            function,
            object,
            object_bytes,
            allocated,
            freed,
            ..
        } = found;
        format!(
            "{kind} {access} {bytes} {place} {function} [{object} {object_bytes}] \
             {allocated} {freed}"
        )
    }

    #[test]
    fn every_kind_of_report_is_understood() {
        for (name, expected) in [
            (
                "stack-memset",
                "stack-buffer-overflow write 12 main.c:7 stack [b 8]  ",
            ),
            (
                "heap-write",
                "heap-buffer-overflow write 1 main.c:9 heap [ 8] main.c:9 ",
            ),
            (
                "global",
                "global-buffer-overflow write 1 main.c:11 global [g 10]  ",
            ),
            (
                "use-after-free",
                "heap-use-after-free read 1 main.c:12 uaf [ 8] main.c:12 main.c:12",
            ),
            ("null", "null-pointer write 0 main.c:14 null [ 0]  "),
            ("division", "division-by-zero  0 main.c:18 divz [ 0]  "),
            (
                "use-after-return",
                "stack-use-after-return write 1 main.c:29 main [b 8]  ",
            ),
            ("stack-overflow", "stack-overflow  0 main.c:20 rec [ 0]  "),
            ("bad-free", "bad-free  0 main.c:21 badfree [b 8]  "),
            (
                "negative-size",
                "negative-size-param  0 main.c:22 neg [g 10]  ",
            ),
            ("abort", "abort  0 main.c:30 main [ 0]  "),
            // Its return address is gone when the report is written.
            (
                "smashed-stack",
                "stack-buffer-overflow write 5000 main.c:178 serve [data 64]  ",
            ),
            (
                "many-variables",
                "stack-buffer-overflow write 5000 main.c:178 serve [data 64]  ",
            ),
            (
                "string-read",
                "stack-buffer-overflow read 9 main.c:31 main [b 8]  ",
            ),
            (
                "read-call",
                "heap-buffer-overflow write 8 main.c:32 main [ 4] main.c:32 ",
            ),
            (
                "signed-overflow",
                "signed-integer-overflow  0 main.c:15 overflow [ 0]  ",
            ),
            ("index", "index-out-of-bounds  0 main.c:17 index_ [ 0]  "),
        ] {
            assert_eq!(line(&report(name)), expected, "{name}");
        }
    }

    #[test]
    fn the_tools_are_told_apart_and_the_one_that_ended_the_program_wins() {
        // Both have something to say of a null pointer.
        assert_eq!(report("null").tool, "AddressSanitizer");
        let overflow = report("signed-overflow");
        assert_eq!(overflow.tool, "UndefinedBehaviorSanitizer");
        assert_eq!(
            overflow.message,
            "signed integer overflow: 2147483647 + 1 cannot be represented in type 'int'"
        );
    }

    #[test]
    fn the_wording_of_newer_compilers_is_understood() {
        let text = "==7==ERROR: AddressSanitizer: heap-buffer-overflow on address 0x6 at pc 0x1\n\
                    WRITE of size 1 at 0x6 thread T0\n\
                    \x20   #0 0x1 in fill /home/ada/echo-server/main.c:9:10\n\
                    \n\
                    0x6 is located 0 bytes after 8-byte region [0x1,0x6)\n\
                    allocated by thread T0 here:\n\
                    \x20   #0 0x2 in malloc (/usr/lib/libasan.so+0x5)\n\
                    \x20   #1 0x3 in make /home/ada/echo-server/main.c:4:7\n";
        let found = read(text, Path::new("/home/ada/echo-server/")).unwrap();
        assert_eq!(
            line(&found),
            "heap-buffer-overflow write 1 main.c:9 fill [ 8] main.c:4 "
        );
    }

    #[test]
    fn what_is_no_report_or_broken_is_nothing_and_harms_nobody() {
        let here = Path::new("/x");
        assert_eq!(read("hello\nERROR: something else\n", here), None);
        let broken = "==1==ERROR: AddressSanitizer: \u{1b}[2J on address\n[9, 3) 'b' \
                      <== Memory access at\n#0 0x in f /x/\u{202e}.c:1\n'\n of size 99999999999999999999\n";
        let found = read(broken, here).unwrap();
        assert!(!format!("{found:?}").contains(['\u{1b}', '\u{202e}']));
    }
}
