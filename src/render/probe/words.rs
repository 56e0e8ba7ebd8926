//! Words that the drawings of all probes share: names, holders, ages, what could not be seen.

use super::table::{Cell, Cells};
use crate::probe::holders::{Holders, Known, Process, Visibility};
use crate::probe::sockets::{By, Identified};
use crate::render::markdown::paragraph;
use crate::render::text::{Line, Role, Text};
use crate::sys::sock_diag::Name;
use crate::untrusted::Untrusted;

/// A heading, and what it is about: beside it where there is room, else beneath it.
pub(super) fn heading(title: &str, about: &str, width: usize) -> Text {
    let mut text = Text::new();
    let line = Line::of(Role::Heading, title).with(Role::Plain, about);
    if line.width() <= width {
        text.line(line);
        return text;
    }
    text.append(paragraph(Role::Heading, title, width));
    let about = about.trim_start_matches([' ', ':']);
    text.append(paragraph(Role::Plain, about, width));
    text
}

/// A name, so that no two different names look the same: an abstract one begins with `@`; one
/// with blanks, or a path that begins with `@`, is quoted.
pub(super) fn name(name: &Name) -> String {
    match name {
        Name::Path(path) => quoted(path),
        Name::Abstract(text) if has_blanks(text) => format!("@\"{text}\""),
        Name::Abstract(text) => format!("@{text}"),
    }
}

/// A name inside a sentence: as [`name`], with blanks escaped, so that it is one word and none of
/// them is lost where the line is broken.
pub(super) fn spoken(of: &Name) -> String {
    let text = of.text().to_string().replace(' ', r"\x20");
    match of {
        Name::Path(path) if path.is_empty() || path.bytes().starts_with(b"@") => {
            format!("\"{text}\"")
        }
        Name::Path(_) => text,
        Name::Abstract(_) => format!("@{text}"),
    }
}

/// A path, quoted when it could be misread.
pub(super) fn quoted(path: &Untrusted) -> String {
    if has_blanks(path) || path.is_empty() || path.bytes().starts_with(b"@") {
        format!("\"{path}\"")
    } else {
        path.to_string()
    }
}

fn has_blanks(text: &Untrusted) -> bool {
    match text.as_plain() {
        Some(text) => blank_in(text),
        None => blank_in(&text.to_string()),
    }
}

fn blank_in(printable: &str) -> bool {
    if printable.is_ascii() {
        // The other blanks of ASCII are escaped.
        printable.contains(' ')
    } else {
        printable.chars().any(char::is_whitespace)
    }
}

/// Adds a cell with a name, as [`name`] writes it.
pub(super) fn add_name(of: &Name, cells: &mut Cells) {
    match of.text().as_plain() {
        Some(text) if !text.is_empty() && !blank_in(text) && !text.starts_with('@') => {
            if matches!(of, Name::Abstract(_)) {
                cells.push("@");
            }
            cells.push(text);
        }
        _ => cells.push(&name(of)),
    }
    cells.end(Role::Code);
}

/// Adds two cells: who holds something, and the process id, as [`holders`] writes them.
pub(super) fn add_holders(of: &Holders, cells: &mut Cells) {
    let Some((first, rest)) = of.processes.split_first() else {
        for cell in holders(of) {
            cells.add(cell.role, &cell.text);
        }
        return;
    };
    cells.push_untrusted(&first.comm);
    if !rest.is_empty() {
        cells.push(" +");
        cells.push_number(rest.len() as u64);
    }
    cells.end(Role::Value);
    cells.number(Role::Dim, first.pid);
}

/// Adds a cell with a service, as [`service`] writes it.
pub(super) fn add_service(of: Option<&Identified>, cells: &mut Cells) {
    if let Some(service) = of {
        cells.push(&service.name);
        if service.by == By::Program {
            cells.push("?");
        }
    }
    cells.end(Role::Plain);
}

/// Who holds something, and the process id: `-` when nobody does, `?` when that cannot be seen.
pub(super) fn holders(holders: &Holders) -> [Cell; 2] {
    let none = |role, word: &str| [Cell::new(role, word), Cell::new(Role::Plain, "")];
    match (holders.processes.split_first(), holders.known) {
        (Some((first, rest)), _) => {
            let more = match rest.len() {
                0 => String::new(),
                more => format!(" +{more}"),
            };
            [
                Cell::new(Role::Value, format!("{}{more}", first.comm)),
                Cell::new(Role::Dim, first.pid.to_string()),
            ]
        }
        (None, Known::Gone) => none(Role::Dim, "gone"),
        (None, Known::InFlight) => none(Role::Warning, "in flight"),
        (None, Known::NotVisible) => none(Role::Warning, "?"),
        (None, Known::None | Known::Some) => none(Role::Dim, "-"),
    }
}

/// A user: the name, or the number where there is none.
pub(super) fn user(uid: u32, name: Option<&Untrusted>) -> String {
    name.map_or_else(|| uid.to_string(), ToString::to_string)
}

/// A service; with a question mark when only the program's name speaks for it.
pub(super) fn service(service: Option<&Identified>) -> Cell {
    match service {
        Some(service) if service.by == By::Program => {
            Cell::new(Role::Plain, format!("{}?", service.name))
        }
        Some(service) => Cell::new(Role::Plain, service.name.clone()),
        None => Cell::new(Role::Plain, ""),
    }
}

/// What the question mark after a service means.
pub(super) const GUESSED: &str =
    "A ? after a service: only the name of the program says so, and programs choose their names.";

/// Seconds as a person says them: `42s`, `5m`, `3h`, `12d`.
pub(super) fn age(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}m", seconds / 60),
        3600..86_400 => format!("{}h", seconds / 3600),
        _ => format!("{}d", seconds / 86_400),
    }
}

/// What could not be seen of processes, and what a missing name then means. `None`: all was seen.
pub(super) fn blind_spots(visibility: &Visibility) -> Option<String> {
    let mut words = String::new();
    if let Some(why) = &visibility.unlistable {
        words = format!("Processes cannot be listed ({why}).");
    }
    if visibility.denied > 0 {
        let all = visibility.denied + visibility.readable;
        let whose = if visibility.root {
            "even root may not read them here"
        } else {
            "they belong to other users, or do not let themselves be read; root sees more"
        };
        words.push_str(&format!(
            "The descriptors of {} of {all} processes could not be read{}: {whose}.",
            visibility.denied,
            some_names(&visibility.denied_processes)
        ));
    }
    if visibility.hidden_by_mount {
        words.push_str(" /proc is mounted with hidepid: other users' processes are not in it.");
    }
    if visibility.inner_pid_namespace {
        words.push_str(
            " This is a pid namespace of its own, as in a container: processes outside it are not in /proc.",
        );
    }
    if words.is_empty() {
        return None;
    }
    words.push_str(" So ? means unknown, not nobody.");
    Some(words.trim_start().to_owned())
}

/// Names them, if they are few.
fn some_names(processes: &[Process]) -> String {
    if processes.len() > 3 {
        return String::new();
    }
    let names: Vec<String> = processes
        .iter()
        .map(|process| format!("{} {}", process.comm, process.pid))
        .collect();
    format!(" ({})", names.join(", "))
}

/// Bytes as a person says them: `386.6 MiB`.
pub(super) fn bytes(bytes: u64) -> String {
    let units = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut unit = 0;
    let mut tenths = u128::from(bytes) * 10;
    while tenths >= 10_240 && unit + 1 < units.len() {
        tenths /= 1024;
        unit += 1;
    }
    if tenths.is_multiple_of(10) || unit == 0 {
        format!("{} {}", tenths / 10, units[unit])
    } else {
        format!("{}.{} {}", tenths / 10, tenths % 10, units[unit])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_cannot_pass_for_an_abstract_name_nor_blanks_for_none() {
        let path = |text: &str| name(&Name::Path(text.into()));
        let abstract_name = |text: &str| name(&Name::Abstract(text.into()));
        assert_eq!(path("@x"), "\"@x\"");
        assert_eq!(abstract_name("x"), "@x");
        assert_eq!(path(" a "), "\" a \"");
        assert_eq!(abstract_name("a b"), "@\"a b\"");
        assert_eq!(path("/run/x"), "/run/x");
        assert_eq!(spoken(&Name::Path(" a  b".into())), r"\x20a\x20\x20b");
        assert_eq!(spoken(&Name::Path("@x".into())), "\"@x\"");
    }

    #[test]
    fn sizes_are_short() {
        let sizes = [395_972 << 10, 2_468_412 << 10, 4096, 1 << 20, 0].map(bytes);
        assert_eq!(sizes, ["386.6 MiB", "2.3 GiB", "4 KiB", "1 MiB", "0 B"]);
    }

    #[test]
    fn ages_are_short() {
        assert_eq!(
            [0, 59, 60, 3599, 3600, 90_000].map(age).join(" "),
            "0s 59s 1m 59m 1h 1d"
        );
    }
}
