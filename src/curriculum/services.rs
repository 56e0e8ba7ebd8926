//! Well-known endpoints: which service a name or a program gives away. Reads `services.toml` and
//! answers for names; it is pure. Looking at this machine is `probe`'s.
//!
//! An address decides when it is known; a program's name is a weaker hint, because a program
//! chooses its own, and the answer says which of the two it was.

mod pattern;
mod template;
mod variable;

use serde::Serialize;

use super::guidance::Guidance;
use super::problem::did_you_mean;
use super::reader::{Located, Reader};
pub use pattern::{Address, Pattern, PatternError, Places};
pub use template::{Bases, Target, Template};
pub use variable::{Form, Leads, List, Reading, Variable};

/// What probes know: services and variables are in `services.toml`.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Catalogue {
    /// Services, in the order of the file.
    pub services: Vec<Service>,
    /// Variables that name endpoints, in the order of the file.
    pub variables: Vec<Variable>,
    /// What explains environments: `environment.toml`.
    pub guidance: Guidance,
}

impl Catalogue {
    pub(super) fn read(top: &mut Reader<'_>) -> Self {
        top.format();
        let mut mentioned = Vec::new();
        let catalogue = Self {
            services: top.tables("service", "a service", |table| {
                Service::read(table, &mut mentioned)
            }),
            variables: Variable::read_all(top),
            guidance: Guidance::default(),
        };
        for name in mentioned {
            if catalogue.variable(&name.value).is_none() {
                let names = catalogue.variables.iter().map(|known| known.name.as_str());
                let help = did_you_mean(&name.value, names);
                let message = format!("`{}` has no [[variable]] table", name.value);
                top.problem(name.span, message, help);
            }
        }
        catalogue
    }

    /// The variable with this name.
    pub fn variable(&self, name: &str) -> Option<&Variable> {
        self.variables.iter().find(|variable| variable.name == name)
    }
}

/// A service that programs on a desktop or a server talk to.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Service {
    /// A slug: `dbus-session`.
    pub id: String,
    /// Its name: `D-Bus session bus`.
    pub name: String,
    /// Where its sockets are: patterns, see [`Pattern`].
    pub addresses: Vec<Pattern>,
    /// Where its other files are: locks, FIFOs, directories, mounts. Patterns too.
    pub files: Vec<Pattern>,
    /// Names of programs (`comm`) whose sockets are this service's when no address tells.
    pub programs: Vec<String>,
    /// The type of its sockets, if only one type is meant.
    pub kind: Option<Kind>,
    /// What its sockets and files are to others.
    pub part: Part,
    /// What is spoken there.
    pub protocol: String,
    /// Environment variables that announce it.
    pub variables: Vec<String>,
    /// What it is for: a sentence.
    pub meaning: String,
}

/// A socket's type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// `SOCK_STREAM`.
    Stream,
    /// `SOCK_DGRAM`.
    Dgram,
    /// `SOCK_SEQPACKET`.
    Seqpacket,
}

/// What a service's sockets are to others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    /// It serves its own clients.
    #[default]
    Server,
    /// It listens in place of services that start with their first client.
    Activator,
    /// Nobody is meant to listen: the file is there for another reason.
    Placeholder,
}

const KINDS: &[(&str, Kind)] = &[
    ("stream", Kind::Stream),
    ("dgram", Kind::Dgram),
    ("seqpacket", Kind::Seqpacket),
];

const PARTS: &[(&str, Part)] = &[
    ("server", Part::Server),
    ("activator", Part::Activator),
    ("placeholder", Part::Placeholder),
];

impl Service {
    fn read(table: &mut Reader<'_>, mentioned: &mut Vec<Located<String>>) -> Self {
        let words = |list: Vec<Located<String>>| list.into_iter().map(|word| word.value).collect();
        let service = Self {
            id: table.text("id"),
            name: table.text("name"),
            addresses: patterns(table, "addresses"),
            files: patterns(table, "files"),
            programs: words(table.texts("programs")),
            kind: table.optional_choice("type", KINDS),
            part: table.optional_choice("part", PARTS).unwrap_or_default(),
            protocol: table.text("protocol"),
            variables: {
                let names = table.texts("variables");
                mentioned.extend(names.iter().cloned());
                words(names)
            },
            meaning: table.text("meaning"),
        };
        if service.addresses.is_empty() && service.files.is_empty() && service.programs.is_empty() {
            let message =
                "a service needs `addresses`, `files` or `programs`: nothing identifies it";
            table.problem(table.span(), message, None);
        }
        service
    }
}

fn patterns(table: &mut Reader<'_>, key: &'static str) -> Vec<Pattern> {
    let mut patterns = Vec::new();
    for text in table.texts(key) {
        match text.value.parse() {
            Ok(pattern) => patterns.push(pattern),
            Err(error) => {
                let error: PatternError = error;
                table.problem(text.span.clone(), error.to_string(), Some(error.hint()));
            }
        }
    }
    patterns
}

/// The service whose sockets have this address. The first in the order of the file.
pub fn by_address<'a>(
    services: &'a [Service],
    address: &Address<'_>,
    kind: Option<Kind>,
) -> Option<&'a Service> {
    services.iter().find(|service| {
        (service.kind.is_none() || service.kind == kind)
            && service
                .addresses
                .iter()
                .any(|pattern| pattern.matches(address))
    })
}

/// The service whose files, other than sockets, have this path.
pub fn by_file<'a>(services: &'a [Service], address: &Address<'_>) -> Option<&'a Service> {
    services
        .iter()
        .find(|service| service.files.iter().any(|pattern| pattern.matches(address)))
}

/// The service that a program of this name serves: a hint, not a proof.
pub fn by_program<'a>(services: &'a [Service], comm: &[u8]) -> Option<&'a Service> {
    services.iter().find(|service| {
        service
            .programs
            .iter()
            .any(|program| program.as_bytes() == comm)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::curriculum::Curriculum;
    use crate::curriculum::source::Source;

    fn shipped() -> Vec<Service> {
        Curriculum::load_services(&Source::Embedded)
            .unwrap()
            .services
    }

    fn places() -> Places {
        Places {
            runtime: Some(b"/srv/session".to_vec()),
            home: Some(b"/srv/home".to_vec()),
        }
    }

    #[test]
    fn well_known_addresses_give_their_service_away() {
        let services = shipped();
        let places = places();
        for (path, kind, id) in [
            ("/run/user/1000/bus", Kind::Stream, "dbus-session"),
            ("/srv/session/bus", Kind::Stream, "dbus-session"),
            ("/srv/session/wayland-1", Kind::Stream, "wayland"),
            (
                "/run/user/1000/gnupg/S.gpg-agent.ssh",
                Kind::Stream,
                "gpg-agent-ssh",
            ),
            (
                "/run/user/1000/gnupg/d.x1y2/S.gpg-agent",
                Kind::Stream,
                "gpg-agent",
            ),
            ("/run/user/7/sway-ipc.7.42.sock", Kind::Stream, "sway-ipc"),
            ("/tmp/tmux-1000/default", Kind::Stream, "tmux"),
            ("/var/run/nscd/socket", Kind::Stream, "nscd"),
            ("/run/systemd/notify", Kind::Dgram, "systemd-notify"),
            (
                "/run/user/1000/systemd/inaccessible/sock",
                Kind::Stream,
                "systemd-inaccessible",
            ),
        ] {
            let found = by_address(&services, &places.path(path.as_bytes()), Some(kind));
            assert_eq!(found.map(|service| service.id.as_str()), Some(id), "{path}");
        }
    }

    #[test]
    fn an_abstract_name_is_not_a_path() {
        let services = shipped();
        let places = places();
        let x11 = b"/tmp/.X11-unix/X0";
        let found = by_address(&services, &places.abstract_name(x11), Some(Kind::Stream));
        assert_eq!(found.unwrap().id, "x11");
        let bus = b"/run/user/1000/bus";
        let found = by_address(&services, &places.abstract_name(bus), Some(Kind::Stream));
        assert!(found.is_none());
    }

    #[test]
    fn the_type_is_part_of_the_answer() {
        let services = shipped();
        let address = b"/run/systemd/notify";
        let found = by_address(&services, &places().path(address), Some(Kind::Stream));
        assert!(found.is_none(), "sd_notify is a datagram socket");
    }

    #[test]
    fn ids_are_unique() {
        let services = shipped();
        let mut ids: Vec<&str> = services.iter().map(|service| service.id.as_str()).collect();
        assert!(ids.len() > 50, "the shipped catalogue is not empty");
        ids.sort_unstable();
        let all = ids.len();
        ids.dedup();
        assert_eq!(ids.len(), all);
    }
}
