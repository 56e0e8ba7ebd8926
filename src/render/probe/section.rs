//! Which part of a probe's picture a lesson shows: the sections that it names, and the top of what
//! is left. The names are [`Name::sections`].

use crate::curriculum::lesson::Shown;
use crate::probe::Name;
use crate::render::text::{Line, Role, Text};

/// Rows of a table of sockets that a lesson shows: nobody reads more before a question.
const SOCKETS: usize = 5;

/// The title of the section `peers` of `creds`; whoever draws a section takes its title from here.
pub const PEERS: &str = "What a peer is told, if it connects now";
/// Of `ids`.
pub const IDS: &str = "Ids";
/// Of `privileges`.
pub const PRIVILEGES: &str = "Privileges";
/// Of `namespaces`.
pub const NAMESPACES: &str = "Namespaces";
/// Of `session`.
pub const SESSION: &str = "Session";
/// Of `live`.
pub const LIVE: &str = "Live on this kernel";
/// Of `listening` of `sockets`.
pub const LISTENING: &str = "Listening";
/// Of `bound`.
pub const BOUND: &str = "Bound, not listening";
/// Of `connected`.
pub const CONNECTED: &str = "Connected";
/// Of `waiting`.
pub const WAITING: &str = "Waiting to be accepted";

/// The title that a section of a picture stands under.
fn title(probe: Name, section: &str) -> Option<&'static str> {
    Some(match (probe, section) {
        (Name::Creds, "peers") => PEERS,
        (Name::Creds, "ids") => IDS,
        (Name::Creds, "privileges") => PRIVILEGES,
        (Name::Creds, "namespaces") => NAMESPACES,
        (Name::Creds, "session") => SESSION,
        (Name::Creds, "live") => LIVE,
        (Name::Sockets, "listening") => LISTENING,
        (Name::Sockets, "bound") => BOUND,
        (Name::Sockets, "connected") => CONNECTED,
        (Name::Sockets, "waiting") => WAITING,
        _ => return None,
    })
}

/// The section that begins with this line.
fn begins(probe: Name, line: &Line) -> Option<&'static str> {
    let first = line.spans.first()?;
    if !matches!(first.role, Role::Heading | Role::Strong) {
        return None;
    }
    let mut sections = probe.sections().iter().copied();
    sections.find(|section| title(probe, section) == Some(first.text.as_str()))
}

/// What stands before the first section, and the sections that are wanted; all when none is named.
pub fn wanted(drawn: Text, shown: &Shown) -> Text {
    let Some(probe) = Name::parse(&shown.name).filter(|_| !shown.sections.is_empty()) else {
        return drawn;
    };
    let mut text = Text::new();
    let mut lead = true;
    let mut within = true;
    let mut found = false;
    for line in drawn.lines {
        if let Some(section) = begins(probe, &line) {
            lead = false;
            within = shown.sections.iter().any(|wanted| wanted == section);
            found |= within;
        }
        if lead || within {
            text.line(line);
        }
    }
    while text.lines.last().is_some_and(|line| line.width() == 0) {
        text.lines.pop();
    }
    if !found {
        text.line(Line::of(Role::Dim, "There is none of it here now."));
    }
    text
}

/// Leaves the first `most` lines, of a table of sockets a few rows, when the whole would drown a
/// lesson: how many lines are gone.
pub fn top(text: &mut Text, shown: &Shown, most: usize) -> usize {
    let sockets = Name::parse(&shown.name).filter(|probe| *probe == Name::Sockets);
    let table = sockets.and_then(|probe| {
        let mut lines = text.lines.iter();
        lines.position(|line| begins(probe, line).is_some())
    });
    // Below its title stand the titles of the columns.
    let (most, slack) = table.map_or((most, most / 4), |at| (at + 2 + SOCKETS, 2));
    let left = text.lines.len().saturating_sub(most);
    if left <= slack {
        return 0;
    }
    text.lines.truncate(most);
    left
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(words: &str) -> Shown {
        let mut words = words.split(' ').map(str::to_owned);
        Shown {
            name: words.next().unwrap_or_default(),
            sections: words.collect(),
        }
    }

    fn drawn(lines: &[(Role, &str)]) -> Text {
        let mut text = Text::new();
        for (role, line) in lines {
            text.line(Line::of(*role, *line));
        }
        text
    }

    #[test]
    fn every_section_of_a_probe_has_a_title_in_its_picture() {
        for probe in Name::ALL {
            for section in probe.sections() {
                assert!(title(*probe, section).is_some(), "{probe:?} {section}");
            }
        }
    }

    #[test]
    fn a_lesson_shows_the_beginning_and_the_sections_it_names() {
        let picture = drawn(&[
            (Role::Heading, "Process"),
            (Role::Plain, ""),
            (Role::Heading, "Ids"),
            (Role::Plain, "  user 0"),
            (Role::Plain, ""),
            (Role::Heading, "Session"),
            (Role::Plain, "  login uid"),
        ]);
        let one = wanted(picture.clone(), &shown("creds session"));
        assert_eq!(one.plain(), "Process\n\nSession\n  login uid\n");
        assert_eq!(wanted(picture.clone(), &shown("creds")), picture);
        let none = wanted(picture, &shown("creds live")).plain();
        assert_eq!(none, "Process\nThere is none of it here now.\n");
    }

    #[test]
    fn a_lesson_shows_five_rows_of_a_table_of_sockets() {
        let mut lines = vec![
            (Role::Heading, "AF_UNIX sockets"),
            (Role::Strong, "Connected"),
        ];
        lines.push((Role::Subheading, "TYPE"));
        lines.extend((0..20).map(|_| (Role::Plain, "stream")));
        let mut text = drawn(&lines);
        assert_eq!(top(&mut text, &shown("sockets"), 20), 15);
        assert_eq!(text.lines.len(), 8);
        assert_eq!(top(&mut text, &shown("sockets"), 20), 0);
    }
}
