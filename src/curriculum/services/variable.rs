//! Environment variables that name endpoints, and how a value becomes an address: the `[[variable]]`
//! tables of `services.toml`. Pure; what is at an address is `probe`'s to find out.
//!
//! A value is taken apart by forms, the first that fits wins. A form is text with placeholders:
//! `{path}` begins with a slash, `{name}` holds no slash, `{n}` is digits, `{rest}` is anything,
//! also nothing. The form's addresses use what the placeholders caught, and may begin with the
//! places of the environment that the variable is from: `{runtime}`, `{home}`; `{uid}` and `{user}`
//! may occur anywhere. `@` begins an abstract name. `{{` in a form is a brace.

use serde::Serialize;

use super::super::reader::Reader;
use super::template::{Bases, Caught, Slot, Target, Template};

/// A variable that names an endpoint.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Variable {
    /// Its name: `WAYLAND_DISPLAY`.
    pub name: String,
    /// Whether its value is one name or several.
    pub list: List,
    /// It belongs to one process or terminal: another environment should not have the same.
    pub own: bool,
    /// How a value becomes an address; the first that fits.
    pub forms: Vec<Form>,
    /// Where programs look when it is not set.
    pub unset: Vec<Template>,
    /// What it is for: a sentence.
    pub meaning: String,
}

/// How several names are written in one value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum List {
    /// It is one name.
    #[default]
    One,
    /// Blanks are between them.
    Blanks,
    /// Commas are between them.
    Commas,
    /// The D-Bus Specification's server addresses: `transport:key=value,key=value;…` with `%XX`
    /// for bytes. A form is held against `transport:key=value`, once for each key.
    Dbus,
}

const LISTS: &[(&str, List)] = &[
    ("one", List::One),
    ("blanks", List::Blanks),
    ("commas", List::Commas),
    ("dbus", List::Dbus),
];

/// One way to write a value.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Form {
    /// What the value looks like.
    pub value: Template,
    /// What is at the address.
    pub leads: Leads,
    /// The addresses, in the order in which programs try them.
    pub addresses: Vec<Template>,
    /// Such a value may hold a password: it is not shown.
    pub secret: bool,
    /// What to know of a value of this form: a sentence.
    pub note: Option<String>,
}

/// What a value leads to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Leads {
    /// A socket.
    #[default]
    Socket,
    /// A directory that holds sockets.
    Directory,
    /// A directory that is the user's own and nobody else's: mode 0700.
    PrivateDirectory,
    /// A regular file.
    File,
    /// A process, by its id.
    Process,
    /// Nothing that this machine's AF_UNIX sockets or files could show, such as a TCP port.
    Elsewhere,
}

const LEADS: &[(&str, Leads)] = &[
    ("socket", Leads::Socket),
    ("directory", Leads::Directory),
    ("private-directory", Leads::PrivateDirectory),
    ("file", Leads::File),
    ("process", Leads::Process),
    ("elsewhere", Leads::Elsewhere),
];

/// What a value names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading<'a> {
    /// What is at the address.
    pub leads: Leads,
    /// Where it is.
    pub target: Target,
    /// The value may hold a password.
    pub secret: bool,
    /// What to know of values of this form.
    pub note: Option<&'a str>,
}

impl Variable {
    pub(super) fn read_all(top: &mut Reader<'_>) -> Vec<Self> {
        top.tables("variable", "a variable", Self::read)
    }

    fn read(table: &mut Reader<'_>) -> Self {
        Self {
            name: table.text("name"),
            list: table.optional_choice("list", LISTS).unwrap_or_default(),
            own: table.flag("own"),
            forms: table.tables("form", "a form", Form::read),
            unset: templates(table, "unset", &[]),
            meaning: table.text("meaning"),
        }
    }

    /// What a value names, in the order in which programs try it.
    pub fn reading(&self, value: &[u8], bases: &Bases) -> Vec<Reading<'_>> {
        let mut readings = Vec::new();
        for alternatives in self.parts(value) {
            let mut found: Vec<Reading<'_>> = alternatives
                .iter()
                .filter_map(|part| {
                    self.forms
                        .iter()
                        .find_map(|form| form.read_part(part, bases))
                })
                .flatten()
                .collect();
            if found.is_empty() {
                found.push(Reading {
                    leads: Leads::Elsewhere,
                    target: Target::Unreadable,
                    secret: false,
                    note: None,
                });
            }
            readings.append(&mut found);
        }
        readings
    }

    /// Where programs look when it is not set.
    pub fn defaults(&self, bases: &Bases) -> Vec<Target> {
        let caught = Caught::default();
        self.unset
            .iter()
            .map(|template| template.fill(&caught, bases))
            .collect()
    }

    /// What the value leads to when it is not set, as the first form says.
    pub fn default_leads(&self) -> Leads {
        self.forms.first().map_or(Leads::Socket, |form| form.leads)
    }

    /// A value that leads to a socket at this address, if a form can say it.
    pub fn value_for(&self, target: &Target, bases: &Bases) -> Option<Vec<u8>> {
        let sockets = self.forms.iter().filter(|form| form.leads == Leads::Socket);
        let value = sockets
            .flat_map(|form| form.addresses.iter().map(move |address| (form, address)))
            .find_map(|(form, address)| {
                let caught = address.catch_address(target, bases)?;
                let complete = form.value.slots().all(|slot| caught.has(slot));
                match form.value.fill(&caught, bases) {
                    Target::Path(value) if complete => Some(value),
                    Target::Abstract(value) if complete => Some([b"@", value.as_slice()].concat()),
                    _ => None,
                }
            })?;
        Some(match self.list {
            List::Dbus => percent_encoded(&value),
            List::One | List::Blanks | List::Commas => value,
        })
    }

    /// The names in a value; of each, the texts that forms are held against.
    fn parts(&self, value: &[u8]) -> Vec<Vec<Vec<u8>>> {
        let split = |separator: fn(&u8) -> bool| {
            value
                .split(separator)
                .filter(|part| !part.is_empty())
                .map(|part| vec![part.to_vec()])
                .collect()
        };
        match self.list {
            List::One => vec![vec![value.to_vec()]],
            List::Blanks => split(|byte| byte.is_ascii_whitespace()),
            List::Commas => split(|&byte| byte == b','),
            List::Dbus => value
                .split(|&byte| byte == b';')
                .filter(|part| !part.is_empty())
                .map(dbus_pairs)
                .collect(),
        }
    }
}

/// `transport:key=value` for each key of one D-Bus address, values unescaped.
fn dbus_pairs(address: &[u8]) -> Vec<Vec<u8>> {
    let Some(colon) = address.iter().position(|&byte| byte == b':') else {
        return vec![address.to_vec()];
    };
    let (transport, rest) = address.split_at(colon + 1);
    rest.split(|&byte| byte == b',')
        .map(|pair| {
            let mut whole = transport.to_vec();
            whole.extend(percent_decoded(pair));
            whole
        })
        .collect()
}

/// Bytes with `%XX` replaced; what is no such escape stays.
fn percent_decoded(text: &[u8]) -> Vec<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&first, tail)) = rest.split_first() {
        let escaped = match (first, tail) {
            (b'%', [high, low, ..]) => digit(*high).zip(digit(*low)),
            _ => None,
        };
        match escaped {
            Some((high, low)) => {
                out.push(u8::try_from(high * 16 + low).expect("two hexadecimal digits"));
                rest = &tail[2..];
            }
            None => {
                out.push(first);
                rest = tail;
            }
        }
    }
    out
}

/// The value in `transport:key=value` as the D-Bus Specification wants it escaped.
fn percent_encoded(pair: &[u8]) -> Vec<u8> {
    let start = pair.iter().position(|&byte| byte == b'=');
    let (key, value) = pair.split_at(start.map_or(0, |at| at + 1));
    let mut out = key.to_vec();
    for &byte in value {
        if byte.is_ascii_alphanumeric() || b"-_/.\\*".contains(&byte) {
            out.push(byte);
        } else {
            out.extend(format!("%{byte:02x}").bytes());
        }
    }
    out
}

impl Form {
    fn read(table: &mut Reader<'_>) -> Self {
        let text = table.located_text("value");
        let value = match Template::parse(&text.value) {
            Ok(template) => template,
            Err(message) => {
                table.problem(text.span, message, None);
                Template::default()
            }
        };
        if let Some(slot) = value.slots().find(|slot| slot.is_place()) {
            let message = format!("`{{{}}}` cannot be read from a value", slot.word());
            table.problem(table.span(), message, None);
        }
        let caught: Vec<Slot> = value.slots().collect();
        let form = Self {
            value,
            leads: table.optional_choice("leads", LEADS).unwrap_or_default(),
            addresses: templates(table, "addresses", &caught),
            secret: table.flag("secret"),
            note: table.optional_text("note").map(|text| text.value),
        };
        if form.addresses.is_empty() != (form.leads == Leads::Elsewhere) {
            let message = "a form has `addresses`, or leads `elsewhere`";
            table.problem(table.span(), message, None);
        }
        form
    }

    fn read_part(&self, part: &[u8], bases: &Bases) -> Option<Vec<Reading<'_>>> {
        let caught = self.value.catch(part)?;
        let reading = |target| Reading {
            leads: self.leads,
            target,
            secret: self.secret,
            note: self.note.as_deref(),
        };
        if self.leads == Leads::Elsewhere {
            return Some(vec![reading(Target::Elsewhere)]);
        }
        let targets = self.addresses.iter().map(|address| {
            let target = address.fill(&caught, bases);
            match (self.leads, target) {
                (Leads::Process, Target::Path(digits)) => std::str::from_utf8(&digits)
                    .ok()
                    .and_then(|digits| digits.parse().ok())
                    .map_or(Target::Unreadable, Target::Process),
                (_, target) => target,
            }
        });
        Some(targets.map(reading).collect())
    }
}

fn templates(table: &mut Reader<'_>, key: &'static str, caught: &[Slot]) -> Vec<Template> {
    let mut templates = Vec::new();
    for text in table.texts(key) {
        match Template::parse(&text.value) {
            Ok(template) => {
                let unknown = template
                    .slots()
                    .find(|slot| !slot.is_place() && !caught.contains(slot));
                if let Some(slot) = unknown {
                    let message = format!("nothing catches `{{{}}}`", slot.word());
                    table.problem(text.span, message, None);
                }
                templates.push(template);
            }
            Err(message) => table.problem(text.span, message, None),
        }
    }
    templates
}

#[cfg(test)]
mod tests;
