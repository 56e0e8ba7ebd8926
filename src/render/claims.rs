//! What lessons say, judged on this kernel: a paragraph for each sentence, a line of counts.
//!
//! ```text
//! bytes-not-messages  unix.bytes, checked on 6.18.44
//!   ✓ 2 predictions and 2 facts
//!   ✓ One read takes what two writes left in a stream.
//!   ✗ A read waits until its buffer is full.
//!     Differs on this kernel: the expression is false
//!     obs.a.count == obs.a.room
//!     obs.a.count = 12, obs.a.room = 100
//! ```

use super::markdown::{Document, Layout, paragraph};
use super::text::{Line, Role, Text};
use crate::experiment::claims::{Counts, Finding, Kind, LessonReport, Report, Standing};
use crate::untrusted::readable;

/// The whole report.
pub fn report(report: &Report, layout: Layout<'_>) -> Text {
    let mut text = Text::new();
    for lesson in &report.lessons {
        text.append(one_lesson(lesson, layout));
        text.blank();
    }
    text.append(summary(report, layout));
    text
}

fn one_lesson(lesson: &LessonReport, layout: Layout<'_>) -> Text {
    let mut text = Text::new();
    let mut about = match &lesson.experiment {
        Some(name) => format!("  {}", readable(name)),
        None => "  no experiment".to_owned(),
    };
    if !lesson.checked.is_empty() {
        about += &format!(", checked on {}", lesson.checked.join(", "));
    }
    text.line(
        Line::of(Role::Subheading, readable(&lesson.lesson).into_owned())
            .with(Role::Dim, readable(&about).into_owned()),
    );
    let holding = |kind: Kind| {
        let all = lesson.findings.iter().filter(move |it| it.kind == kind);
        all.filter(|it| it.standing == Standing::Holds).count()
    };
    let asked: Vec<String> = [
        count(holding(Kind::Prediction), "prediction"),
        count(holding(Kind::Fact), "fact"),
    ]
    .into_iter()
    .flatten()
    .collect();
    if !asked.is_empty() {
        let words = asked.join(" and ") + " to state";
        item(&mut text, Role::Good, "✓", &words, layout);
    }
    // Why an experiment gave nothing is the same for all that it was to show.
    let mut told: Option<&str> = None;
    for finding in &lesson.findings {
        match (finding.standing, finding.kind) {
            (Standing::Holds, Kind::Prediction | Kind::Fact) => {}
            (Standing::Holds, Kind::Claim) => {
                item(&mut text, Role::Good, "✓", &finding.says, layout);
            }
            (Standing::Differs, _) => {
                item(&mut text, Role::Bad, "✗", &finding.says, layout);
                differs(&mut text, finding, lesson, layout);
            }
            (Standing::AsTold, _) => {
                item(&mut text, Role::Warning, "≠", &finding.says, layout);
                let why = finding.why.as_deref().unwrap_or_default();
                note(
                    &mut text,
                    &format!("As told, not on this kernel: {why}"),
                    layout,
                );
            }
            (Standing::CannotRun, _) => {
                let words = "Cannot run here: this machine lacks";
                untried(&mut text, finding, words, &mut told, layout);
            }
            (Standing::Failed, _) => {
                let words = "Not judged:";
                untried(&mut text, finding, words, &mut told, layout);
            }
            (Standing::Reference, _) => {
                item(&mut text, Role::Dim, "·", &finding.says, layout);
                let mut words = "By reference only: ".to_owned();
                words += finding.reference.as_deref().unwrap_or_default();
                if let Some(ident) = &finding.ident {
                    words += &format!(", {ident}");
                }
                note(&mut text, &words, layout);
            }
        }
    }
    text
}

fn differs(text: &mut Text, finding: &Finding, lesson: &LessonReport, layout: Layout<'_>) {
    let why = finding.why.as_deref().unwrap_or_default();
    let kind = match finding.kind {
        Kind::Prediction => "Prediction",
        Kind::Fact => "Fact of part",
        Kind::Claim => "Claim",
    };
    let id = &finding.id;
    note(
        text,
        &format!("Differs on this kernel. {kind} {id}: {why}."),
        layout,
    );
    for expression in &finding.expressions {
        exact(text, Role::Code, expression, layout);
    }
    let values = finding.values.iter();
    let values: Vec<String> = values
        .map(|seen| format!("{} = {}", seen.name, seen.value))
        .collect();
    exact(text, Role::Value, &values.join(", "), layout);
    if !lesson.checked.is_empty() {
        let words = format!("It was checked on Linux {}.", lesson.checked.join(", "));
        note(text, &words, layout);
    }
}

fn untried<'a>(
    text: &mut Text,
    finding: &'a Finding,
    words: &str,
    told: &mut Option<&'a str>,
    layout: Layout<'_>,
) {
    item(text, Role::Warning, "?", &finding.says, layout);
    let why = finding.why.as_deref().unwrap_or_default();
    if *told != Some(why) {
        note(text, &format!("{words} {why}."), layout);
        *told = Some(why);
    }
}

/// A sentence of a lesson, in markdown, below a sign.
fn item(text: &mut Text, role: Role, sign: &str, words: &str, layout: Layout<'_>) {
    let body = Document::parse(words).layout(layout.narrower(4)).text;
    indented(text, &Line::of(role, format!("  {sign} ")), body);
}

fn note(text: &mut Text, words: &str, layout: Layout<'_>) {
    exact(text, Role::Dim, words, layout);
}

/// Characters as they are.
fn exact(text: &mut Text, role: Role, words: &str, layout: Layout<'_>) {
    let width = layout.width().saturating_sub(4).max(1);
    let body = paragraph(role, &readable(words), width);
    indented(text, &Line::of(Role::Plain, "    "), body);
}

fn indented(text: &mut Text, mark: &Line, body: Text) {
    for (index, line) in body.lines.into_iter().enumerate() {
        let mut out = if index == 0 {
            mark.clone()
        } else {
            Line::of(Role::Plain, " ".repeat(mark.width()))
        };
        out.spans.extend(line.spans);
        text.line(out);
    }
}

fn summary(report: &Report, layout: Layout<'_>) -> Text {
    let of = &report.summary;
    let claims = standings(&of.claims).join(", ");
    let asked = [
        ("predictions", &of.predictions),
        ("facts to state", &of.facts),
    ]
    .map(|(noun, counts)| format!("{noun}: {}", standings(counts).join(", ")));
    let words = format!(
        "Linux {}. claims: {claims}; {}.",
        readable(&report.kernel),
        asked.join("; ")
    );
    let role = if report.has(Standing::Differs) || report.has(Standing::Failed) {
        Role::Bad
    } else {
        Role::Good
    };
    paragraph(role, &words, layout.width())
}

/// Each count that matters, in words. What holds and what differs is always told.
fn standings(counts: &Counts) -> Vec<String> {
    let always = [
        (counts.holds, "hold"),
        (counts.differs, "differ on this kernel"),
    ];
    let sometimes = [
        (counts.as_told, "not on this kernel, as told"),
        (counts.cannot_run, "cannot run here"),
        (counts.failed, "not judged"),
        (counts.reference, "by reference only"),
    ];
    let sometimes = sometimes.into_iter().filter(|(count, _)| *count > 0);
    let all = always.into_iter().chain(sometimes);
    all.map(|(count, words)| format!("{count} {words}"))
        .collect()
}

fn count(number: usize, noun: &str) -> Option<String> {
    match number {
        0 => None,
        1 => Some(format!("1 {noun}")),
        _ => Some(format!("{number} {noun}s")),
    }
}
