//! What a probe's JSON looks like, as a JSON Schema.

use serde_json::Value;

use super::Name;
use super::changes::{self, Changes};
use super::creds::Creds;
use super::env::Env;
use super::fds::Fds;
use super::runtime_dir::RuntimeDir;
use super::sockets::Sockets;
use crate::json_schema;

/// The JSON Schema of what `probe NAME --json` prints.
pub fn of(name: Name) -> Value {
    let written_as = match name {
        Name::RuntimeDir => json_schema::named::<RuntimeDir>,
        Name::Sockets => json_schema::named::<Sockets>,
        Name::Creds => json_schema::named::<Creds>,
        Name::Env => json_schema::named::<Env>,
        Name::Fds => json_schema::named::<Fds>,
    };
    let command = format!("ipc-mastery probe {} --json", name.as_str());
    written_as(&command, name.schema())
}

/// The JSON Schema of a line of `probe NAME --watch --json` after the first, for every probe.
pub fn of_changes() -> Value {
    let command = "ipc-mastery probe NAME --watch --json: every line but the first";
    let mut schema = json_schema::of::<Changes>(command);
    let names = Name::ALL.iter().map(|&name| changes::schema(name));
    schema["properties"]["schema"]["enum"] = names.collect();
    schema
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_reference_of_a_schema_leads_somewhere() {
        fn references<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
            match value {
                Value::Object(fields) => {
                    found.extend(fields.get("$ref").and_then(Value::as_str));
                    fields.values().for_each(|value| references(value, found));
                }
                Value::Array(values) => values.iter().for_each(|value| references(value, found)),
                _ => {}
            }
        }
        for &name in Name::ALL {
            let schema = of(name);
            let mut found = Vec::new();
            references(&schema, &mut found);
            assert!(!found.is_empty(), "{name:?}: {schema:#}");
            for reference in found {
                let pointer = reference.trim_start_matches('#');
                assert!(schema.pointer(pointer).is_some(), "{name:?}: {reference}");
            }
        }
    }

    #[test]
    fn a_field_that_may_be_null_is_always_there() {
        let schema = of(Name::RuntimeDir);
        let required = schema["required"].as_array().unwrap();
        assert!(required.contains(&json!("problem")), "{schema:#}");
    }
}
