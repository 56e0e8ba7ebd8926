//! What became another between two pictures of one probe: things that appeared, went or changed.
//!
//! Pure. Things are told apart by what stays theirs: a socket by its cookie, a file by its path, a
//! descriptor by its number. What passes by itself, such as an age, is no change. Two pictures
//! tell nothing of what came and went between them.

use std::collections::{BTreeMap, HashMap};

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::sockets::{Row, Sockets};
use super::{Name, Probed};

/// The changes between two pictures: a line of `probe NAME --watch --json`.
#[derive(Clone, Debug, PartialEq, JsonSchema, Serialize)]
pub struct Changes {
    /// `ipc-mastery/probe/NAME/changes/1`.
    pub schema: &'static str,
    /// When they were seen: RFC 3339, UTC.
    pub at: String,
    /// What is new.
    pub added: Vec<Item>,
    /// What is gone.
    pub removed: Vec<Item>,
    /// What is another than before.
    pub changed: Vec<Change>,
}

/// One thing that a probe shows.
#[derive(Clone, Debug, PartialEq, JsonSchema, Serialize)]
pub struct Item {
    /// The field of the picture that it is in: `sockets`.
    pub list: String,
    /// What it is told apart by: the cookie of a socket, the path of a file.
    pub key: Value,
    /// All of it, as in the picture.
    pub value: Value,
}

/// One thing that became another.
#[derive(Clone, Debug, PartialEq, JsonSchema, Serialize)]
pub struct Change {
    /// The field of the picture that it is in; for what is no list, the field itself.
    pub list: String,
    /// What it is told apart by; `null` for what is no list.
    pub key: Value,
    /// What is another.
    pub fields: Vec<Field>,
    /// All of it, as it is now.
    pub value: Value,
}

/// One field that became another.
#[derive(Clone, Debug, PartialEq, JsonSchema, Serialize)]
pub struct Field {
    /// Where it is: `queue.pending`; empty for the whole value.
    pub path: String,
    /// What it was.
    pub before: Value,
    /// What it is.
    pub after: Value,
}

/// The lists of things in a picture, each with the field that tells them apart.
pub fn lists(name: Name) -> &'static [(&'static str, &'static str)] {
    match name {
        Name::RuntimeDir => &[("entries", "path"), ("lost", "inode"), ("unread", "path")],
        Name::Sockets => &[("sockets", "cookie")],
        Name::Creds => &[],
        Name::Env => &[("variables", "name")],
        Name::Fds => &[("descriptors", "fd")],
    }
}

/// Fields that become others by themselves, or tell of the looking and not of what was seen.
const PASSING: &[&str] = &[
    "age_seconds",
    "denied",
    "denied_processes",
    "dump_repeated",
    "expires_in",
    "readable",
    "vanished",
];

/// What of a whole picture is passing besides: each look has its own.
fn passing(name: Name) -> &'static [&'static str] {
    match name {
        // The processes of the live run are new ones each time.
        Name::Creds => &["live"],
        // How much could be seen of other processes.
        Name::Fds => &["others"],
        Name::RuntimeDir | Name::Sockets | Name::Env => &[],
    }
}

/// What changed from one picture to the next one of the same probe. `at` is written into it.
pub fn between(before: &Probed, after: &Probed, at: String) -> Changes {
    let [earlier, now] = match (before, after) {
        (Probed::Sockets(before), Probed::Sockets(after)) => differing(before, after),
        _ => [before, after]
            .map(|seen| serde_json::to_value(seen).expect("what a probe saw is plain data")),
    };
    let [earlier, now] = [earlier, now].map(without_strangers);
    between_values(after.name(), &earlier, &now, at)
}

/// On a file system that is shared with other directories, how full it is changes all the time and
/// by others.
fn without_strangers(mut picture: Value) -> Value {
    if let Some(directory) = picture.get_mut("directory").and_then(Value::as_object_mut)
        && directory.get("own_mount") == Some(&Value::Bool(false))
    {
        directory.remove("usage");
    }
    picture
}

fn between_values(name: Name, before: &Value, after: &Value, at: String) -> Changes {
    let mut changes = Changes {
        schema: schema(name),
        at,
        added: Vec::new(),
        removed: Vec::new(),
        changed: Vec::new(),
    };
    for &(list, key) in lists(name) {
        let mut earlier = by_key(before.get(list), key);
        for (id, (key, value)) in by_key(after.get(list), key) {
            match earlier.remove(&id) {
                None => changes.added.push(item(list, key, value)),
                Some((_, earlier)) => changes.compare(list, key, earlier, value),
            }
        }
        let gone = earlier.into_values();
        let gone = gone.map(|(key, value)| item(list, key, value));
        changes.removed.extend(gone);
    }
    let listed = |field: &String| {
        lists(name).iter().any(|(list, _)| field == list) || passing(name).contains(&field.as_str())
    };
    for (field, value) in after.as_object().into_iter().flatten() {
        if !listed(field) {
            let earlier = before.get(field).unwrap_or(&Value::Null);
            changes.compare(field, &Value::Null, earlier, value);
        }
    }
    changes
}

impl Changes {
    /// Nothing changed.
    pub fn none(name: Name) -> Self {
        Self {
            schema: schema(name),
            at: String::new(),
            added: Vec::new(),
            removed: Vec::new(),
            changed: Vec::new(),
        }
    }

    /// Whether nothing changed.
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty() && self.changed.is_empty()
    }

    fn compare(&mut self, list: &str, key: &Value, before: &Value, after: &Value) {
        if PASSING.contains(&list) {
            return;
        }
        let mut fields = Vec::new();
        differences("", before, after, &mut fields);
        if !fields.is_empty() {
            self.changed.push(Change {
                list: list.to_owned(),
                key: key.clone(),
                fields,
                value: after.clone(),
            });
        }
    }
}

impl Probed {
    /// Which probe saw it.
    pub fn name(&self) -> Name {
        match self {
            Self::RuntimeDir(_) => Name::RuntimeDir,
            Self::Sockets(_) => Name::Sockets,
            Self::Creds(_) => Name::Creds,
            Self::Env(_) => Name::Env,
            Self::Fds(_) => Name::Fds,
        }
    }
}

/// The `schema` of a probe's changes.
pub fn schema(name: Name) -> &'static str {
    match name {
        Name::RuntimeDir => "ipc-mastery/probe/runtime-dir/changes/1",
        Name::Sockets => "ipc-mastery/probe/sockets/changes/1",
        Name::Creds => "ipc-mastery/probe/creds/changes/1",
        Name::Env => "ipc-mastery/probe/env/changes/1",
        Name::Fds => "ipc-mastery/probe/fds/changes/1",
    }
}

fn item(list: &str, key: &Value, value: &Value) -> Item {
    Item {
        list: list.to_owned(),
        key: key.clone(),
        value: value.clone(),
    }
}

/// Two pictures of sockets without those that stayed as they were: there may be a hundred thousand.
fn differing(before: &Sockets, after: &Sockets) -> [Value; 2] {
    let mut earlier: HashMap<u64, &Row> = HashMap::with_capacity(before.sockets.len());
    earlier.extend(before.sockets.iter().map(|row| (row.cookie, row)));
    let mut now = Vec::new();
    for row in &after.sockets {
        if earlier.get(&row.cookie) == Some(&row) {
            earlier.remove(&row.cookie);
        } else {
            now.push(row);
        }
    }
    let earlier: Vec<&Row> = earlier.into_values().collect();
    [
        json!({ "sockets": earlier, "problem": before.problem }),
        json!({ "sockets": now, "problem": after.problem }),
    ]
}

/// Things by what tells them apart. Those that nothing tells apart are numbered.
fn by_key<'a>(
    list: Option<&'a Value>,
    key: &str,
) -> BTreeMap<(String, usize), (&'a Value, &'a Value)> {
    let mut found = BTreeMap::new();
    for value in list.and_then(Value::as_array).into_iter().flatten() {
        let key = value.get(key).unwrap_or(&Value::Null);
        let text = key.to_string();
        let mut number = 0;
        while found.contains_key(&(text.clone(), number)) {
            number += 1;
        }
        found.insert((text, number), (key, value));
    }
    found
}

/// The innermost fields that differ; lists are compared whole.
fn differences(path: &str, before: &Value, after: &Value, found: &mut Vec<Field>) {
    if let (Value::Object(before), Value::Object(after)) = (before, after)
        && !is_text(before)
        && !is_text(after)
    {
        let mut names: Vec<&String> = before.keys().chain(after.keys()).collect();
        names.sort();
        names.dedup();
        for name in names {
            if PASSING.contains(&name.as_str()) {
                continue;
            }
            let inner = match path {
                "" => name.clone(),
                path => format!("{path}.{name}"),
            };
            let null = Value::Null;
            let [before, after] = [before, after].map(|object| object.get(name).unwrap_or(&null));
            differences(&inner, before, after, found);
        }
    } else if before != after {
        found.push(Field {
            path: path.to_owned(),
            before: before.clone(),
            after: after.clone(),
        });
    }
}

/// Whether this is how bytes from outside are written.
fn is_text(object: &Map<String, Value>) -> bool {
    object.get("text").is_some_and(Value::is_string)
        && object
            .keys()
            .all(|key| matches!(key.as_str(), "text" | "hex"))
}

#[cfg(test)]
mod tests;
