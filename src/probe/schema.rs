//! What a probe's JSON looks like, as a JSON Schema: made from the types themselves, so that it
//! cannot be another.
//!
//! Draft 7, like the schemas of the files that authors write. Fields are added without a new
//! number in `schema`; a field that is renamed, removed or means something else gets a new one.

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema};
use serde_json::{Value, json};

use super::Name;
use super::changes::{self, Changes};
use super::creds::Creds;
use super::env::Env;
use super::fds::Fds;
use super::runtime_dir::RuntimeDir;
use super::sockets::Sockets;

/// The JSON Schema of what `probe NAME --json` prints.
pub fn of(name: Name) -> Value {
    let mut schema = match name {
        Name::RuntimeDir => written_as::<RuntimeDir>(),
        Name::Sockets => written_as::<Sockets>(),
        Name::Creds => written_as::<Creds>(),
        Name::Env => written_as::<Env>(),
        Name::Fds => written_as::<Fds>(),
    };
    schema["title"] = json!(format!("ipc-mastery probe {} --json", name.as_str()));
    schema["properties"]["schema"]["const"] = json!(name.schema());
    schema
}

/// The JSON Schema of a line of `probe NAME --watch --json` after the first, for every probe.
pub fn of_changes() -> Value {
    let mut schema = written_as::<Changes>();
    schema["title"] = json!("ipc-mastery probe NAME --watch --json: every line but the first");
    let names = Name::ALL.iter().map(|&name| changes::schema(name));
    schema["properties"]["schema"]["enum"] = names.collect();
    schema
}

fn written_as<T: JsonSchema>() -> Value {
    let settings = SchemaSettings::draft07().for_serialize();
    let schema: Schema = settings.into_generator().into_root_schema_for::<T>();
    schema.to_value()
}

#[cfg(test)]
mod tests {
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
