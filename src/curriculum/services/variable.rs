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

/// Text with placeholders.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Template {
    source: String,
    tokens: Vec<Token>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Text(String),
    Slot(Slot),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Slot {
    Path,
    Name,
    Digits,
    Rest,
    Runtime,
    Home,
    Uid,
    User,
}

const SLOTS: &[(&str, Slot)] = &[
    ("path", Slot::Path),
    ("name", Slot::Name),
    ("n", Slot::Digits),
    ("rest", Slot::Rest),
    ("runtime", Slot::Runtime),
    ("home", Slot::Home),
    ("uid", Slot::Uid),
    ("user", Slot::User),
];

impl Serialize for Template {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.source)
    }
}

/// The places that addresses are relative to: those of the environment a variable is from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bases {
    /// `XDG_RUNTIME_DIR`, if set and not empty.
    pub runtime: Option<Vec<u8>>,
    /// `HOME`.
    pub home: Option<Vec<u8>>,
    /// The user id.
    pub uid: u32,
    /// The user's name.
    pub user: Option<Vec<u8>>,
}

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

/// Where something is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A file name.
    Path(Vec<u8>),
    /// An abstract socket name, without its first NUL.
    Abstract(Vec<u8>),
    /// A process id.
    Process(u32),
    /// It is relative to a place that this environment does not name: `{runtime}` or `{home}`.
    NoBase(&'static str),
    /// Not on this machine, or no endpoint at all.
    Elsewhere,
    /// No form fits.
    Unreadable,
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
        if let Some(Token::Slot(slot)) = value.tokens.iter().find(|token| token.is_place()) {
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

impl Slot {
    fn word(self) -> &'static str {
        SLOTS
            .iter()
            .find(|(_, slot)| *slot == self)
            .map_or("", |(word, _)| word)
    }

    /// Whether it stands for a place of the environment and not for a part of the value.
    fn is_place(self) -> bool {
        matches!(self, Self::Runtime | Self::Home | Self::Uid | Self::User)
    }
}

impl Token {
    fn is_place(&self) -> bool {
        matches!(self, Self::Slot(slot) if slot.is_place())
    }
}

/// What the placeholders of a form caught.
#[derive(Clone, Debug, Default)]
struct Caught<'a>(Vec<(Slot, &'a [u8])>);

impl<'a> Caught<'a> {
    fn has(&self, slot: Slot) -> bool {
        self.0.iter().any(|(caught, _)| *caught == slot)
    }

    fn get(&self, slot: Slot) -> &'a [u8] {
        self.0
            .iter()
            .find(|(caught, _)| *caught == slot)
            .map_or(&[], |(_, text)| text)
    }
}

impl Template {
    fn parse(source: &str) -> Result<Self, String> {
        let mut tokens = Vec::new();
        let mut text = String::new();
        let mut rest = source;
        while let Some(first) = rest.chars().next() {
            if let Some(tail) = rest.strip_prefix("{{") {
                text.push('{');
                rest = tail;
            } else if first == '{' {
                let (word, tail) = rest[1..]
                    .split_once('}')
                    .ok_or_else(|| "a `{` has no `}`".to_owned())?;
                let known = SLOTS.iter().find(|(known, _)| *known == word);
                let &(_, slot) = known.ok_or_else(|| format!("`{{{word}}}` is not known here"))?;
                if tokens.contains(&Token::Slot(slot)) && !slot.is_place() {
                    return Err(format!("`{{{word}}}` is there twice"));
                }
                if !text.is_empty() {
                    tokens.push(Token::Text(std::mem::take(&mut text)));
                }
                tokens.push(Token::Slot(slot));
                rest = tail;
            } else {
                text.push(first);
                rest = &rest[first.len_utf8()..];
            }
        }
        if !text.is_empty() {
            tokens.push(Token::Text(text));
        }
        Ok(Self {
            source: source.to_owned(),
            tokens,
        })
    }

    fn slots(&self) -> impl Iterator<Item = Slot> {
        self.tokens.iter().filter_map(|token| match token {
            Token::Slot(slot) => Some(*slot),
            Token::Text(_) => None,
        })
    }

    fn catch<'a>(&self, text: &'a [u8]) -> Option<Caught<'a>> {
        let mut caught = Vec::new();
        catch(&self.tokens, text, &mut caught).then_some(Caught(caught))
    }

    /// What this template of an address caught from an address, the places being known.
    fn catch_address<'a>(&self, target: &'a Target, bases: &Bases) -> Option<Caught<'a>> {
        let (mark, text) = match target {
            Target::Path(path) => (false, path),
            Target::Abstract(name) => (true, name),
            _ => return None,
        };
        let mut tokens = self.tokens.clone();
        let marked = match tokens.first_mut() {
            Some(Token::Text(first)) if first.starts_with('@') => {
                first.remove(0);
                true
            }
            _ => false,
        };
        if mark != marked {
            return None;
        }
        let literal = |path: &Option<Vec<u8>>| {
            let path = trimmed(path.as_ref()?);
            Some(Token::Text(String::from_utf8(path.to_vec()).ok()?))
        };
        for token in &mut tokens {
            *token = match token {
                Token::Slot(Slot::Runtime) => literal(&bases.runtime)?,
                Token::Slot(Slot::Home) => literal(&bases.home)?,
                Token::Slot(Slot::User) => literal(&bases.user)?,
                Token::Slot(Slot::Uid) => Token::Text(bases.uid.to_string()),
                Token::Slot(_) | Token::Text(_) => continue,
            };
        }
        let mut caught = Vec::new();
        catch(&tokens, text, &mut caught).then_some(Caught(caught))
    }

    fn fill(&self, caught: &Caught<'_>, bases: &Bases) -> Target {
        let mut tokens = self.tokens.as_slice();
        let mut out = Vec::new();
        let mut is_abstract = false;
        if let Some(Token::Text(text)) = tokens.first()
            && let Some(rest) = text.strip_prefix('@')
        {
            is_abstract = true;
            out.extend(rest.as_bytes());
            tokens = &tokens[1..];
        }
        for token in tokens {
            match token {
                Token::Text(text) => out.extend(text.as_bytes()),
                Token::Slot(Slot::Runtime) => match &bases.runtime {
                    Some(path) => out.extend(trimmed(path)),
                    None => return Target::NoBase("XDG_RUNTIME_DIR"),
                },
                Token::Slot(Slot::Home) => match &bases.home {
                    Some(path) => out.extend(trimmed(path)),
                    None => return Target::NoBase("HOME"),
                },
                Token::Slot(Slot::Uid) => out.extend(bases.uid.to_string().as_bytes()),
                Token::Slot(Slot::User) => match &bases.user {
                    Some(name) => out.extend(name),
                    None => return Target::NoBase("USER"),
                },
                Token::Slot(slot) => out.extend(caught.get(*slot)),
            }
        }
        if is_abstract {
            Target::Abstract(out)
        } else {
            Target::Path(out)
        }
    }
}

/// A path without slashes at its end.
fn trimmed(path: &[u8]) -> &[u8] {
    let end = path.iter().rposition(|&byte| byte != b'/');
    end.map_or(&[], |end| &path[..=end])
}

fn catch<'a>(tokens: &[Token], text: &'a [u8], caught: &mut Vec<(Slot, &'a [u8])>) -> bool {
    let Some((first, rest)) = tokens.split_first() else {
        return text.is_empty();
    };
    let (slot, least, longest) = match first {
        Token::Text(literal) => {
            return text
                .strip_prefix(literal.as_bytes())
                .is_some_and(|text| catch(rest, text, caught));
        }
        Token::Slot(slot @ Slot::Path) => {
            let longest = if text.first() == Some(&b'/') {
                text.len()
            } else {
                0
            };
            (*slot, 1, longest)
        }
        Token::Slot(slot @ Slot::Name) => {
            let end = text.iter().position(|&byte| byte == b'/');
            (*slot, 1, end.unwrap_or(text.len()))
        }
        Token::Slot(slot @ Slot::Digits) => {
            let end = text.iter().position(|byte| !byte.is_ascii_digit());
            (*slot, 1, end.unwrap_or(text.len()))
        }
        Token::Slot(slot) => (*slot, 0, text.len()),
    };
    if rest.is_empty() {
        let fits = longest == text.len() && longest >= least;
        if fits {
            caught.push((slot, text));
        }
        return fits;
    }
    for length in (least..=longest).rev() {
        let before = caught.len();
        caught.push((slot, &text[..length]));
        if catch(rest, &text[length..], caught) {
            return true;
        }
        caught.truncate(before);
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::curriculum::Curriculum;
    use crate::curriculum::services::Catalogue;
    use crate::curriculum::source::Source;
    use proptest::prelude::{any, proptest};

    fn shipped() -> Catalogue {
        Curriculum::load_catalogue(&Source::Embedded).unwrap()
    }

    fn bases() -> Bases {
        Bases {
            runtime: Some(b"/run/user/7/".to_vec()),
            home: Some(b"/home/me".to_vec()),
            uid: 7,
            user: Some(b"me".to_vec()),
        }
    }

    fn targets(name: &str, value: &str) -> Vec<Target> {
        let catalogue = shipped();
        let variable = catalogue.variable(name).expect(name);
        let readings = variable.reading(value.as_bytes(), &bases());
        readings.into_iter().map(|reading| reading.target).collect()
    }

    fn path(text: &str) -> Target {
        Target::Path(text.into())
    }

    fn unnamed(text: &str) -> Target {
        Target::Abstract(text.into())
    }

    #[test]
    fn values_lead_to_the_addresses_that_their_programs_use() {
        let x = |n| {
            let file = format!("/tmp/.X11-unix/X{n}");
            vec![unnamed(&file), path(&file)]
        };
        for (name, value, expected) in [
            (
                "WAYLAND_DISPLAY",
                "wayland-1",
                vec![path("/run/user/7/wayland-1")],
            ),
            (
                "WAYLAND_DISPLAY",
                "/x/wayland-1",
                vec![path("/x/wayland-1")],
            ),
            ("DISPLAY", ":3", x(3)),
            ("DISPLAY", ":3.0", x(3)),
            ("DISPLAY", "unix:3", x(3)),
            ("DISPLAY", "localhost:10.0", vec![Target::Elsewhere]),
            ("DISPLAY", "garbage", vec![Target::Unreadable]),
            (
                "DBUS_SESSION_BUS_ADDRESS",
                "unix:path=/run/user/7/b%75s,guid=00ff",
                vec![path("/run/user/7/bus")],
            ),
            (
                "DBUS_SESSION_BUS_ADDRESS",
                "unix:guid=00ff,abstract=/tmp/dbus-x;unix:runtime=yes;tcp:host=a,port=1",
                vec![
                    unnamed("/tmp/dbus-x"),
                    path("/run/user/7/bus"),
                    Target::Elsewhere,
                ],
            ),
            ("TMUX", "/tmp/a,b/s,12,0", vec![path("/tmp/a,b/s")]),
            (
                "DOCKER_HOST",
                "unix:///run/d.sock",
                vec![path("/run/d.sock")],
            ),
            ("DOCKER_HOST", "tcp://1.2.3.4:5", vec![Target::Elsewhere]),
            (
                "PULSE_SERVER",
                "unix:/run/user/7/pulse/native tcp:host:4713",
                vec![path("/run/user/7/pulse/native"), Target::Elsewhere],
            ),
            ("SSH_AGENT_PID", "42", vec![Target::Process(42)]),
            (
                "STY",
                "12.tty1.host",
                vec![
                    path("/run/screen/S-me/12.tty1.host"),
                    path("/home/me/.screen/12.tty1.host"),
                ],
            ),
            ("NOTIFY_SOCKET", "@notify", vec![unnamed("notify")]),
            (
                "SESSION_MANAGER",
                "local/h:@/tmp/.ICE-unix/9,unix/h:/tmp/.ICE-unix/9",
                vec![unnamed("/tmp/.ICE-unix/9"), path("/tmp/.ICE-unix/9")],
            ),
        ] {
            assert_eq!(targets(name, value), expected, "{name}={value}");
        }
    }

    #[test]
    fn a_name_below_a_directory_that_is_not_named_leads_nowhere() {
        let catalogue = shipped();
        let variable = catalogue.variable("WAYLAND_DISPLAY").unwrap();
        let bases = Bases::default();
        let readings = variable.reading(b"wayland-0", &bases);
        assert_eq!(readings[0].target, Target::NoBase("XDG_RUNTIME_DIR"));
        assert_eq!(
            variable.defaults(&bases),
            [Target::NoBase("XDG_RUNTIME_DIR")]
        );
    }

    #[test]
    fn a_value_is_made_from_an_address() {
        let catalogue = shipped();
        for (name, target, expected) in [
            (
                "WAYLAND_DISPLAY",
                path("/run/user/7/wayland-1"),
                "wayland-1",
            ),
            ("WAYLAND_DISPLAY", path("/x/wayland-1"), "/x/wayland-1"),
            ("DISPLAY", path("/tmp/.X11-unix/X3"), ":3"),
            (
                "DBUS_SESSION_BUS_ADDRESS",
                path("/run/a b"),
                "unix:path=/run/a%20b",
            ),
            (
                "SSH_AUTH_SOCK",
                path("/tmp/ssh-x/agent.1"),
                "/tmp/ssh-x/agent.1",
            ),
            ("DOCKER_HOST", path("/run/d.sock"), "unix:///run/d.sock"),
        ] {
            let variable = catalogue.variable(name).unwrap();
            let value = variable.value_for(&target, &bases()).expect(name);
            assert_eq!(String::from_utf8(value.clone()).unwrap(), expected);
            let back = variable.reading(&value, &bases());
            assert!(
                back.iter().any(|reading| reading.target == target),
                "{name}"
            );
        }
        let ssh = catalogue.variable("SSH_AUTH_SOCK").unwrap();
        assert_eq!(ssh.value_for(&unnamed("x"), &bases()), None);
    }

    #[test]
    fn every_variable_of_a_service_is_described() {
        let catalogue = shipped();
        assert!(catalogue.variables.len() > 20);
        for service in &catalogue.services {
            for name in &service.variables {
                assert!(catalogue.variable(name).is_some(), "{name}");
            }
        }
    }

    #[test]
    fn any_value_is_read() {
        let catalogue = shipped();
        proptest!(|(value in any::<Vec<u8>>())| {
            for variable in &catalogue.variables {
                let _ = variable.reading(&value, &bases());
            }
        });
    }

    #[test]
    fn a_long_value_is_read_in_no_time_worth_speaking_of() {
        // Quadratic work on the longest value that execve(2) takes would be seen here.
        let mut value = vec![b'/'];
        value.resize(128 * 1024, b',');
        let catalogue = shipped();
        let variable = catalogue.variable("TMUX").unwrap();
        assert_eq!(
            variable.reading(&value, &bases())[0].target,
            Target::Unreadable
        );
    }
}
