//! Draws what changed between two pictures of a probe: one line each, with the time, a sign and
//! what it is.
//!
//! ```text
//! 10:31:07 + stream 48211, listening, /run/user/1000/bus, dbus-daemon 1042
//! 10:31:07 ~ bus: socket.clients 1 -> 2, socket.queue.pending - -> 3
//! 10:31:07 - fd 7, socket:[4711]
//! 10:31:07 ~ directory: mode 0700 -> 0755
//! ```
//!
//! `+` is new, `-` is gone, `~` is another than before. Values are read from the picture as
//! it is written in JSON, so that what a probe learns to show is told here too.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::probe::changes::{Change, Changes, Item};
use crate::render::text::{Line, Role, Text};
use crate::untrusted::printable;

/// Elements of a list that are named; of longer ones the rest is counted.
const NAMED: usize = 3;

/// One line a change, each beginning with `time`.
pub fn draw(changes: &Changes, time: &str) -> Text {
    let mut text = Text::new();
    let begin =
        |role, sign: &str| Line::of(Role::Dim, format!("{time} ")).with(role, format!("{sign} "));
    for item in &changes.added {
        text.line(begin(Role::Good, "+").with(Role::Plain, title(item)));
    }
    for change in &changes.changed {
        let mut line = begin(Role::Warning, "~");
        line.push(Role::Plain, format!("{}: ", subject(change)));
        line.push(Role::Plain, fields(change));
        text.line(line);
    }
    for item in &changes.removed {
        text.line(begin(Role::Bad, "-").with(Role::Plain, title(item)));
    }
    text
}

/// Columns that [`mark`] puts before each line.
pub const GUTTER: usize = 2;

/// A picture with a sign before the lines of what is new (`+`) or another (`~`). What is gone has no
/// line any more. A line is found by what is written first in it: the inode of a socket, the name of
/// an entry or a variable, the number of a descriptor; one that has no room for that is not marked.
pub fn mark(picture: Text, changes: &Changes) -> Text {
    let mut signs: BTreeMap<String, (Role, &str)> = BTreeMap::new();
    for change in &changes.changed {
        let word = written(&change.list, &change.key, &change.value);
        signs.extend(word.map(|word| (word, (Role::Warning, "~ "))));
    }
    for item in &changes.added {
        let word = written(&item.list, &item.key, &item.value);
        signs.extend(word.map(|word| (word, (Role::Good, "+ "))));
    }
    let mut marked = Text::new();
    for line in picture.lines {
        let plain = line.plain();
        let mut words = plain.split_whitespace().take(2);
        let sign = words.find_map(|word| signs.remove(word));
        let (role, sign) = sign.unwrap_or((Role::Plain, "  "));
        let mut out = Line::of(role, sign);
        out.spans.extend(line.spans);
        marked.line(out);
    }
    marked
}

/// What a picture writes first in the line of a thing, when that is one word.
fn written(list: &str, key: &Value, value: &Value) -> Option<String> {
    let word = match list {
        "sockets" => words(value.get("inode")?),
        "entries" | "descriptors" | "variables" => words(key),
        _ => return None,
    };
    (!word.contains(char::is_whitespace)).then_some(word)
}

/// What says most of a thing, in the order in which it is said: JSON pointers.
fn telling(list: &str) -> &'static [&'static str] {
    match list {
        "sockets" => &[
            "/type",
            "/inode",
            "/condition",
            "/name",
            "/holders",
            "/peer/name",
            "/peer/holders",
            "/service",
        ],
        "entries" => &["/path", "/kind", "/state", "/service", "/holders"],
        "lost" => &["/name", "/why", "/holders"],
        "descriptors" => &["/fd", "/kind", "/target"],
        "variables" => &["/name", "/value"],
        _ => &[],
    }
}

/// What a thing is called before what is said of it.
fn noun(list: &str) -> &'static str {
    match list {
        "lost" => "without its file: ",
        "descriptors" => "fd ",
        "unread" => "not listed: ",
        _ => "",
    }
}

fn title(item: &Item) -> String {
    let told: Vec<String> = telling(&item.list)
        .iter()
        .filter_map(|pointer| item.value.pointer(pointer))
        .filter_map(told)
        .collect();
    let words = match told.split_first() {
        None => words(&item.key),
        // A type and a number belong together: `stream 48211`.
        Some((kind, rest)) if item.list == "sockets" && !rest.is_empty() => {
            format!("{kind} {}", rest.join(", "))
        }
        Some(_) => told.join(", "),
    };
    format!("{}{words}", noun(&item.list))
}

fn subject(change: &Change) -> String {
    if change.key.is_null() {
        return printable(&change.list).into_owned();
    }
    let key = match change.list.as_str() {
        // A cookie is nothing that other programs show.
        "sockets" => ["/type", "/inode", "/name"]
            .iter()
            .filter_map(|pointer| told(change.value.pointer(pointer)?))
            .collect::<Vec<String>>()
            .join(" "),
        _ => words(&change.key),
    };
    format!("{}{key}", noun(&change.list))
}

fn fields(change: &Change) -> String {
    let fields: Vec<String> = change
        .fields
        .iter()
        .map(|field| {
            let [before, after] = [&field.before, &field.after].map(|value| {
                if field.path.rsplit('.').next() == Some("mode") {
                    mode(value)
                } else {
                    words(value)
                }
            });
            match field.path.as_str() {
                "" => format!("{before} -> {after}"),
                path => format!("{} {before} -> {after}", printable(path)),
            }
        })
        .collect();
    fields.join(", ")
}

/// Permission bits as everybody writes them.
fn mode(value: &Value) -> String {
    value
        .as_u64()
        .map_or_else(|| words(value), |mode| format!("{mode:04o}"))
}

/// A value in few words; `None` when there is nothing to say.
fn told(value: &Value) -> Option<String> {
    let words = words(value);
    (words != "-").then_some(words)
}

fn words(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => quoted(&printable(text)),
        Value::Array(items) => {
            let named: Vec<String> = items.iter().take(NAMED).map(words).collect();
            match items.len() {
                0 => "-".to_owned(),
                count if count > NAMED => format!("{} +{}", named.join(", "), count - NAMED),
                _ => named.join(", "),
            }
        }
        Value::Object(fields) => object(fields),
    }
}

fn object(fields: &Map<String, Value>) -> String {
    let field = |name: &str| fields.get(name);
    let text = |name: &str| field(name).and_then(Value::as_str);
    if let Some(text) = text("text") {
        // What `Untrusted` has escaped already.
        return quoted(text);
    }
    if let (Some(comm), Some(pid)) = (field("comm"), field("pid")) {
        return format!("{} {}", words(comm), words(pid));
    }
    if let (Some(kind), Some(name)) = (text("kind"), field("name")) {
        return match kind {
            "abstract" => format!("@{}", words(name)),
            _ => words(name),
        };
    }
    if let (Some(known), Some(processes)) = (text("known"), field("processes")) {
        return match (processes.as_array(), known) {
            (Some(list), _) if !list.is_empty() => words(processes),
            (_, "not-visible") => "?".to_owned(),
            (_, "gone") => "gone".to_owned(),
            _ => "-".to_owned(),
        };
    }
    if let Some(name) = field("name") {
        return words(name);
    }
    let parts: Vec<String> = fields
        .iter()
        .map(|(name, value)| format!("{} {}", printable(name), words(value)))
        .collect();
    format!("({})", parts.join(", "))
}

/// In quotes when it could be taken for more than one word, or for nothing.
fn quoted(text: &str) -> String {
    let plain = !text.is_empty() && text != "-" && !text.contains([' ', ',']);
    if plain || text.starts_with("socket:[") {
        text.to_owned()
    } else {
        format!("\"{text}\"")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::probe::changes::Field;
    use crate::render::probe::tests::transcript;

    fn item(list: &str, key: Value, value: Value) -> Item {
        Item {
            list: list.to_owned(),
            key,
            value,
        }
    }

    fn change(list: &str, key: Value, fields: &[(&str, Value, Value)]) -> Change {
        Change {
            list: list.to_owned(),
            key,
            fields: fields
                .iter()
                .map(|(path, before, after)| Field {
                    path: (*path).to_owned(),
                    before: before.clone(),
                    after: after.clone(),
                })
                .collect(),
            value: Value::Null,
        }
    }

    fn drawn(added: Vec<Item>, changed: Vec<Change>, removed: Vec<Item>) -> String {
        let changes = Changes {
            schema: "",
            at: String::new(),
            added,
            removed,
            changed,
        };
        draw(&changes, "10:31:07").plain()
    }

    #[test]
    fn the_transcript_is_what_is_drawn() {
        let socket = json!({
            "type": "stream", "inode": 48211, "condition": "listening",
            "name": { "kind": "path", "name": { "text": "/run/user/1000/bus" } },
            "holders": { "known": "some", "processes": [{ "pid": 1042, "comm": { "text": "dbus-daemon" } }] },
            "peer": null, "service": null,
        });
        let descriptor = json!({ "fd": 7, "target": { "text": "socket:[4711]" } });
        let bus = change(
            "entries",
            json!({ "text": "bus" }),
            &[
                ("socket.clients", json!(1), json!(2)),
                ("socket.queue.pending", json!(null), json!(3)),
            ],
        );
        let directory = change(
            "directory",
            Value::Null,
            &[("mode", json!(0o700), json!(0o755))],
        );
        let mut text = drawn(
            vec![item("sockets", json!(9), socket)],
            vec![bus],
            vec![item("descriptors", json!(7), descriptor)],
        );
        text += &drawn(Vec::new(), vec![directory], Vec::new());
        assert_eq!(text, transcript(include_str!("changes.rs")));
    }

    #[test]
    fn lines_of_what_is_new_or_another_are_marked() {
        let mut picture = Text::new();
        for line in ["TYPE   INODE", "stream 10", "stream 11 for 12", "stream 12"] {
            picture.line(Line::of(Role::Plain, line));
        }
        let changes = Changes {
            schema: "",
            at: String::new(),
            added: vec![item("sockets", json!(1), json!({ "inode": 12 }))],
            removed: vec![item("sockets", json!(2), json!({ "inode": 10 }))],
            changed: vec![Change {
                value: json!({ "inode": 11 }),
                ..change("sockets", json!(3), &[])
            }],
        };
        assert_eq!(
            mark(picture, &changes).plain(),
            "  TYPE   INODE\n  stream 10\n~ stream 11 for 12\n+ stream 12\n"
        );
    }

    #[test]
    fn names_cannot_forge_a_line_or_another_field() {
        let name = crate::untrusted::Untrusted::from("a\n10:31:07 + b");
        let key = serde_json::to_value(&name).unwrap();
        let text = drawn(
            Vec::new(),
            vec![change(
                "entries",
                key,
                &[("x\u{1b}", json!("a\nb"), json!("c, d 1 -> 2"))],
            )],
            Vec::new(),
        );
        assert_eq!(text.lines().count(), 1);
        assert_eq!(
            text,
            "10:31:07 ~ \"a\\x0a10:31:07 + b\": x\\x1b a\\x0ab -> \"c, d 1 -> 2\"\n"
        );
    }

    #[test]
    fn long_lists_are_counted_and_unknown_holders_are_not_nobody() {
        assert_eq!(words(&json!([1, 2, 3, 4, 5])), "1, 2, 3 +2");
        let unseen = json!({ "known": "not-visible", "processes": [] });
        assert_eq!(words(&unseen), "?");
    }
}
