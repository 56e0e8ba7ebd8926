//! Draws `probe env`: what is wrong and how to mend it, the variables, the layers.
//!
//! ```text
//! Environment of this process (ada, uid 1000)
//!
//! 1. tmux does not pass on XDG_RUNTIME_DIR.
//!    The client 4711 (tmux: client) has it, and what is named there answers.
//!    Mend a shell that is running:
//!      export XDG_RUNTIME_DIR=/run/user/1000
//!
//! Variables that name endpoints: 2
//! VARIABLE       STATE      LEADS TO                      PROCESS    PID
//! SSH_AUTH_SOCK  listening  /run/user/1000/openssh_agent  ssh-agent  901
//! SWAYSOCK       stale      /run/user/1000/sway.sock
//!
//! tmux at /tmp/tmux-1000/default (server 4600)
//! update-environment: DISPLAY SSH_AUTH_SOCK
//! Session main
//! LAYER            PROCESS        PID  STATE  VALUE
//! XDG_RUNTIME_DIR: not copied: stays as the server had it
//!   client         tmux: client  4711  there  /run/user/1000
//!   global                                    -
//!   session                                   -
//!   pane %0        bash          4601         -
//!     the process  ipc-mastery   4720         -
//!
//! 31 other variables are set; --all shows them.
//! ```

use super::table::{self, Cell, Column, Cut, Dropped, Row};
use super::words;
use crate::probe::env::endpoint::{Address, Endpoint, State};
use crate::probe::env::layers::{Kind, Layer, Layered, Presence, Session, Tmux};
use crate::probe::env::{Env, Finding, Variable};
use crate::render::markdown::paragraph;
use crate::render::text::{Line, Role, Text};
use crate::untrusted::Untrusted;

const VARIABLES: &[Column] = &[
    Column::fixed("VARIABLE", 0),
    Column::fixed("STATE", 0),
    Column::flexible("LEADS TO", 28, 0, Cut::Middle),
    Column::fixed("CONNECT", 0),
    Column::flexible("PROCESS", 8, 2, Cut::Middle),
    Column::number("PID", 3),
    Column::fixed("USER", 4),
    Column::flexible("SERVICE", 10, 5, Cut::Middle),
    Column::flexible("VALUE", 12, 6, Cut::Middle),
];

const LAYERS: &[Column] = &[
    Column::fixed("LAYER", 0),
    Column::flexible("PROCESS", 8, 2, Cut::Middle),
    Column::number("PID", 1),
    Column::fixed("STATE", 0),
    Column::flexible("VALUE", 24, 0, Cut::Middle),
];

const OTHERS: &[Column] = &[
    Column::flexible("VARIABLE", 16, 0, Cut::Middle),
    Column::flexible("VALUE", 16, 0, Cut::End),
];

pub(super) fn draw(seen: &Env, width: usize) -> Text {
    let mut text = Text::new();
    text.append(subject(seen, width));
    if let Some(problem) = &seen.problem {
        let words = format!("The kernel did not list sockets: {problem}.");
        text.append(paragraph(Role::Warning, &words, width));
    }
    for (number, finding) in seen.findings.iter().enumerate() {
        text.blank();
        text.append(self::finding(number + 1, finding, width));
    }
    let mut dropped = Dropped::default();
    text.append(variables(seen, width, &mut dropped));
    for server in &seen.tmux {
        text.append(tmux(server, width, &mut dropped));
    }
    text.append(borders(seen, width));
    text.append(others(seen, width, &mut dropped));
    text.append(dropped.say(width));
    text
}

fn subject(seen: &Env, width: usize) -> Text {
    let mut text = Text::new();
    let subject = &seen.subject;
    let user = match &subject.user {
        Some(name) => format!("{name}, uid {}", subject.uid),
        None => format!("uid {}", subject.uid),
    };
    let who = if subject.this_process {
        format!(" of this process ({user})")
    } else {
        format!(" of {} {} ({user})", subject.comm, subject.pid)
    };
    text.line(Line::of(Role::Heading, "Environment").with(Role::Plain, who));
    if let Some(errno) = &subject.unreadable {
        let who = if seen.visibility.root {
            "even root may not read it here."
        } else {
            "a process's environment may be read by its own user, if the process lets itself be \
             read, and by root."
        };
        let words = format!("It could not be read ({errno}): {who}");
        text.append(paragraph(Role::Warning, &words, width));
    } else if !subject.this_process {
        let words = "This is what it was started with. What it has changed since is elsewhere in \
            its memory and cannot be seen from outside.";
        text.append(paragraph(Role::Dim, words, width));
    }
    if seen.findings.is_empty() && subject.unreadable.is_none() {
        let words = "Nothing is wrong: every variable that names an endpoint on this machine \
            leads to one that answers.";
        text.append(paragraph(Role::Good, words, width));
    }
    text
}

fn finding(number: usize, finding: &Finding, width: usize) -> Text {
    let mut text = Text::new();
    let mark = format!("{number}. ");
    text.append(hanging(Role::Bad, &mark, &finding.title, width));
    let indent = " ".repeat(mark.len());
    text.append(hanging(Role::Plain, &indent, &finding.reason, width));
    if !finding.choices.is_empty() {
        let choices: Vec<String> = finding.choices.iter().map(Untrusted::to_string).collect();
        let words = format!("These answer: {}.", choices.join(", "));
        text.append(hanging(Role::Plain, &indent, &words, width));
    }
    for mend in &finding.mends {
        let words = format!("{}:", mend.purpose);
        text.append(hanging(Role::Note, &indent, &words, width));
        for command in &mend.commands {
            // Never wrapped: it is to be copied.
            let line = Line::of(Role::Plain, format!("{indent}  "));
            text.line(line.with(Role::Code, command.clone()));
        }
    }
    text
}

/// A paragraph whose further lines stand below its first word.
fn hanging(role: Role, mark: &str, words: &str, width: usize) -> Text {
    let mut text = Text::new();
    let inner = paragraph(role, words, width.saturating_sub(mark.len()));
    for (at, line) in inner.lines.into_iter().enumerate() {
        let mark = if at == 0 {
            mark.to_owned()
        } else {
            " ".repeat(mark.len())
        };
        let mut out = Line::of(role, mark);
        out.spans.extend(line.spans);
        text.line(out);
    }
    text
}

fn variables(seen: &Env, width: usize, dropped: &mut Dropped) -> Text {
    let mut text = Text::new();
    let (by_default, set): (Vec<&Variable>, Vec<&Variable>) =
        seen.variables.iter().partition(|it| it.by_default);
    for (title, variables) in [
        ("Variables that name endpoints", set),
        ("Not set, and found at the usual place", by_default),
    ] {
        if variables.is_empty() {
            continue;
        }
        text.blank();
        text.line(
            Line::of(Role::Strong, title).with(Role::Plain, format!(": {}", variables.len())),
        );
        let rows: Vec<Row> = variables.into_iter().flat_map(rows).collect();
        text.append(table::draw(VARIABLES, &rows, width, dropped));
    }
    let unseen = seen
        .variables
        .iter()
        .flat_map(|it| &it.endpoints)
        .any(|it| {
            it.holders
                .as_ref()
                .is_some_and(|it| it.processes.is_empty())
        });
    if let (true, Some(words)) = (unseen, words::blind_spots(&seen.visibility)) {
        text.append(paragraph(Role::Dim, &words, width));
    }
    text
}

/// A line for each place a variable leads to; what does not matter any more is left out.
fn rows(variable: &Variable) -> Vec<Row> {
    let answering = variable.endpoints.iter().find(|it| it.state.answers());
    let shown: Vec<&Endpoint> = match answering {
        Some(endpoint) => vec![endpoint],
        None => variable.endpoints.iter().collect(),
    };
    let mut rows = Vec::new();
    for (at, endpoint) in shown.into_iter().enumerate() {
        let name = if at == 0 { variable.name.as_str() } else { "" };
        let value = variable
            .value
            .as_ref()
            .map(words::quoted)
            .unwrap_or_default();
        let [process, pid] = match &endpoint.holders {
            Some(holders) => words::holders(holders),
            None => [Cell::new(Role::Plain, ""), Cell::new(Role::Plain, "")],
        };
        let (leads, repeated) = match &endpoint.address {
            Some(address) => (self::address(address), false),
            None => (value.clone(), true),
        };
        let repeated = repeated || leads == value;
        rows.push(Row::Cells(vec![
            Cell::new(Role::Strong, name),
            state(Some(endpoint.state)),
            Cell::new(Role::Code, leads),
            Cell::new(Role::Value, endpoint.connect.clone().unwrap_or_default()),
            process,
            pid,
            Cell::new(
                Role::Warning,
                match (endpoint.yours, &endpoint.user, endpoint.uid) {
                    (Some(false), Some(user), _) => user.to_string(),
                    (Some(false), None, Some(uid)) => uid.to_string(),
                    _ => String::new(),
                },
            ),
            words::service(endpoint.service.as_ref()),
            Cell::new(Role::Dim, if repeated { String::new() } else { value }),
        ]));
    }
    rows
}

pub(super) fn address(address: &Address) -> String {
    match address {
        Address::Path(path) => words::quoted(path),
        Address::Abstract(name) => format!("@{name}"),
        Address::Process(pid) => format!("process {pid}"),
    }
}

pub(super) fn state(state: Option<State>) -> Cell {
    match state {
        Some(state) if state.answers() => Cell::new(Role::Good, state.words()),
        Some(state) if state.fails() => Cell::new(Role::Bad, state.words()),
        Some(state) => Cell::new(Role::Dim, state.words()),
        None => Cell::new(Role::Dim, ""),
    }
}

fn tmux(server: &Tmux, width: usize, dropped: &mut Dropped) -> Text {
    let mut text = Text::new();
    text.blank();
    let pid = server
        .pid
        .map(|pid| format!(" (server {pid})"))
        .unwrap_or_default();
    text.line(
        Line::of(Role::Strong, "tmux at ")
            .with(Role::Code, words::quoted(&server.socket))
            .with(Role::Plain, pid),
    );
    if let Some(problem) = &server.problem {
        let words = format!("Its layers cannot be shown: {problem}.");
        text.append(paragraph(Role::Warning, &words, width));
    }
    if !server.update_environment.is_empty() {
        let list = &server.update_environment;
        let words = format!("update-environment: {}", joined(list.iter()));
        text.append(paragraph(Role::Dim, &words, width));
    }
    for session in &server.sessions {
        text.append(self::session(session, width, dropped));
    }
    text
}

fn session(session: &Session, width: usize, dropped: &mut Dropped) -> Text {
    let mut text = Text::new();
    let title = Line::of(Role::Plain, "Session ").with(Role::Code, words::quoted(&session.name));
    text.line(title);
    if let Some(list) = &session.update_environment {
        let words = format!("It has a list of its own: {}", joined(list.iter()));
        text.append(paragraph(Role::Dim, &words, width));
    }
    if !session
        .layers
        .iter()
        .any(|layer| layer.kind == Kind::Client)
    {
        text.append(paragraph(Role::Dim, "No client is attached.", width));
    }
    let mut rows = Vec::new();
    for variable in session.variables.iter().filter(|it| it.differs) {
        let copied = if variable.copied {
            "copied from each client that attaches, or removed"
        } else {
            "not copied: stays as the server had it"
        };
        let title = format!("{}: {copied}", variable.name);
        rows.push(Row::Group(Cell::new(Role::Strong, title)));
        rows.extend(layers(session, variable));
    }
    if !rows.is_empty() {
        text.append(table::draw(LAYERS, &rows, width, dropped));
    }
    let same = session.variables.iter().filter(|it| !it.differs);
    let same: Vec<&str> = same.map(|it| it.name.as_str()).collect();
    if !same.is_empty() {
        let words = format!("The same in every layer: {}.", same.join(", "));
        text.append(paragraph(Role::Dim, &words, width));
    }
    text
}

fn layers(session: &Session, variable: &Layered) -> Vec<Row> {
    let global = session
        .layers
        .iter()
        .position(|layer| layer.kind == Kind::Global)
        .and_then(|at| variable.cells.get(at));
    let rows = session.layers.iter().zip(&variable.cells);
    rows.filter(|(layer, cell)| {
        // The server had at its start what it has now as its global environment.
        layer.kind != Kind::Server || global.is_none_or(|global| global.value != cell.value)
    })
    .map(|(layer, cell)| {
        let process = layer.process.as_ref();
        let value = match (cell.presence, &cell.value) {
            (Presence::Set, Some(value)) => Cell::new(Role::Code, words::quoted(value)),
            (Presence::Removed, _) => Cell::new(Role::Warning, "removed"),
            (Presence::Unknown, _) => Cell::new(Role::Warning, "?"),
            _ => Cell::new(Role::Dim, "-"),
        };
        Row::Cells(vec![
            Cell::new(Role::Plain, format!("  {}", name(layer))),
            Cell::new(
                Role::Value,
                process.map(|it| it.comm.to_string()).unwrap_or_default(),
            ),
            Cell::new(
                Role::Dim,
                process.map(|it| it.pid.to_string()).unwrap_or_default(),
            ),
            state(cell.state),
            value,
        ])
    })
    .collect()
}

fn name(layer: &Layer) -> String {
    let word = match layer.kind {
        Kind::Client => "client",
        Kind::Server => "server at start",
        Kind::Global => "global",
        Kind::Session => "session",
        Kind::Pane => "pane",
        Kind::Newest => "  newest in it",
        Kind::Subject => "  the process",
    };
    match (&layer.label, layer.kind) {
        (Some(label), Kind::Pane) => format!("{word} {label}"),
        _ => word.to_owned(),
    }
}

fn joined<'a>(list: impl Iterator<Item = &'a Untrusted>) -> String {
    let list: Vec<String> = list.map(Untrusted::to_string).collect();
    list.join(" ")
}

fn borders(seen: &Env, width: usize) -> Text {
    let mut text = Text::new();
    for border in &seen.borders {
        text.blank();
        let mut shown: Vec<String> = border
            .variable
            .iter()
            .map(|it| format!("{it} is set"))
            .collect();
        shown.extend(
            border
                .ancestor
                .iter()
                .map(|it| format!("{} {} is an ancestor", it.comm, it.pid)),
        );
        let by = if shown.is_empty() {
            String::new()
        } else {
            format!(" ({})", shown.join(", "))
        };
        text.line(Line::of(Role::Strong, format!("Through {}", border.title)).with(Role::Dim, by));
        text.append(paragraph(Role::Plain, &border.meaning, width));
    }
    text
}

fn others(seen: &Env, width: usize, dropped: &mut Dropped) -> Text {
    let mut text = Text::new();
    if seen.subject.unreadable.is_some() {
        return text;
    }
    text.blank();
    let Some(others) = &seen.others else {
        let words = match seen.other_variables {
            1 => "1 other variable is set; --all shows it.".to_owned(),
            count => format!("{count} other variables are set; --all shows them."),
        };
        text.append(paragraph(Role::Dim, &words, width));
        return text;
    };
    text.line(
        Line::of(Role::Strong, "Other variables").with(Role::Plain, format!(": {}", others.len())),
    );
    let rows: Vec<Row> = others
        .iter()
        .map(|other| {
            let role = if other.masked {
                Role::Warning
            } else {
                Role::Code
            };
            Row::Cells(vec![
                Cell::new(Role::Strong, other.name.to_string()),
                Cell::new(role, other.value.to_string()),
            ])
        })
        .collect();
    text.append(table::draw(OTHERS, &rows, width, dropped));
    let masked = others.iter().filter(|other| other.masked).count();
    if masked > 0 {
        let words = format!(
            "{} of {} hidden, wholly or in part: the name sounds like a secret, or the value like \
            a URL with a password.",
            masked,
            if masked == 1 { "them is" } else { "them are" },
        );
        text.append(paragraph(Role::Dim, &words, width));
    }
    text
}

#[cfg(test)]
mod tests;
