//! What commands print with `--json` is as the schema says that they print, which names every field
//! of it and explains it.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::path::PathBuf;
use std::process::Command;

use ipc_mastery::curriculum::Curriculum;
use ipc_mastery::curriculum::source::Source;
use ipc_mastery::differential::verification::Verification;
use ipc_mastery::experiment::claims::Report;
use ipc_mastery::mastery::clock::Clock;
use ipc_mastery::mastery::progress::{Kept, Round};
use ipc_mastery::mastery::store::{Answer, Reading, Review, Store};
use ipc_mastery::probe::{Name, schema as probe_schema};
use ipc_mastery::render::model::data::Steps;
use serde_json::{Value, json};

use super::root;

/// What every probe prints, whole and as changes, with the schema it must have. Made with sockets,
/// files and names that are no text.
pub fn printed() -> Vec<(String, Value, Value)> {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &[u8]| directory.path().join(OsStr::from_bytes(name));
    let listener = UnixListener::bind(path(b"bus")).unwrap();
    let _client = UnixStream::connect(path(b"bus")).unwrap();
    let _hostile = UnixDatagram::bind(path(b"a\x1b[2J\n\xff")).unwrap();
    drop(UnixListener::bind(path(b"stale")).unwrap());
    std::os::unix::fs::symlink("/etc/passwd", path(b"out")).unwrap();
    let inode = rustix::fs::fstat(&listener).unwrap().st_ino;
    let ours = std::process::id().to_string();
    let run = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_ipc-mastery"))
            .arg("probe")
            .args(arguments)
            .env("XDG_RUNTIME_DIR", directory.path())
            .output()
            .unwrap();
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        serde_json::from_slice::<Value>(&output.stdout).expect("valid JSON")
    };
    let mut found = Vec::new();
    for asked in [
        &["runtime-dir"][..],
        &["sockets"],
        &["sockets", "--inode", &inode.to_string(), "--borrow"],
        &["creds"],
        &["creds", &ours],
        &["creds", &format!("inode:{inode}")],
        &["env"],
        &["fds", &ours],
    ] {
        let whole = run(&[asked, &["--json"]].concat());
        let schema = run(&[&asked[..1], &["--schema"]].concat());
        found.push((asked.join(" "), whole, schema));
    }
    found.extend(judged());
    found.push(reviewed());
    found.extend(modelled());
    found
}

/// What `try --all` prints of the lessons that are built in, and of a pack in which each kind of
/// finding differs.
fn judged() -> Vec<(String, Value, Value)> {
    let wrong = tempfile::tempdir().unwrap();
    let copied = Command::new("cp")
        .args(["-r", "curriculum", "exercises"])
        .arg(wrong.path())
        .current_dir(root())
        .status();
    assert!(copied.unwrap().success());
    let lesson = wrong
        .path()
        .join("curriculum/02-af-unix/30-bytes-not-messages/lesson.toml");
    let text = fs::read_to_string(&lesson).unwrap();
    let text = text
        .replace(
            "when = \"obs.a.count >= obs.a.room\"",
            "when = \"obs.a.count == 12\"",
        )
        .replace("equals = \"obs.a.count\"", "equals = \"obs.a.cuont\"")
        + "\n[[claim]]\nid = \"zz-wrong\"\nsays = \"It is not so.\"\nholds = \"obs.a.count == 1\"\n\
           [[claim]]\nid = \"zz-told\"\nsays = \"It will be so.\"\nholds = \"obs.a.got == 'x'\"\n\
           since = \"99.1\"\notherwise = \"Older kernels do not.\"\naudit = [3]\n\
           [[claim]]\nid = \"zz-read\"\nsays = \"It is written.\"\nreference = \"unix(7)\"\n";
    fs::write(&lesson, text).unwrap();
    let run = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_ipc-mastery"))
            .args(["try", "--all"])
            .args(arguments)
            .output()
            .unwrap();
        serde_json::from_slice::<Value>(&output.stdout)
            .unwrap_or_else(|error| panic!("{error}: {output:?}"))
    };
    let schema = run(&["--schema"]);
    let pack = wrong.path().to_str().unwrap();
    let differing = run(&["--json", "--curriculum", pack]);
    for (kind, counts) in differing["summary"].as_object().unwrap() {
        assert_eq!(counts["differs"], json!(1), "{kind}");
    }
    vec![
        ("try --all".into(), run(&["--json"]), schema.clone()),
        ("try --all with a wrong lesson".into(), differing, schema),
    ]
}

/// What `review --json` prints of a lesson that was finished, one of whose questions was answered,
/// and the schema it must have.
fn reviewed() -> (String, Value, Value) {
    let state = tempfile::tempdir().unwrap();
    let day = 86_400;
    let at = |now| Store::open_in(&state.path().join("ipc-mastery"), Clock::At(now)).unwrap();
    let curriculum = Curriculum::load(&Source::Embedded).unwrap();
    let mut lessons = curriculum
        .lessons()
        .filter(|lesson| !lesson.quiz.is_empty());
    for lesson in lessons.by_ref().take(2) {
        let reading = Reading {
            lesson: &lesson.slug,
            block: 0,
            blocks: 1,
        };
        at(day).record_reading(reading).unwrap();
        let answer = Answer {
            item: &lesson.quiz[0].id.value,
            kept: &Kept::chosen(0, None),
            right: true,
        };
        let round = Round::Due;
        at(2 * day).record_review(Review { answer, round }).unwrap();
    }
    let run = |argument: &str| {
        let output = Command::new(env!("CARGO_BIN_EXE_ipc-mastery"))
            .args(["review", argument])
            .env("XDG_STATE_HOME", state.path())
            .env("IPC_MASTERY_NOW", (9 * day).to_string())
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        serde_json::from_slice::<Value>(&output.stdout).expect("valid JSON")
    };
    let whole = run("--json");
    let recalls: Vec<bool> = whole["questions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|question| question["recall"].is_f64())
        .collect();
    assert!(
        recalls.contains(&true) && recalls.contains(&false),
        "{whole:#}"
    );
    ("review".to_owned(), whole, run("--schema"))
}

/// What `model step --json` prints of every shipped script and of one with names that are no text,
/// what `model verify --json` prints of this kernel, with an error in the model and where this is
/// no Linux, and the schemas they must have.
fn modelled() -> Vec<(String, Value, Value)> {
    let directory = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_ipc-mastery"))
            .arg("model")
            .args(arguments)
            .output()
            .unwrap();
        serde_json::from_slice::<Value>(&output.stdout)
            .unwrap_or_else(|error| panic!("{arguments:?}: {error}: {output:?}"))
    };
    let mut found = Vec::new();
    let schema = run(&["step", "--schema"]);
    let hostile = directory.path().join("hostile.txt");
    fs::write(
        &hostile,
        "socket stream\nbind 3 abstract:\"\\x1b[2J\\xff\"\nsocket stream\nconnect 4 abstract:nobody\n",
    )
    .unwrap();
    let shipped = fs::read_dir(root().join("curriculum/model")).unwrap();
    let mut scripts: Vec<PathBuf> = shipped
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|it| it == "txt"))
        .collect();
    assert!(scripts.len() >= 9, "{scripts:?}");
    scripts.push(hostile);
    for script in &scripts {
        let name = format!("model step {}", script.display());
        let whole = run(&["step", script.to_str().unwrap(), "--json"]);
        found.push((name, whole, schema.clone()));
    }

    let schema = run(&["verify", "--schema"]);
    let rows = directory.path().join("pack/curriculum/model/rows");
    fs::create_dir_all(&rows).unwrap();
    fs::write(directory.path().join("pack/curriculum/path.toml"), "").unwrap();
    let wrong = "### A01 Descriptors begin at seven\nsocket stream\n= fd 7\n";
    fs::write(rows.join("A.txt"), wrong).unwrap();
    let pack = directory.path().join("pack");
    let seeded = ["verify", "--json", "--seed", "1", "--calls", "2000"];
    for more in [
        &[][..],
        &["--fault", "no-trunc"],
        &["--curriculum", pack.to_str().unwrap()],
    ] {
        let whole = run(&[&seeded[..], more].concat());
        found.push((format!("model verify {more:?}"), whole, schema.clone()));
    }
    found
}

/// Every schema that may speak of a place: through references and alternatives.
fn speaking<'a>(schemas: &[&'a Value], whole: &'a Value) -> Vec<&'a Value> {
    let mut found = Vec::new();
    let mut open: Vec<&Value> = schemas.to_vec();
    while let Some(schema) = open.pop() {
        found.push(schema);
        if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
            open.extend(whole.pointer(reference.trim_start_matches('#')));
        }
        for word in ["allOf", "anyOf", "oneOf"] {
            open.extend(
                schema
                    .get(word)
                    .and_then(Value::as_array)
                    .into_iter()
                    .flatten(),
            );
        }
    }
    found
}

/// Fields that no schema names: an open schema would hold of nearly anything.
fn unnamed(value: &Value, schemas: &[&Value], whole: &Value, at: &str, found: &mut Vec<String>) {
    let schemas = speaking(schemas, whole);
    for (name, value) in value.as_object().into_iter().flatten() {
        let inner: Vec<&Value> = schemas
            .iter()
            .filter_map(|schema| {
                let named = schema.get("properties").and_then(|it| it.get(name));
                named.or(schema.get("additionalProperties"))
            })
            .collect();
        let at = format!("{at}.{name}");
        if inner.is_empty() {
            found.push(at);
        } else {
            unnamed(value, &inner, whole, &at, found);
        }
    }
    for value in value.as_array().into_iter().flatten() {
        let items = schemas.iter().filter_map(|schema| schema.get("items"));
        let inner: Vec<&Value> = items
            .flat_map(|items| match items {
                Value::Array(each) => each.iter().collect(),
                one => vec![one],
            })
            .collect();
        unnamed(value, &inner, whole, &format!("{at}[]"), found);
    }
}

/// What a value breaks of a schema: for the words that `schemars` writes.
fn broken(value: &Value, schema: &Value, whole: &Value, at: &str, found: &mut Vec<String>) {
    let Value::Object(rules) = schema else {
        if *schema == json!(false) {
            found.push(format!("{at}: nothing may be here"));
        }
        return;
    };
    let breaks = |schema: &Value| {
        let mut inner = Vec::new();
        broken(value, schema, whole, at, &mut inner);
        inner
    };
    for (word, rule) in rules {
        match word.as_str() {
            "$schema" | "title" | "description" | "definitions" | "format" | "default"
            | "minItems" | "maxItems" | "pattern" => {}
            "$ref" => {
                let pointer = rule.as_str().unwrap().trim_start_matches('#');
                found.extend(breaks(
                    whole.pointer(pointer).expect("a reference leads on"),
                ));
            }
            "uniqueItems" => {
                let items = value.as_array().map_or(&[][..], Vec::as_slice);
                let different: BTreeSet<String> = items.iter().map(Value::to_string).collect();
                if different.len() != items.len() {
                    found.push(format!("{at}: the same twice"));
                }
            }
            "type" => {
                let is = |name: &Value| match name.as_str().unwrap() {
                    "object" => value.is_object(),
                    "array" => value.is_array(),
                    "string" => value.is_string(),
                    "integer" => value.is_i64() || value.is_u64(),
                    "number" => value.is_number(),
                    "boolean" => value.is_boolean(),
                    "null" => value.is_null(),
                    other => panic!("type {other}"),
                };
                let fits = match rule {
                    Value::Array(names) => names.iter().any(is),
                    name => is(name),
                };
                if !fits {
                    found.push(format!("{at}: {value} is no {rule}"));
                }
            }
            "minimum" | "maximum" => {
                if let (Some(value), Some(bound)) = (value.as_f64(), rule.as_f64()) {
                    let fits = if word == "minimum" {
                        value >= bound
                    } else {
                        value <= bound
                    };
                    if !fits {
                        found.push(format!("{at}: {value} and {word} {bound}"));
                    }
                }
            }
            "enum" => {
                if !rule.as_array().unwrap().contains(value) {
                    found.push(format!("{at}: {value} is none of {rule}"));
                }
            }
            "const" => {
                if rule != value {
                    found.push(format!("{at}: {value} is not {rule}"));
                }
            }
            "items" => match (value.as_array(), rule) {
                (Some(items), Value::Array(rules)) => {
                    for (number, (item, rule)) in items.iter().zip(rules).enumerate() {
                        broken(item, rule, whole, &format!("{at}[{number}]"), found);
                    }
                }
                (Some(items), rule) => {
                    for (number, item) in items.iter().enumerate() {
                        broken(item, rule, whole, &format!("{at}[{number}]"), found);
                    }
                }
                (None, _) => {}
            },
            "required" => {
                for name in rule.as_array().unwrap() {
                    if value.is_object() && value.get(name.as_str().unwrap()).is_none() {
                        found.push(format!("{at}: {name} is missing"));
                    }
                }
            }
            "properties" => {
                for (name, rule) in rule.as_object().unwrap() {
                    if let Some(value) = value.get(name) {
                        broken(value, rule, whole, &format!("{at}.{name}"), found);
                    }
                }
            }
            "additionalProperties" => {
                let known = rules.get("properties").and_then(Value::as_object);
                for (name, value) in value.as_object().into_iter().flatten() {
                    if !known.is_some_and(|known| known.contains_key(name)) {
                        broken(value, rule, whole, &format!("{at}.{name}"), found);
                    }
                }
            }
            "allOf" => {
                for rule in rule.as_array().unwrap() {
                    found.extend(breaks(rule));
                }
            }
            "anyOf" | "oneOf" => {
                let each: Vec<Vec<String>> = rule.as_array().unwrap().iter().map(breaks).collect();
                let fitting = each.iter().filter(|broken| broken.is_empty()).count();
                if fitting == 0 || (word == "oneOf" && fitting > 1) {
                    let short = |broken: &Vec<String>| broken.first().cloned();
                    let first: Vec<Option<String>> = each.iter().map(short).take(3).collect();
                    found.push(format!("{at}: {fitting} of {word} fit: {first:?}"));
                }
            }
            other => panic!("the validator of this test does not know `{other}`"),
        }
    }
}

#[test]
fn what_is_printed_is_as_its_schema_says_and_nothing_besides() {
    for (name, value, schema) in printed() {
        let mut found = Vec::new();
        broken(&value, &schema, &schema, "", &mut found);
        unnamed(&value, &[&schema], &schema, "", &mut found);
        assert!(found.is_empty(), "{name}:\n{}", found.join("\n"));
        // And the validator refuses what is wrong.
        let mut wrong = value.clone();
        wrong["zz"] = json!(1);
        wrong["schema"] = json!("other");
        broken(&wrong, &schema, &schema, "", &mut found);
        unnamed(&wrong, &[&schema], &schema, "", &mut found);
        assert_eq!(found.len(), 2, "{name}: {found:?}");
    }
}

#[test]
fn every_field_of_a_schema_is_explained() {
    fn walk(schema: &Value, at: &str, found: &mut Vec<String>) {
        match schema {
            Value::Object(fields) => {
                if let Some(Value::Object(properties)) = fields.get("properties") {
                    for (name, property) in properties {
                        // What a variant holds is explained by the variant, bytes by their type.
                        let elsewhere = at.contains("/oneOf") || at.ends_with("/Untrusted");
                        if property.get("description").is_none() && !elsewhere {
                            found.push(format!("{at}: {name}"));
                        }
                    }
                }
                for (name, value) in fields {
                    walk(value, &format!("{at}/{name}"), found);
                }
            }
            Value::Array(values) => values.iter().for_each(|value| walk(value, at, found)),
            _ => {}
        }
    }
    let mut found = Vec::new();
    for &name in Name::ALL {
        walk(&probe_schema::of(name), name.as_str(), &mut found);
    }
    walk(&Report::json_schema(), "claims", &mut found);
    walk(&Steps::json_schema(), "model step", &mut found);
    walk(&Verification::json_schema(), "model verify", &mut found);
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}
