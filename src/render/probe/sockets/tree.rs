//! Draws who talks to whom: a tree for each process, or for each service. Connections that look
//! alike are one line.
//!
//! ```text
//! AF_UNIX sockets of this network namespace: 5
//! The descriptors of 1 of 98 processes could not be read (dbus-daemon 700): they
//! belong to other users, or do not let themselves be read; root sees more. So ?
//! means unknown, not nobody.
//!
//! dbus-daemon 1042, in dbus.service: 2 sockets
//! ├─ listens at /run/user/1000/bus, D-Bus session bus
//! └─ <- sway 1051, through D-Bus session bus: 1 connection
//!
//! sway 1051, in sway.service: 2 sockets
//! ├─ -> dbus-daemon 1042, D-Bus session bus: 1 connection
//! └─ waiting to be accepted: 1 socket
//!
//! ? (its process may not be read): 1 socket
//! └─ listens at /run/dbus/system_bus_socket, D-Bus system bus
//! ```
//!
//! By service:
//!
//! ```text
//! AF_UNIX sockets of this network namespace: 5
//! The descriptors of 1 of 98 processes could not be read (dbus-daemon 700): they
//! belong to other users, or do not let themselves be read; root sees more. So ?
//! means unknown, not nobody.
//!
//! D-Bus session bus
//! ├─ dbus-daemon 1042 listens at /run/user/1000/bus
//! └─ sway 1051 -> dbus-daemon 1042: 1 connection
//!
//! D-Bus system bus
//! └─ ? listens at /run/dbus/system_bus_socket
//! ```

use std::collections::BTreeMap;

use super::super::words;
use super::head;
use crate::probe::sockets::graph::{
    self, Absence, Direction, Endpoint, Grouping, Holdings, Party, Through, Traffic,
};
use crate::probe::sockets::{Condition, Sockets};
use crate::render::markdown::paragraph;
use crate::render::text::{Line, Role, Text};
use crate::sys::sock_diag::Name;
use crate::untrusted::Untrusted;

/// As many processes of one name are named one by one; more are counted.
const NAMED: usize = 3;

/// Who has the same way, the same counterpart and the same name, and how often.
type Alike<'a, Counterpart> = BTreeMap<(Direction, Counterpart, String), Vec<(&'a Party, usize)>>;

pub(super) fn draw(seen: &Sockets, grouping: Grouping, width: usize) -> Text {
    let mut text = head(seen, width);
    match grouping {
        Grouping::Process => {
            for (party, holdings) in graph::by_process(&seen.sockets) {
                text.blank();
                text.append(paragraph(
                    Role::Strong,
                    &title(seen, &party, holdings.sockets),
                    width,
                ));
                text.append(branches(&held(&party, &holdings), width));
            }
        }
        Grouping::Service => {
            for (through, traffic) in graph::by_service(&seen.sockets) {
                text.blank();
                let title = match &through {
                    Through::Service(service) => service.clone(),
                    Through::Name(name) => words::spoken(name),
                    Through::Pair => "Without a name, made by socketpair(2)".to_owned(),
                };
                text.append(paragraph(Role::Strong, &title, width));
                text.append(branches(&there(&traffic), width));
            }
        }
    }
    text
}

fn title(seen: &Sockets, party: &Party, sockets: usize) -> String {
    let unit = match party {
        Party::Process(pid, _) => seen.owner(*pid).and_then(|owner| owner.unit.as_ref()),
        Party::Nobody(_) => None,
    };
    let unit = unit.map_or_else(String::new, |unit| format!(", in {unit}"));
    let who = match party {
        Party::Process(..) => named(party),
        Party::Nobody(absence) => format!("{} ({})", named(party), why(*absence)),
    };
    format!("{who}{unit}: {}", counted(sockets, "socket"))
}

fn named(party: &Party) -> String {
    match party {
        Party::Process(pid, comm) => format!("{} {pid}", spoken(comm)),
        Party::Nobody(Absence::NotVisible) => "?".to_owned(),
        Party::Nobody(Absence::InFlight) => "in flight".to_owned(),
        Party::Nobody(Absence::Nobody) => "-".to_owned(),
        Party::Nobody(Absence::Gone) => "gone".to_owned(),
    }
}

/// A process's name, quoted when it has blanks; those that a broken line would lose are escaped.
fn spoken(comm: &Untrusted) -> String {
    let text = comm.to_string();
    let lost = text.contains("  ") || text.starts_with(' ') || text.ends_with(' ');
    if lost {
        text.replace(' ', r"\x20")
    } else if text.contains(' ') {
        format!("\"{text}\"")
    } else {
        text
    }
}

fn why(absence: Absence) -> &'static str {
    match absence {
        Absence::NotVisible => "its process may not be read",
        Absence::InFlight => "held by nobody; perhaps in a message that nobody has received",
        Absence::Nobody => "held by nobody: the kernel's own",
        Absence::Gone => "closed while this was looked at",
    }
}

fn counted(number: usize, what: &str) -> String {
    match number {
        1 => format!("1 {what}"),
        many => format!("{many} {what}s"),
    }
}

/// What one process holds.
fn held(own: &Party, holdings: &Holdings) -> Vec<String> {
    let mut lines = Vec::new();
    for (endpoint, &times) in &holdings.endpoints {
        let service = match &endpoint.service {
            Some(service) => format!(", {service}"),
            None => String::new(),
        };
        lines.push(format!("{}{service}{}", reach(endpoint), repeated(times)));
    }
    // Processes of one name that are at the other end of the same.
    let mut alike: Alike<&Through> = BTreeMap::new();
    for (link, &times) in &holdings.links {
        let key = (link.direction, &link.through, crowd(&link.other));
        alike.entry(key).or_default().push((&link.other, times));
    }
    for ((direction, through, _), others) in alike {
        let through = match (through, direction) {
            (Through::Service(service), Direction::To) => format!(", {service}"),
            (Through::Service(service), _) => format!(", through {service}"),
            (Through::Name(name), _) => format!(", through {}", words::spoken(name)),
            (Through::Pair, _) => String::new(),
        };
        let itself =
            matches!(own, Party::Process(..)) && others.iter().all(|(other, _)| *other == own);
        for (other, times) in gathered(&others) {
            let other = match itself {
                true => "itself".to_owned(),
                false => other,
            };
            lines.push(match direction {
                Direction::Both if itself && times % 2 == 0 => {
                    format!("<-> itself: {}", counted(times / 2, "pair"))
                }
                Direction::From => format!("<- {other}{through}: {}", counted(times, "connection")),
                Direction::To => format!("-> {other}{through}: {}", counted(times, "connection")),
                Direction::Waits => format!(
                    "..> {other}{through}: {} to be accepted",
                    counted(times, "connection")
                ),
                Direction::Sends => {
                    format!("sends to {other}{through}: {}", counted(times, "socket"))
                }
                Direction::Both => {
                    format!("<-> {other}{through}: {}", counted(times, "socket"))
                }
            });
        }
    }
    for (condition, &times) in &holdings.rest {
        let words = match condition {
            Condition::Unconnected => "neither bound nor connected",
            Condition::PeerClosed => "closed by the peer",
            Condition::Waiting => "waiting to be accepted",
            other => other.words(),
        };
        lines.push(format!("{words}: {}", counted(times, "socket")));
    }
    lines
}

/// Who is at a service, and who talks to whom there.
fn there(traffic: &Traffic) -> Vec<String> {
    let mut lines = Vec::new();
    for ((endpoint, party), &times) in &traffic.servers {
        lines.push(format!(
            "{} {}{}",
            named(party),
            reach(endpoint),
            repeated(times)
        ));
    }
    let mut alike: Alike<&Party> = BTreeMap::new();
    for ((direction, client, server), &times) in &traffic.connections {
        let key = (*direction, server, crowd(client));
        alike.entry(key).or_default().push((client, times));
    }
    for ((direction, server, _), clients) in alike {
        let server = named(server);
        for (client, times) in gathered(&clients) {
            lines.push(match direction {
                Direction::To | Direction::From => {
                    format!("{client} -> {server}: {}", counted(times, "connection"))
                }
                Direction::Waits => format!(
                    "{client} ..> {server}: {} to be accepted",
                    counted(times, "connection")
                ),
                Direction::Sends => {
                    format!("{client} sends to {server}: {}", counted(times, "socket"))
                }
                Direction::Both => format!("{client} <-> {server}: {}", counted(times, "pair")),
            });
        }
    }
    lines
}

fn reach(endpoint: &Endpoint) -> String {
    let verb = match endpoint.listens {
        true => "listens",
        false => "is bound",
    };
    match &endpoint.name {
        Some(name) => format!("{verb} at {}", at(name)),
        None => format!("{verb} without a name"),
    }
}

fn at(name: &Name) -> String {
    words::spoken(name)
}

fn repeated(times: usize) -> String {
    match times {
        1 => String::new(),
        many => format!(" ({many} sockets)"),
    }
}

/// What processes have in common that are counted together.
fn crowd(party: &Party) -> String {
    match party {
        Party::Process(_, comm) => comm.to_string(),
        Party::Nobody(_) => named(party),
    }
}

/// Each by its name; many of one name as one.
fn gathered(parties: &[(&Party, usize)]) -> Vec<(String, usize)> {
    match parties {
        [(Party::Process(_, comm), _), ..] if parties.len() > NAMED => {
            let all = parties.iter().map(|(_, times)| times).sum();
            let processes = parties.len();
            vec![(format!("{} ({processes} processes)", spoken(comm)), all)]
        }
        few => few
            .iter()
            .map(|(party, times)| (named(party), *times))
            .collect(),
    }
}

fn branches(lines: &[String], width: usize) -> Text {
    let mut text = Text::new();
    for (number, words) in lines.iter().enumerate() {
        let (mut mark, more) = match number + 1 == lines.len() {
            true => ("└─ ", "   "),
            false => ("├─ ", "│  "),
        };
        for wrapped in paragraph(Role::Plain, words, width.saturating_sub(3)).lines {
            let mut line = Line::of(Role::Dim, mark);
            line.spans.extend(wrapped.spans);
            text.line(line);
            mark = more;
        }
    }
    text
}
