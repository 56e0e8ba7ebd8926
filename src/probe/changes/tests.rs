//! Changes between pictures that are written here: nothing is asked of the kernel.

use super::*;
use crate::probe::schema;

fn changes(name: Name, before: Value, after: Value) -> Changes {
    between_values(name, &before, &after, "2026-01-02T03:04:05Z".to_owned())
}

fn keys(items: &[Item]) -> Vec<&Value> {
    items.iter().map(|item| &item.key).collect()
}

#[test]
fn things_are_told_apart_by_what_stays_theirs() {
    let seen = changes(
        Name::Sockets,
        json!({ "sockets": [
            { "cookie": 1, "inode": 10, "condition": "connected" },
            { "cookie": 2, "inode": 11, "condition": "listening" },
        ]}),
        json!({ "sockets": [
            // The inode is used again: another socket.
            { "cookie": 3, "inode": 10, "condition": "connected" },
            { "cookie": 2, "inode": 11, "condition": "listening" },
        ]}),
    );
    assert_eq!(keys(&seen.added), [&json!(3)]);
    assert_eq!(keys(&seen.removed), [&json!(1)]);
    assert!(seen.changed.is_empty());
    assert_eq!(seen.schema, "ipc-mastery/probe/sockets/changes/1");
}

#[test]
fn a_change_names_the_innermost_fields() {
    let seen = changes(
        Name::Sockets,
        json!({ "sockets": [{ "cookie": 2, "queue": { "pending": 0, "backlog": 5 }, "clients": 1 }]}),
        json!({ "sockets": [{ "cookie": 2, "queue": { "pending": 3, "backlog": 5 }, "clients": null }]}),
    );
    assert_eq!(seen.changed.len(), 1);
    let fields: Vec<(&str, &Value, &Value)> = seen.changed[0]
        .fields
        .iter()
        .map(|field| (field.path.as_str(), &field.before, &field.after))
        .collect();
    assert_eq!(
        fields,
        [
            ("clients", &json!(1), &Value::Null),
            ("queue.pending", &json!(0), &json!(3)),
        ]
    );
}

#[test]
fn what_passes_by_itself_is_no_change() {
    let seen = changes(
        Name::RuntimeDir,
        json!({ "readable": 80, "entries": [{ "path": { "text": "bus" }, "age_seconds": 4 }]}),
        json!({ "readable": 81, "entries": [{ "path": { "text": "bus" }, "age_seconds": 5 }]}),
    );
    assert!(seen.is_empty(), "{seen:?}");
}

#[test]
fn names_that_look_alike_and_hold_other_bytes_are_other_things() {
    let seen = changes(
        Name::RuntimeDir,
        json!({ "entries": [{ "path": { "text": "a\\xff", "hex": "61ff" } }]}),
        json!({ "entries": [{ "path": { "text": "a\\xff", "hex": "615c786666" } }]}),
    );
    assert_eq!((seen.added.len(), seen.removed.len()), (1, 1));
}

#[test]
fn what_is_in_no_list_changes_under_its_own_name() {
    let seen = changes(
        Name::RuntimeDir,
        json!({ "directory": { "mode": 448 }, "entries": [] }),
        json!({ "directory": { "mode": 493 }, "entries": [] }),
    );
    assert_eq!(seen.changed[0].list, "directory");
    assert_eq!(seen.changed[0].key, Value::Null);
    assert_eq!(seen.changed[0].fields[0].path, "mode");
}

#[test]
fn a_name_that_occurs_twice_is_compared_in_its_order() {
    let variable = |value: &str| json!({ "name": "DISPLAY", "value": value });
    let seen = changes(
        Name::Env,
        json!({ "variables": [variable(":0"), variable(":1")] }),
        json!({ "variables": [variable(":0"), variable(":2"), variable(":3")] }),
    );
    assert_eq!((seen.added.len(), seen.changed.len()), (1, 1));
    assert_eq!(seen.changed[0].fields[0].after, ":2");
}

#[test]
fn a_list_that_cannot_be_read_any_more_has_lost_everything() {
    let seen = changes(
        Name::Fds,
        json!({ "descriptors": [{ "fd": 3 }] }),
        json!({ "descriptors": null }),
    );
    assert_eq!(keys(&seen.removed), [&json!(3)]);
}

/// The properties of what a schema refers to.
fn resolved<'a>(schema: &'a Value, whole: &'a Value) -> &'a Value {
    match schema.get("$ref").and_then(Value::as_str) {
        Some(reference) => whole.pointer(reference.trim_start_matches('#')).unwrap(),
        None => schema,
    }
}

#[test]
fn every_list_and_its_key_are_in_the_picture() {
    for &name in Name::ALL {
        let schema = schema::of(name);
        for (list, key) in lists(name) {
            let items = &schema["properties"][list]["items"];
            let item = resolved(items, &schema);
            assert!(
                item["properties"].get(key).is_some(),
                "{name:?}: {list} has no {key}: {item:#}"
            );
        }
    }
}

#[test]
fn how_full_a_shared_file_system_is_changes_by_others() {
    let picture = |own_mount: bool, bytes_used: u64| {
        without_strangers(json!({
            "directory": { "own_mount": own_mount, "usage": { "bytes_used": bytes_used } },
        }))
    };
    let shared = changes(Name::RuntimeDir, picture(false, 1), picture(false, 2));
    assert!(shared.is_empty(), "{shared:?}");
    let own = changes(Name::RuntimeDir, picture(true, 1), picture(true, 2));
    assert_eq!(own.changed[0].fields[0].path, "usage.bytes_used");
}
