//! Reads one TOML table, key by key, and remembers every mistake with its place.
//!
//! Serde stops at the first error and forgets spans behind `flatten` and `untagged`; an author
//! wants all mistakes of a file at once, with a caret under each. A [`Reader`] hands out typed
//! values; what is missing or of the wrong type becomes a [`Problem`] and an empty value, and
//! whoever asked for the file sees the problems before any value. Keys nobody asked for are
//! mistakes too. This file knows TOML and no schema; but whoever reads with a recording [`Reader`]
//! ([`super::schema`]) learns which keys are asked for, and of what type.

use std::cell::RefCell;
use std::ops::Range;
use std::sync::Arc;

use serde::Serialize;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::problem::{Problem, SourceFile, did_you_mean};
use super::schema::{Need, Recorder, Shape, Table};

/// A value with the place it was written at, for checks against other files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Located<T> {
    /// The value.
    pub value: T,
    /// Byte offsets into the text of its file.
    pub span: Range<usize>,
}

impl<T: Serialize> Serialize for Located<T> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.value.serialize(serializer)
    }
}

/// Where mistakes of one file are gathered.
#[derive(Debug)]
pub struct Report {
    /// The file being read.
    pub file: Arc<SourceFile>,
    problems: RefCell<Vec<Problem>>,
}

impl Report {
    /// A report on a file, with nothing in it yet.
    pub fn new(file: Arc<SourceFile>) -> Self {
        Self {
            file,
            problems: RefCell::new(Vec::new()),
        }
    }

    /// Adds a mistake.
    pub fn add(&self, span: Range<usize>, message: impl Into<String>, help: Option<String>) {
        self.problems.borrow_mut().push(Problem {
            file: Arc::clone(&self.file),
            span: Some(span),
            message: message.into(),
            help,
        });
    }

    /// All mistakes, in the order of the file.
    pub fn finish(self) -> Vec<Problem> {
        let mut problems = self.problems.into_inner();
        problems.sort_by_key(|problem| problem.span.as_ref().map_or(0, |span| span.start));
        problems
    }
}

/// Parses a file and reads its top table with `read`. Returns what was read, with all mistakes
/// in the report; use the value only when the report is empty.
pub fn read_file<T: Default>(report: &Report, read: impl FnOnce(&mut Reader<'_>) -> T) -> T {
    let file = Arc::clone(&report.file);
    let (table, errors) = DeTable::parse_recoverable(&file.text);
    for error in &errors {
        report.add(
            error.span().unwrap_or(0..0),
            error.message().replace('\n', "; "),
            None,
        );
    }
    if !errors.is_empty() {
        return T::default();
    }
    let mut reader = Reader::new(
        report,
        table.get_ref(),
        0..file.text.len().min(1),
        "this file",
    );
    let value = read(&mut reader);
    reader.finish();
    value
}

/// Has what reads a file read nothing, and tells what it asks for.
pub(super) fn record_file(read: fn(&mut Reader<'_>)) -> Table {
    let report = Report::new(Arc::new(SourceFile {
        name: String::new(),
        text: String::new(),
    }));
    let empty = DeTable::new();
    let what = "this file";
    Recorder::default().below(what, |recorder| {
        let mut reader = Reader::recording(&report, &empty, what, recorder);
        read(&mut reader);
        reader.recorder
    })
}

/// One table being read.
#[derive(Debug)]
pub struct Reader<'a> {
    report: &'a Report,
    table: &'a DeTable<'a>,
    span: Range<usize>,
    what: &'static str,
    asked: Vec<&'static str>,
    /// Set when nothing is read, but learnt what would be.
    recorder: Option<Recorder>,
}

impl<'a> Reader<'a> {
    /// A reader of nothing, which notes what it is asked for. `table` is empty.
    fn recording(
        report: &'a Report,
        table: &'a DeTable<'a>,
        what: &'static str,
        recorder: Recorder,
    ) -> Self {
        Self {
            recorder: Some(recorder),
            ..Self::new(report, table, 0..0, what)
        }
    }

    /// Notes a key, when recording.
    fn note(&mut self, key: &'static str, shape: impl FnOnce() -> Shape, need: Need) {
        if let Some(recorder) = &mut self.recorder {
            recorder.note(key, shape(), need);
        }
    }

    fn new(
        report: &'a Report,
        table: &'a DeTable<'a>,
        span: Range<usize>,
        what: &'static str,
    ) -> Self {
        Self {
            report,
            table,
            span,
            what,
            asked: Vec::new(),
            recorder: None,
        }
    }

    /// Where this table begins.
    pub fn span(&self) -> Range<usize> {
        self.span.clone()
    }

    /// Adds a mistake at a place.
    pub fn problem(&self, span: Range<usize>, message: impl Into<String>, help: Option<String>) {
        self.report.add(span, message, help);
    }

    fn get(&mut self, key: &'static str) -> Option<&'a Spanned<DeValue<'a>>> {
        if !self.asked.contains(&key) {
            self.asked.push(key);
        }
        self.table
            .iter()
            .find(|(name, _)| name.get_ref() == key)
            .map(|(_, value)| value)
    }

    /// Reports that a key is missing which must be there.
    pub fn missing(&mut self, key: &'static str) {
        self.problem(self.span(), format!("{} lacks `{key}`", self.what), None);
        if let Some(recorder) = &mut self.recorder {
            recorder.require(key);
        }
    }

    fn wrong_type(&self, key: &str, wanted: &str, value: &Spanned<DeValue<'_>>) {
        let found = value.get_ref().type_str();
        self.problem(
            value.span(),
            format!("`{key}` must be {wanted}, found {found}"),
            None,
        );
    }

    /// Whether the key is there.
    pub fn has(&mut self, key: &'static str) -> bool {
        match &mut self.recorder {
            Some(recorder) => recorder.has(key),
            None => self.get(key).is_some(),
        }
    }

    /// A string that may be absent.
    pub fn optional_text(&mut self, key: &'static str) -> Option<Located<String>> {
        self.note(key, || Shape::Text, Need::May);
        let value = self.get(key)?;
        match value.get_ref().as_str() {
            Some(text) => Some(Located {
                value: text.to_owned(),
                span: value.span(),
            }),
            None => {
                self.wrong_type(key, "a string", value);
                None
            }
        }
    }

    /// A string that must be there and not be empty, with its place.
    pub fn located_text(&mut self, key: &'static str) -> Located<String> {
        self.note(key, || Shape::Words, Need::Must);
        let absent = self.get(key).is_none();
        let found = self.optional_text(key);
        match found {
            Some(text) if text.value.trim().is_empty() => {
                self.problem(text.span.clone(), format!("`{key}` is empty"), None);
                text
            }
            Some(text) => text,
            None => {
                if absent {
                    self.missing(key);
                }
                Located {
                    value: String::new(),
                    span: self.span(),
                }
            }
        }
    }

    /// A string that must be there and not be empty.
    pub fn text(&mut self, key: &'static str) -> String {
        self.located_text(key).value
    }

    /// A string that must be there, and may be empty.
    pub fn whole_text(&mut self, key: &'static str) -> String {
        self.note(key, || Shape::Text, Need::Must);
        if self.get(key).is_none() {
            self.missing(key);
        }
        let found = self.optional_text(key);
        found.map_or_else(String::new, |text| text.value)
    }

    /// A whole number within a range, if there.
    pub fn optional_integer(&mut self, key: &'static str, range: Range<i64>) -> Option<i64> {
        self.note(key, || Shape::Integer(range.clone()), Need::May);
        let value = self.get(key)?;
        let number = value.get_ref().as_integer().and_then(|integer| {
            i64::from_str_radix(&integer.as_str().replace('_', ""), integer.radix()).ok()
        });
        match number {
            Some(number) if range.contains(&number) => Some(number),
            Some(number) => {
                let (first, last) = (range.start, range.end - 1);
                let message = if first == last {
                    format!("`{key}` is {number}; it must be {first}")
                } else {
                    format!("`{key}` is {number}; it must be from {first} to {last}")
                };
                self.problem(value.span(), message, None);
                None
            }
            None => {
                self.wrong_type(key, "a whole number", value);
                None
            }
        }
    }

    /// A whole number within a range.
    pub fn integer(&mut self, key: &'static str, range: Range<i64>) -> i64 {
        let start = range.start;
        if self.get(key).is_none() {
            self.missing(key);
        }
        self.optional_integer(key, range).unwrap_or(start)
    }

    /// A truth value; `false` when absent.
    pub fn flag(&mut self, key: &'static str) -> bool {
        self.note(key, || Shape::Flag, Need::May);
        let Some(value) = self.get(key) else {
            return false;
        };
        value.get_ref().as_bool().unwrap_or_else(|| {
            self.wrong_type(key, "true or false", value);
            false
        })
    }

    /// A list of strings; empty when absent.
    pub fn texts(&mut self, key: &'static str) -> Vec<Located<String>> {
        self.note(key, || Shape::Texts, Need::May);
        self.strings(key)
    }

    /// A list of strings that must be there, for which the caller says what is missing when it is
    /// not; empty when absent.
    pub fn needed_texts(&mut self, key: &'static str) -> Vec<Located<String>> {
        self.note(key, || Shape::Texts, Need::Must);
        self.strings(key)
    }

    fn strings(&mut self, key: &'static str) -> Vec<Located<String>> {
        let Some(value) = self.get(key) else {
            return Vec::new();
        };
        let Some(array) = value.get_ref().as_array() else {
            self.wrong_type(key, "a list of strings", value);
            return Vec::new();
        };
        let mut texts = Vec::new();
        for item in array.iter() {
            match item.get_ref().as_str() {
                Some(text) => texts.push(Located {
                    value: text.to_owned(),
                    span: item.span(),
                }),
                None => self.wrong_type(key, "a list of strings", item),
            }
        }
        texts
    }

    /// A list of whole numbers within a range; empty when absent.
    pub fn integers(&mut self, key: &'static str, range: Range<i64>) -> Vec<i64> {
        self.note(key, || Shape::Integers(range.clone()), Need::May);
        let Some(value) = self.get(key) else {
            return Vec::new();
        };
        let wanted = format!(
            "a list of whole numbers from {} to {}",
            range.start,
            range.end - 1
        );
        let Some(array) = value.get_ref().as_array() else {
            self.wrong_type(key, &wanted, value);
            return Vec::new();
        };
        let mut numbers = Vec::new();
        for item in array.iter() {
            match json(item.get_ref()).as_i64() {
                Some(number) if range.contains(&number) => numbers.push(number),
                _ => self.wrong_type(key, &wanted, item),
            }
        }
        numbers
    }

    /// One of a closed set of words, if there.
    pub fn optional_choice<T: Copy>(
        &mut self,
        key: &'static str,
        words: &[(&'static str, T)],
    ) -> Option<T> {
        let all = || Shape::Choice(words.iter().map(|(word, _)| *word).collect());
        self.note(key, all, Need::May);
        let text = self.optional_text(key)?;
        let found = words.iter().find(|(word, _)| *word == text.value);
        if found.is_none() {
            let list: Vec<String> = words.iter().map(|(word, _)| format!("`{word}`")).collect();
            let help = did_you_mean(&text.value, words.iter().map(|(word, _)| *word))
                .unwrap_or_else(|| format!("It may be {}.", list.join(", ")));
            let message = format!("`{}` is not known for `{key}`", text.value);
            self.problem(text.span.clone(), message, Some(help));
        }
        found.map(|(_, value)| *value)
    }

    /// One of a closed set of words; the first when it is missing or wrong.
    pub fn choice<T: Copy>(&mut self, key: &'static str, words: &[(&'static str, T)]) -> T {
        if self.get(key).is_none() {
            self.missing(key);
        }
        let chosen = self.optional_choice(key, words);
        let forced = self.recorder.as_ref().and_then(|it| it.word(key));
        let forced = words.iter().find(|(word, _)| Some(*word) == forced);
        chosen
            .or(forced.map(|(_, value)| *value))
            .unwrap_or(words[0].1)
    }

    /// One of a closed set of words, or (as the error) a number from 0 to 255 in quotes.
    ///
    /// # Errors
    /// It is a number.
    pub fn choice_or_number<T: Copy>(
        &mut self,
        key: &'static str,
        words: &[(&'static str, T)],
    ) -> Result<T, u8> {
        let number = self.get(key).and_then(|value| value.get_ref().as_str());
        if let Some(number) = number.and_then(|text| text.parse().ok()) {
            return Err(number);
        }
        let word = self.choice(key, words);
        let all = || Shape::ChoiceOrNumber(words.iter().map(|(word, _)| *word).collect());
        self.note(key, all, Need::Must);
        Ok(word)
    }

    /// A table, if there.
    pub fn table<T>(
        &mut self,
        key: &'static str,
        what: &'static str,
        mut read: impl FnMut(&mut Reader<'a>) -> T,
    ) -> Option<T> {
        self.note_table(key, what, Shape::Table, &mut read);
        let value = self.get(key)?;
        match value.get_ref().as_table() {
            Some(table) => {
                let mut reader = Reader::new(self.report, table, value.span(), what);
                let result = read(&mut reader);
                reader.finish();
                Some(result)
            }
            None => {
                self.wrong_type(key, "a table", value);
                None
            }
        }
    }

    /// A list of tables; empty when absent.
    pub fn tables<T>(
        &mut self,
        key: &'static str,
        what: &'static str,
        mut read: impl FnMut(&mut Reader<'a>) -> T,
    ) -> Vec<T> {
        self.note_table(key, what, Shape::Tables, &mut read);
        let Some(value) = self.get(key) else {
            return Vec::new();
        };
        let Some(array) = value.get_ref().as_array() else {
            self.wrong_type(key, "a list of tables", value);
            return Vec::new();
        };
        let mut found = Vec::new();
        for item in array.iter() {
            match item.get_ref().as_table() {
                Some(table) => {
                    let mut reader = Reader::new(self.report, table, item.span(), what);
                    found.push(read(&mut reader));
                    reader.finish();
                }
                None => self.wrong_type(key, "a table", item),
            }
        }
        found
    }

    /// Every key of this table with its value as JSON, for parameters whose names belong to
    /// somebody else.
    pub fn free_table(&mut self, key: &'static str) -> serde_json::Map<String, serde_json::Value> {
        self.note(key, || Shape::Free, Need::May);
        let Some(value) = self.get(key) else {
            return serde_json::Map::new();
        };
        match json(value.get_ref()) {
            serde_json::Value::Object(map) => map,
            _ => {
                self.wrong_type(key, "a table", value);
                serde_json::Map::new()
            }
        }
    }

    /// Notes a table, with all that would be asked of it.
    fn note_table<T>(
        &mut self,
        key: &'static str,
        what: &'static str,
        shape: fn(Table) -> Shape,
        read: &mut impl FnMut(&mut Reader<'a>) -> T,
    ) {
        if let Some(recorder) = &self.recorder {
            let (report, empty) = (self.report, self.table);
            let table = recorder.below(what, |recorder| {
                let mut reader = Reader::recording(report, empty, what, recorder);
                read(&mut reader);
                reader.recorder
            });
            self.note(key, || shape(table), Need::May);
        }
    }

    /// The first line of every format: `format = 1`.
    pub fn format(&mut self) {
        self.integer("format", 1..2);
    }

    fn finish(self) {
        for (key, _) in self.table.iter() {
            if !self.asked.iter().any(|asked| asked == key.get_ref()) {
                let help = did_you_mean(key.get_ref(), self.asked.iter().copied())
                    .unwrap_or_else(|| format!("Known here: {}.", self.asked.join(", ")));
                let message = format!("unknown key `{}` in {}", key.get_ref(), self.what);
                self.problem(key.span(), message, Some(help));
            }
        }
    }
}

fn json(value: &DeValue<'_>) -> serde_json::Value {
    match value {
        DeValue::String(text) => text.as_ref().into(),
        DeValue::Integer(number) => {
            i64::from_str_radix(&number.as_str().replace('_', ""), number.radix())
                .unwrap_or_default()
                .into()
        }
        DeValue::Float(number) => number.as_str().parse::<f64>().unwrap_or_default().into(),
        DeValue::Boolean(truth) => (*truth).into(),
        DeValue::Datetime(moment) => moment.to_string().into(),
        DeValue::Array(items) => items.iter().map(|item| json(item.get_ref())).collect(),
        DeValue::Table(table) => table
            .iter()
            .map(|(key, value)| (key.get_ref().to_string(), json(value.get_ref())))
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(text: &str) -> Vec<String> {
        let file = Arc::new(SourceFile {
            name: "t.toml".into(),
            text: text.into(),
        });
        let report = Report::new(file);
        read_file(&report, |top| {
            top.text("title");
            top.integer("minutes", 1..60);
            top.tables("part", "a part", |part| {
                part.choice("kind", &[("choice", 1), ("number", 2)]);
            });
        });
        report
            .finish()
            .into_iter()
            .map(|p| {
                let line = p.line().unwrap();
                format!("{line}: {} {}", p.message, p.help.unwrap_or_default())
            })
            .collect()
    }

    #[test]
    fn reports_every_mistake_of_a_file_at_once() {
        let found = problems("titel = 'x'\nminutes = 'ten'\n[[part]]\nkind = 'choise'\n");
        assert_eq!(
            found,
            [
                "1: this file lacks `title` ",
                "1: unknown key `titel` in this file Did you mean `title`?",
                "2: `minutes` must be a whole number, found string ",
                "4: `choise` is not known for `kind` Did you mean `choice`?",
            ]
        );
    }

    #[test]
    fn a_syntax_error_hides_nothing_but_the_values() {
        let found = problems("title = \nminutes = 5\nx = = 1\n");
        assert!(found.len() >= 2, "{found:?}");
        assert!(found[0].starts_with("1:"), "{found:?}");
    }
}
