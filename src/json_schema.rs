//! What `--json` prints, as a JSON Schema: made from the types themselves, so that it cannot be
//! another.
//!
//! Draft 7, like the schemas of the files that authors write. Fields are added without a new
//! number in `schema`; a field that is renamed, removed or means something else gets a new one.

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Value, json};

/// The schema of what is printed of a `T`, whose title is the command that prints it.
pub fn of<T: JsonSchema>(command: &str) -> Value {
    let settings = SchemaSettings::draft07().for_serialize();
    let mut schema = settings
        .into_generator()
        .into_root_schema_for::<T>()
        .to_value();
    schema["title"] = json!(command);
    schema
}

/// The same, where the field `schema` always has this name.
pub fn named<T: JsonSchema>(command: &str, name: &str) -> Value {
    let mut schema = of::<T>(command);
    schema["properties"]["schema"]["const"] = json!(name);
    schema
}
