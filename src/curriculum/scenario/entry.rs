//! An entry of the journal that must come, in its native protocol
//! (<https://systemd.io/JOURNAL_NATIVE_PROTOCOL/>). What an entry is made of is
//! [`crate::check`]'s.

use serde::Serialize;

use super::Payload;
use crate::curriculum::reader::Reader;

/// An entry that must come as the next datagram.
#[derive(Clone, Debug, Serialize)]
pub struct ExpectEntry {
    /// The socket at which a journal is played.
    pub connection: String,
    /// The connection whose peer the values mean.
    pub of: String,
    /// Fields that it must have; others may stand between them.
    pub fields: Vec<Field>,
    /// Names of fields that it may not have.
    pub without: Vec<String>,
}

/// A field of an entry.
#[derive(Clone, Debug, Serialize)]
pub struct Field {
    /// Its name, in capitals.
    pub name: String,
    /// What it must hold.
    pub holds: FieldValue,
}

/// What a field must hold.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FieldValue {
    /// A template over `peer`.
    Text(String),
    /// These bytes.
    Data(Payload),
}

impl ExpectEntry {
    pub(super) fn read(table: &mut Reader<'_>, connection: String) -> Self {
        let of = table.optional_text("of");
        Self {
            connection,
            of: of.map_or_else(|| "a".to_owned(), |of| of.value),
            fields: table.tables("fields", "a field of an entry", Field::read),
            without: table
                .texts("without")
                .into_iter()
                .map(|name| name.value)
                .collect(),
        }
    }
}

impl Field {
    fn read(table: &mut Reader<'_>) -> Self {
        let name = table.text("name");
        let value = table.optional_text("value");
        let data = Payload::optional(table, "data");
        let holds = match (value, data) {
            (Some(value), None) => FieldValue::Text(value.value),
            (None, Some(data)) => FieldValue::Data(data),
            _ => {
                let message = "a field has exactly one of `value` and `data`";
                table.problem(table.span(), message, None);
                FieldValue::Text(String::new())
            }
        };
        Self { name, holds }
    }
}
