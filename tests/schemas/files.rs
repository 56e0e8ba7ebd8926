//! Every shipped file has the shape of its schema, and schema and reader refuse the same keys.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ipc_mastery::curriculum::problem::SourceFile;
use ipc_mastery::curriculum::schema::{KINDS, Kind};
use serde_json::{Value, json};

use super::root;

/// Files are named after their kind; tasks and projects have a directory.
fn kind_of(path: &Path) -> Option<Kind> {
    match path.parent()?.file_name()?.to_str()? {
        "tasks" => Kind::find("task"),
        "projects" => Kind::find("project"),
        _ => Kind::find(path.file_stem()?.to_str()?),
    }
}

/// Every file of the shipped curriculum and exercises that has a schema.
pub fn shipped() -> Vec<(Kind, PathBuf)> {
    fn walk(directory: &Path, found: &mut Vec<(Kind, PathBuf)>) {
        for entry in fs::read_dir(directory).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() && path.file_name() != Some("target".as_ref()) {
                walk(&path, found);
            } else if path.extension() == Some("toml".as_ref())
                && let Some(kind) = kind_of(&path)
            {
                found.push((kind, path));
            }
        }
    }
    let mut found = Vec::new();
    walk(&root().join("curriculum"), &mut found);
    walk(&root().join("exercises"), &mut found);
    found.sort_by(|a, b| a.1.cmp(&b.1));
    found
}

pub fn parsed(text: &str) -> Option<Value> {
    toml::from_str(text).ok()
}

/// Whether a value is as a schema says; every word that [`Kind::schema`] writes is known here.
fn fits(value: &Value, schema: &Value, whole: &Value) -> bool {
    let Value::Object(rules) = schema else {
        return schema.as_bool().unwrap_or(false);
    };
    let object = value.as_object();
    let names = |list: &Value| -> Vec<String> {
        let names = list.as_array().unwrap().iter();
        names
            .map(|name| name.as_str().unwrap().to_owned())
            .collect()
    };
    rules.iter().all(|(word, rule)| match word.as_str() {
        "$schema" | "$id" | "title" | "definitions" | "then" => true,
        "$ref" => {
            let pointer = rule.as_str().unwrap().trim_start_matches('#');
            fits(value, whole.pointer(pointer).unwrap(), whole)
        }
        "type" => match rule.as_str().unwrap() {
            "object" => value.is_object(),
            "array" => value.is_array(),
            "string" => value.is_string(),
            "integer" => value.is_i64(),
            "boolean" => value.is_boolean(),
            other => panic!("type {other}"),
        },
        "pattern" => {
            let fits = |text: &str| match rule.as_str() {
                Some("\\S") => !text.trim().is_empty(),
                Some("^[0-9]{1,3}$") => text.parse::<u8>().is_ok(),
                other => panic!("pattern {other:?}"),
            };
            value.as_str().is_none_or(fits)
        }
        "minimum" => value.as_i64().is_none_or(|it| it >= rule.as_i64().unwrap()),
        "maximum" => value.as_i64().is_none_or(|it| it <= rule.as_i64().unwrap()),
        "enum" => rule.as_array().unwrap().contains(value),
        "const" => rule == value,
        "items" => value
            .as_array()
            .is_none_or(|items| items.iter().all(|item| fits(item, rule, whole))),
        "required" => {
            object.is_none_or(|object| names(rule).iter().all(|name| object.contains_key(name)))
        }
        "properties" => object.is_none_or(|object| {
            let rule = rule.as_object().unwrap();
            object
                .iter()
                .all(|(key, value)| rule.get(key).is_none_or(|rule| fits(value, rule, whole)))
        }),
        "additionalProperties" => {
            assert_eq!(rule, &json!(false));
            let known = rules["properties"].as_object().unwrap();
            object.is_none_or(|object| object.keys().all(|key| known.contains_key(key)))
        }
        "propertyNames" => {
            object.is_none_or(|object| object.keys().all(|key| fits(&json!(key), rule, whole)))
        }
        "allOf" => rule
            .as_array()
            .unwrap()
            .iter()
            .all(|rule| fits(value, rule, whole)),
        "anyOf" => rule
            .as_array()
            .unwrap()
            .iter()
            .any(|rule| fits(value, rule, whole)),
        "oneOf" => {
            let fitting = rule.as_array().unwrap().iter();
            fitting.filter(|rule| fits(value, rule, whole)).count() == 1
        }
        "if" => !fits(value, rule, whole) || fits(value, &rules["then"], whole),
        other => panic!("the validator of this test does not know `{other}`"),
    })
}

/// What the reader says of the shape of a file.
fn problems(kind: Kind, text: &str) -> Vec<String> {
    let file = Arc::new(SourceFile {
        name: "t.toml".to_owned(),
        text: text.to_owned(),
    });
    let found = kind.problems(file).into_iter();
    found.map(|problem| problem.message).collect()
}

#[test]
fn every_shipped_file_has_the_shape_of_its_schema() {
    let files = shipped();
    for kind in KINDS {
        assert!(
            files.iter().any(|(of, _)| of.name == kind.name),
            "no file of kind {} is shipped",
            kind.name
        );
    }
    for (kind, path) in files {
        let text = fs::read_to_string(&path).unwrap();
        let value = parsed(&text).unwrap();
        let schema = kind.schema();
        assert!(fits(&value, &schema, &schema), "{}", path.display());
    }
}

/// Every line `key = …` of a file, once with another key and once left out: schema and reader must
/// agree on whether the keys are right.
#[test]
fn schema_and_reader_refuse_the_same_keys() {
    let mut compared = 0;
    let mut seen = BTreeSet::new();
    for (kind, path) in shipped() {
        let text = fs::read_to_string(&path).unwrap();
        let schema = kind.schema();
        let lines: Vec<&str> = text.lines().collect();
        for (at, line) in lines.iter().enumerate() {
            let key = line.split(" = ").next().unwrap();
            let is_key = |c: char| c.is_ascii_lowercase() || c == '_';
            if key == *line || key.is_empty() || !key.chars().all(is_key) {
                continue;
            }
            // The same key under the same header and verb over and over teaches nothing new.
            let header = lines[..at].iter().rev().find(|line| line.starts_with('['));
            let verb = lines[..=at]
                .iter()
                .rev()
                .find(|line| line.starts_with("do = "));
            let verb = verb.filter(|_| header.is_some_and(|header| header.contains("step")));
            let known = (
                kind.name,
                header.copied().unwrap_or_default().to_owned(),
                key.to_owned(),
                verb.copied().unwrap_or_default().to_owned(),
            );
            if !seen.insert(known) {
                continue;
            }
            for change in [format!("zz_{line}"), String::new()] {
                let mut changed = lines.clone();
                changed[at] = &change;
                let changed = changed.join("\n") + "\n";
                // A value over several lines cannot lose its first.
                let Some(value) = parsed(&changed) else {
                    continue;
                };
                let said = problems(kind, &changed);
                let of_keys = said.iter().any(|problem| {
                    problem.contains(" lacks `") || problem.starts_with("unknown key")
                });
                let wrong = !fits(&value, &schema, &schema);
                let place = format!("{}:{} `{change}`: {said:?}", path.display(), at + 1);
                assert!(!of_keys || wrong, "only the reader refuses {place}");
                assert!(
                    !wrong || !said.is_empty(),
                    "only the schema refuses {place}"
                );
                compared += 1;
            }
        }
    }
    assert!(compared > 200, "{compared}");
}
