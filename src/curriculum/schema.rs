//! JSON Schemas of the files that authors write, learnt from the code that reads them: a [`Reader`]
//! of nothing notes every key it is asked for. So a schema cannot know other keys than the reader.
//!
//! A key that decides which others there are (`do` of a step) is found by trying: the table is read
//! once for each of its words. The same is done for keys of which only one may be there (a payload).
//! What a schema cannot say (names that must exist elsewhere, expressions, patterns) stays the
//! reader's to find.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::ops::Range;
use std::rc::Rc;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::correction::Corrections;
use super::exercise::{Common, Exercise, Language};
use super::glossary::Term;
use super::guidance::Guidance;
use super::lesson::Lesson;
use super::misconception::Misconception;
use super::model::Rows;
use super::module::Module;
use super::path::Path;
use super::problem::{Problem, SourceFile};
use super::project::Project;
use super::quick_reference::QuickReference;
use super::reader::{Reader, Report, read_file, record_file};
use super::services::Catalogue;
use super::task::Task;

/// A kind of file, by the name it has without `.toml`.
#[derive(Clone, Copy, Debug)]
pub struct Kind {
    /// `exercise`, `module`, …
    pub name: &'static str,
    /// Where such files are.
    pub place: &'static str,
    read: fn(&mut Reader<'_>),
}

/// Every kind of file.
pub const KINDS: &[Kind] = &[
    kind("exercise", "exercises/NN-SLUG/exercise.toml", |top| {
        drop(Exercise::read(top));
    }),
    kind("mutants", "exercises/NN-SLUG/mutants.toml", |top| {
        drop(Exercise::read_proof(top));
    }),
    kind("common", "exercises/common.toml", |top| {
        drop(Common::read(top));
    }),
    kind("languages", "exercises/languages.toml", |top| {
        drop(Language::read_all(top));
    }),
    kind(
        "lesson",
        "curriculum/NN-MODULE/NN-SLUG/lesson.toml",
        |top| {
            drop(Lesson::read(top));
        },
    ),
    kind("module", "curriculum/NN-MODULE/module.toml", |top| {
        drop(Module::read(top));
    }),
    kind("path", "curriculum/path.toml", |top| drop(Path::read(top))),
    kind("task", "curriculum/tasks/SLUG.toml", |top| {
        drop(Task::read(top));
    }),
    kind("services", "curriculum/services.toml", |top| {
        drop(Catalogue::read(top));
    }),
    kind("environment", "curriculum/environment.toml", |top| {
        drop(Guidance::read(top));
    }),
    kind("misconceptions", "curriculum/misconceptions.toml", |top| {
        drop(Misconception::read_all(top));
    }),
    kind("corrections", "curriculum/corrections.toml", |top| {
        drop(Corrections::read(top));
    }),
    kind("glossary", "curriculum/glossary.toml", |top| {
        drop(Term::read_all(top));
    }),
    kind("rows", "curriculum/model/rows.toml", |top| {
        drop(Rows::read(top));
    }),
    kind("project", "curriculum/projects/NAME.toml", |top| {
        drop(Project::read(top));
    }),
    kind(
        "quick-reference",
        "curriculum/quick-reference.toml",
        |top| {
            drop(QuickReference::read(top));
        },
    ),
];

const fn kind(name: &'static str, place: &'static str, read: fn(&mut Reader<'_>)) -> Kind {
    Kind { name, place, read }
}

impl Kind {
    /// The kind with this name.
    pub fn find(name: &str) -> Option<Self> {
        KINDS.iter().copied().find(|kind| kind.name == name)
    }

    /// The mistakes of one such file that concern its shape alone: keys, types, words, ranges.
    pub fn problems(self, file: Arc<SourceFile>) -> Vec<Problem> {
        let report = Report::new(file);
        read_file(&report, |top| (self.read)(top));
        report.finish()
    }

    /// The schema (JSON Schema, draft 7).
    pub fn schema(self) -> Value {
        let table = record_file(self.read);
        let mut writer = Writer::default();
        writer.find_recursive(&table);
        let Value::Object(body) = writer.table(&table) else {
            return Value::Null;
        };
        let mut schema = Map::new();
        let fixed = [
            ("$schema", json!("http://json-schema.org/draft-07/schema#")),
            ("$id", json!(format!("urn:ipc-mastery:{}:1", self.name))),
            ("title", json!(self.place)),
        ];
        for (key, value) in fixed {
            schema.insert(key.to_owned(), value);
        }
        schema.extend(body.into_iter().filter(|(key, _)| key != "title"));
        let definitions = writer.definitions(&table);
        if !definitions.is_empty() {
            schema.insert("definitions".to_owned(), Value::Object(definitions));
        }
        Value::Object(schema)
    }
}

/// What a key holds.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Shape {
    /// A string.
    Text,
    /// A string that is not empty.
    Words,
    /// A whole number in a range.
    Integer(Range<i64>),
    /// A list of whole numbers in a range.
    Integers(Range<i64>),
    /// A truth value.
    Flag,
    /// A list of strings.
    Texts,
    /// One of these words.
    Choice(Vec<&'static str>),
    /// One of these words, or a number in quotes.
    ChoiceOrNumber(Vec<&'static str>),
    /// A table.
    Table(Table),
    /// A list of tables.
    Tables(Table),
    /// A table with any keys.
    Free,
}

/// Whether a key must be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need {
    May,
    Must,
}

/// What is asked of a table.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Table {
    what: &'static str,
    /// The keys of each variant; what decides between them is in [`Table::by`].
    variants: Vec<(&'static str, Keys)>,
    by: By,
    /// It is the same as the one around it that is called so: nothing more is known here.
    again: bool,
}

/// What decides which keys a table has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum By {
    /// Nothing: there is one variant.
    #[default]
    Nothing,
    /// The word under this key.
    Word(&'static str),
    /// Which of its keys is there.
    Key,
}

type Keys = Vec<(&'static str, Shape, Need)>;

/// What is pretended while a table is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Forced {
    /// This key is there.
    Present(&'static str),
    /// This key has this word.
    Word(&'static str, &'static str),
}

/// What one reading of one table asked for.
#[derive(Clone, Debug, Default)]
pub(super) struct Recorder {
    keys: Keys,
    /// Keys that were only looked for.
    looked_for: Vec<&'static str>,
    forced: Vec<Forced>,
    /// The tables around this one.
    around: Rc<RefCell<Vec<&'static str>>>,
}

impl Recorder {
    pub(super) fn note(&mut self, key: &'static str, shape: Shape, need: Need) {
        match self.keys.iter_mut().find(|(known, ..)| *known == key) {
            // The stricter of two: a text that must not be empty, a word of a list.
            Some((_, known, needed)) => {
                if matches!(known, Shape::Text) || !matches!(shape, Shape::Text) {
                    let words = matches!((&*known, &shape), (Shape::Choice(_), Shape::Text));
                    if !words && !matches!(known, Shape::Words) {
                        *known = shape;
                    }
                }
                if need == Need::Must {
                    *needed = need;
                }
            }
            None => self.keys.push((key, shape, need)),
        }
    }

    /// A key must be there, whatever it holds.
    pub(super) fn require(&mut self, key: &'static str) {
        match self.keys.iter_mut().find(|(known, ..)| *known == key) {
            Some((_, _, need)) => *need = Need::Must,
            None => self.keys.push((key, Shape::Text, Need::Must)),
        }
    }

    pub(super) fn has(&mut self, key: &'static str) -> bool {
        if !self.looked_for.contains(&key) {
            self.looked_for.push(key);
        }
        self.forced.contains(&Forced::Present(key))
    }

    /// The word that a key is to have.
    pub(super) fn word(&self, key: &'static str) -> Option<&'static str> {
        self.forced.iter().find_map(|forced| match forced {
            Forced::Word(of, word) if *of == key => Some(*word),
            _ => None,
        })
    }

    /// Records a table: `read` is called with a recorder, as often as there are variants.
    pub(super) fn below(
        &self,
        what: &'static str,
        mut read: impl FnMut(Recorder) -> Option<Recorder>,
    ) -> Table {
        if self.around.borrow().contains(&what) {
            return Table {
                what,
                again: true,
                ..Table::default()
            };
        }
        self.around.borrow_mut().push(what);
        let mut once = |forced| {
            let recorder = Recorder {
                forced,
                around: Rc::clone(&self.around),
                ..Recorder::default()
            };
            read(recorder).unwrap_or_default()
        };
        let table = variants(what, &mut once);
        self.around.borrow_mut().pop();
        table
    }
}

/// Reads a table, and once more for each key that is read only when it is there.
fn keys(once: &mut dyn FnMut(Vec<Forced>) -> Recorder, forced: &[Forced]) -> Keys {
    let Recorder {
        mut keys,
        looked_for,
        ..
    } = once(forced.to_vec());
    for present in looked_for {
        if keys.iter().any(|(known, ..)| *known == present) {
            continue;
        }
        let mut more = forced.to_vec();
        more.push(Forced::Present(present));
        for (key, shape, _) in once(more).keys {
            if keys.iter().all(|(known, ..)| *known != key) {
                keys.push((key, shape, Need::May));
            }
        }
    }
    keys
}

/// Finds what decides between variants of a table, by reading it in every way.
fn variants(what: &'static str, once: &mut dyn FnMut(Vec<Forced>) -> Recorder) -> Table {
    let table = |variants, by| Table {
        what,
        variants,
        by,
        again: false,
    };
    let plain = once(Vec::new());
    if plain.keys.is_empty() && plain.looked_for.len() > 1 {
        let variant = |key: &'static str| {
            let mut keys = once(vec![Forced::Present(key)]).keys;
            for (known, _, need) in &mut keys {
                if *known == key {
                    *need = Need::Must;
                }
            }
            (key, keys)
        };
        return table(plain.looked_for.into_iter().map(variant).collect(), By::Key);
    }
    let names = |keys: &Keys| keys.iter().map(|(key, ..)| *key).collect::<BTreeSet<_>>();
    let usual = keys(once, &[]);
    for (key, shape, need) in &usual {
        let (Shape::Choice(words), Need::Must) = (shape, need) else {
            continue;
        };
        let variants: Vec<(&'static str, Keys)> = words
            .iter()
            .map(|word| (*word, keys(once, &[Forced::Word(key, word)])))
            .collect();
        if variants
            .iter()
            .any(|(_, keys)| names(keys) != names(&usual))
        {
            return table(variants, By::Word(key));
        }
    }
    table(vec![("", usual)], By::Nothing)
}

/// Writes shapes as JSON Schema.
#[derive(Default)]
struct Writer {
    /// Tables that contain themselves, by what they are called.
    recursive: BTreeSet<&'static str>,
}

impl Writer {
    fn find_recursive(&mut self, table: &Table) {
        if table.again {
            self.recursive.insert(table.what);
        }
        for inner in inner_tables(table) {
            self.find_recursive(inner);
        }
    }

    /// The tables that contain themselves.
    fn definitions(&self, table: &Table) -> Map<String, Value> {
        let mut found = Map::new();
        if self.recursive.contains(table.what) && !table.again {
            found.insert(slug(table.what), self.table(table));
        }
        for inner in inner_tables(table) {
            found.extend(self.definitions(inner));
        }
        found
    }

    fn reference(&self, table: &Table) -> Value {
        if self.recursive.contains(table.what) {
            json!({ "$ref": format!("#/definitions/{}", slug(table.what)) })
        } else {
            self.table(table)
        }
    }

    fn table(&self, table: &Table) -> Value {
        let one = |keys: &Keys| self.object(keys);
        let mut schema = match (&table.by, table.variants.as_slice()) {
            (By::Key, variants) => {
                let all: Vec<Value> = variants.iter().map(|(_, keys)| one(keys)).collect();
                json!({ "type": "object", "oneOf": all })
            }
            (By::Word(key), variants) => self.by_word(key, variants),
            (By::Nothing, [(_, keys), ..]) => one(keys),
            (By::Nothing, []) => json!({ "type": "object" }),
        };
        schema["title"] = json!(table.what);
        schema
    }

    fn object(&self, keys: &Keys) -> Value {
        let properties: Map<String, Value> = keys
            .iter()
            .map(|(key, shape, _)| ((*key).to_owned(), self.shape(shape)))
            .collect();
        json!({
            "type": "object",
            "properties": properties,
            "required": required(keys),
            "additionalProperties": false,
        })
    }

    /// All keys of all variants, so that an editor can offer them, and what each word admits.
    fn by_word(&self, by: &str, variants: &[(&'static str, Keys)]) -> Value {
        let mut union: Vec<(&'static str, Vec<Value>)> = Vec::new();
        for (key, shape, _) in variants.iter().flat_map(|(_, keys)| keys) {
            let value = self.shape(shape);
            match union.iter_mut().find(|(known, _)| known == key) {
                Some((_, values)) if values.contains(&value) => {}
                Some((_, values)) => values.push(value),
                None => union.push((key, vec![value])),
            }
        }
        let several: Vec<&str> = union
            .iter()
            .filter(|(_, values)| values.len() > 1)
            .map(|(key, _)| *key)
            .collect();
        let rules: Vec<Value> = variants
            .iter()
            .map(|(word, keys)| {
                let names: Vec<&str> = keys.iter().map(|(key, ..)| *key).collect();
                let own: Map<String, Value> = keys
                    .iter()
                    .filter(|(key, ..)| several.contains(key))
                    .map(|(key, shape, _)| ((*key).to_owned(), self.shape(shape)))
                    .collect();
                json!({
                    "if": { "properties": { by: { "const": word } }, "required": [by] },
                    "then": {
                        "propertyNames": { "enum": names },
                        "properties": own,
                        "required": required(keys),
                    },
                })
            })
            .collect();
        let properties: Map<String, Value> = union
            .into_iter()
            .map(|(key, mut values)| {
                let value = match values.len() {
                    1 => values.remove(0),
                    _ => json!({ "anyOf": values }),
                };
                (key.to_owned(), value)
            })
            .collect();
        json!({
            "type": "object",
            "properties": properties,
            "required": [by],
            "additionalProperties": false,
            "allOf": rules,
        })
    }

    fn shape(&self, shape: &Shape) -> Value {
        match shape {
            Shape::Text => json!({ "type": "string" }),
            // As the reader has it: something that is no blank.
            Shape::Words => json!({ "type": "string", "pattern": "\\S" }),
            Shape::Integer(range) => {
                json!({ "type": "integer", "minimum": range.start, "maximum": range.end - 1 })
            }
            Shape::Integers(range) => json!({
                "type": "array",
                "items": {
                    "type": "integer", "minimum": range.start, "maximum": range.end - 1,
                },
            }),
            Shape::Flag => json!({ "type": "boolean" }),
            Shape::Texts => json!({ "type": "array", "items": { "type": "string" } }),
            Shape::Choice(words) => json!({ "enum": words }),
            Shape::ChoiceOrNumber(words) => json!({
                "anyOf": [{ "enum": words }, { "type": "string", "pattern": NUMBER }],
            }),
            Shape::Table(table) => self.reference(table),
            Shape::Tables(table) => json!({ "type": "array", "items": self.reference(table) }),
            Shape::Free => json!({ "type": "object" }),
        }
    }
}

/// A number from 0 to 255, in quotes.
const NUMBER: &str = "^[0-9]{1,3}$";

fn inner_tables(table: &Table) -> impl Iterator<Item = &Table> {
    let keys = table.variants.iter().flat_map(|(_, keys)| keys);
    keys.filter_map(|(_, shape, _)| match shape {
        Shape::Table(inner) | Shape::Tables(inner) => Some(inner),
        _ => None,
    })
}

fn required(keys: &Keys) -> Vec<&'static str> {
    let needed = keys.iter().filter(|(_, _, need)| *need == Need::Must);
    needed.map(|(key, ..)| *key).collect()
}

/// `a payload` as `payload`.
fn slug(what: &str) -> String {
    let what = what
        .strip_prefix("a ")
        .or_else(|| what.strip_prefix("an "))
        .unwrap_or(what);
    what.replace(' ', "-")
}
