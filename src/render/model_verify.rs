//! What `model verify` says: how far it is, and what was found.

use std::collections::BTreeMap;

use super::text::{Line, Role, Text};
use crate::differential::report::Report;
use crate::differential::role::Difference;
use crate::differential::turnstile;
use crate::differential::verification::{Chance, RowsRun};
use crate::model::fault::Fault;
use crate::untrusted::readable;

/// Whether each row is told with its count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counts {
    /// A line says how many rows were reached.
    Summed,
    /// Each, with how often.
    Shown,
}

/// `1,234,567`.
fn number(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

fn plural(count: u64, one: &str, many: &str) -> String {
    format!("{} {}", number(count), if count == 1 { one } else { many })
}

/// A line for the rows of the catalogue, and one for each that differs.
pub fn rows(run: &RowsRun, width: usize) -> Text {
    let mut text = Text::new();
    let all = plural(run.played.len() as u64, "row", "rows");
    let played = match run.passes() {
        1 => String::new(),
        passes => format!(", played {} times each", number(passes)),
    };
    if run.differ.is_empty() {
        let said = format!("{all} of the catalogue{played}: this kernel answers as each says.");
        text.line(Line::of(Role::Good, said));
    } else {
        let differ = plural(run.differ.len() as u64, "is answered", "are answered");
        let said =
            format!("{all} of the catalogue{played}, of which {differ} otherwise by this kernel:");
        text.line(Line::of(Role::Warning, said));
        differing(&mut text, run, width);
    }
    if !run.skipped.is_empty() {
        let skipped = plural(run.skipped.len() as u64, "more takes", "more take");
        let said = format!("{skipped} several users or what only root may, and were not tried.");
        text.line(Line::of(Role::Dim, said));
    }
    text
}

fn differing(text: &mut Text, run: &RowsRun, width: usize) {
    for row in &run.differ {
        let call = readable(&row.call);
        let mut line = Line::of(Role::Code, format!("  {}  ", row.row));
        line.push(Role::Plain, shortened(&call, width.saturating_sub(8)));
        text.line(line);
        let (says, answers) = (readable(&row.says), readable(&row.answers));
        let said = format!("       the row says {says}, this kernel {answers}");
        text.line(Line::of(Role::Plain, shortened(&said, width)));
    }
}

/// Said where this is no Linux.
pub fn not_linux(run: &RowsRun) -> Text {
    let mut text = Text::new();
    let (differ, all) = (run.differ.len(), run.played.len());
    let said = format!("{differ} of {all} rows of the catalogue are answered otherwise here.");
    text.line(Line::of(Role::Bad, said));
    let said = "This is not a Linux AF_UNIX that the model knows; it is compared no further.";
    text.line(Line::of(Role::Plain, said));
    differing(&mut text, run, 80);
    text
}

/// Says which error the model has now.
pub fn put_in(fault: Fault) -> Text {
    let mut text = Text::new();
    text.line(Line::of(
        Role::Warning,
        "The model is wrong now, on purpose:",
    ));
    text.line(Line::of(Role::Plain, format!("  {}.", fault.sentence())));
    text
}

/// Why nothing goes on yet.
pub fn waits() -> String {
    let name = turnstile::NAME;
    format!("Waiting: another program plays rows (it holds the abstract name {name}).")
}

/// How far the rows are, in one line.
pub fn rows_so_far(run: &RowsRun) -> String {
    let played: u64 = run.played.values().sum();
    format!("{} played", plural(played, "row", "rows"))
}

/// How far it is, in one line.
pub fn progress(report: &Report) -> String {
    format!(
        "{}  {}  {} a second",
        plural(report.calls, "call", "calls"),
        plural(report.sequences, "sequence", "sequences"),
        number(report.rate() as u64)
    )
}

/// What chance found, and how often each of the rows was met.
pub fn chance(of: &Chance, rows: &RowsRun, counts: Counts, width: usize) -> Text {
    let mut text = Text::new();
    let said = format!("Calls made up by chance, from seed {}:", of.one.seed);
    text.line(Line::of(Role::Plain, said));
    text.line(done(&of.one, "one process"));
    if let Some(several) = &of.several {
        text.line(done(several, "several processes"));
        let slept = format!(
            "  {} slept, until woken or until a signal came.",
            plural(several.slept, "call", "calls")
        );
        text.line(Line::of(Role::Plain, slept));
    }
    let mut reached = of.one.rows.clone();
    for (row, count) in of.several.iter().flat_map(|several| &several.rows) {
        *reached.entry(row.clone()).or_default() += count;
    }
    let said = plural(reached.len() as u64, "row", "rows");
    let said = format!("{said} of the catalogue decided something.");
    text.line(Line::of(Role::Plain, said));
    if counts == Counts::Shown {
        for (row, count) in &rows.played {
            *reached.entry(row.clone()).or_default() += count;
        }
        let said = "How often each row was played or decided something:";
        text.line(Line::of(Role::Plain, said));
        table(&mut text, &reached, width);
    }
    match &of.difference {
        None => {
            text.line(Line::of(
                Role::Good,
                "The model and this kernel agree on every one.",
            ));
        }
        Some(difference) => differ(&mut text, difference, width),
    }
    text
}

fn done(report: &Report, who: &str) -> Line {
    let said = format!(
        "  {who:<18} {:>17}  {:>16}  {:>9} a second",
        plural(report.calls, "call", "calls"),
        plural(report.sequences, "sequence", "sequences"),
        number(report.rate() as u64),
    );
    Line::of(Role::Plain, said)
}

/// Rows with their counts, as many beside each other as fit.
fn table(text: &mut Text, reached: &BTreeMap<String, u64>, width: usize) {
    let cells: Vec<String> = reached
        .iter()
        .map(|(row, count)| format!("{row} {:>9}", number(*count)))
        .collect();
    let beside = (width.saturating_sub(2) / 16).max(1);
    for cells in cells.chunks(beside) {
        text.line(Line::of(Role::Value, format!("  {}", cells.join("   "))));
    }
}

fn differ(text: &mut Text, difference: &Difference, width: usize) {
    text.blank();
    let said = "The model and this kernel differ. These calls are enough to see it:";
    text.line(Line::of(Role::Bad, said));
    for call in &difference.calls {
        let call = readable(call);
        text.line(Line::of(
            Role::Code,
            format!("  {}", shortened(&call, width.saturating_sub(2))),
        ));
    }
    for (who, answer) in [
        ("the model ", &difference.model),
        ("this kernel", &difference.linux),
    ] {
        let mut line = Line::of(Role::Dim, format!("  {who:<12}"));
        line.push(
            Role::Value,
            shortened(&format!("= {}", readable(answer)), width.saturating_sub(14)),
        );
        text.line(line);
    }
}

/// An error and how soon it was found.
pub fn found(fault: Fault, report: &Report, difference: Option<&Difference>) -> Text {
    let mut text = Text::new();
    let mut line = Line::empty();
    match difference {
        Some(difference) => {
            let found = format!("{:>7.2} s", report.seconds);
            line.push(Role::Good, found);
            let calls = plural(report.calls, "call", "calls");
            line.push(
                Role::Plain,
                format!("  {calls:>15}  {:>2} enough  ", difference.calls.len()),
            );
        }
        None => {
            line.push(Role::Bad, format!("{:>38}  ", "not found"));
        }
    }
    line.push(Role::Code, fault.id());
    text.line(line);
    text
}

/// Every error that can be put in.
pub fn list_of_faults() -> Text {
    let mut text = Text::new();
    let widest = Fault::ALL.iter().map(|fault| fault.id().len()).max();
    for fault in Fault::ALL {
        let mut line = Line::of(
            Role::Code,
            format!("{:<1$}", fault.id(), widest.unwrap_or(0)),
        );
        line.push(Role::Dim, format!("  {}  ", fault.row()));
        line.push(Role::Plain, fault.sentence());
        text.line(line);
    }
    text
}

fn shortened(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let kept: String = text.chars().take(width.saturating_sub(1)).collect();
    format!("{kept}…")
}
