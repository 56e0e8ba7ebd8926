//! A check's report as text: stages ticked off, the first failure whole, the rest in a line.
//!
//! ```text
//! exercise-3  An echo server                                      seed 4711
//!
//!   ✓ echoes a friendly message                                       12 ms
//!   ✗ echoes every byte value                                         31 ms
//!   · echoes a mebibyte                                          not judged
//!
//! ✗ echoes every byte value
//!
//!   Rule      Bytes are not text: every value comes back, NUL included.
//!   …
//! ```
//!
//! Pure: a report and a width in, text out.

use super::text::{Line, Role, Text};
use super::timeline;
use crate::check::sanitizer::Finding;
use crate::check::verdict::{
    Failure, Leftover, LeftoverKind, Report, Shown, StageReport, Subject, Verdict,
};

/// Leftovers of a stage that are named.
const MOST_LEFTOVERS: usize = 5;

/// Where the sentences of a failure begin, in columns.
const INDENT: usize = 12;

/// The whole report.
pub fn draw(report: &Report, width: usize) -> Text {
    let mut text = Text::new();
    text.append(heading(report, width));
    text.blank();
    for stage in &report.stages {
        text.line(stage_line(stage, width));
    }
    text.append(leftovers(report, width));
    text.blank();
    if let Some(failure) = &report.build {
        text.line(Line::of(Role::Bad, "✗ the program does not build"));
        text.append(draw_failure(failure, width));
    } else {
        text.append(draw_failures(report, width));
    }
    text.line(summary(report));
    text.append(sanitized(report, width));
    text.append(wrapped(
        Line::of(Role::Dim, "Isolation: "),
        &isolation(report),
        width,
    ));
    if !report.evidence {
        let why =
            "This check does not count as evidence; a whole check of your own directory does.";
        text.append(wrapped(Line::empty(), why, width));
    }
    text
}

/// What programs left behind, stage by stage: a note.
fn leftovers(report: &Report, width: usize) -> Text {
    let mut text = Text::new();
    for stage in &report.stages {
        let Some(first) = stage.leftovers.first() else {
            continue;
        };
        let describe = |left: &Leftover| {
            let now = match (left.removed, left.kind) {
                (true, LeftoverKind::Process) => "ended now",
                (true, _) => "removed now",
                (false, _) => "not removed: it may be another program's",
            };
            format!("{} ({now})", left.what)
        };
        let mut sentence = describe(first);
        for left in stage.leftovers.iter().skip(1).take(MOST_LEFTOVERS - 1) {
            sentence.push_str("; ");
            sentence.push_str(&describe(left));
        }
        let more = stage.leftovers.len().saturating_sub(MOST_LEFTOVERS);
        if more > 0 {
            sentence.push_str(&format!("; and {more} more"));
        }
        let lead = Line::of(
            Role::Warning,
            format!("  Left behind by \"{}\": ", stage.title),
        );
        text.append(wrapped_at(lead, &format!("{sentence}."), width, 4));
    }
    text
}

fn draw_failures(report: &Report, width: usize) -> Text {
    let mut text = Text::new();
    let Some(first) = report.first_failure() else {
        return text;
    };
    for stage in &report.stages {
        let Some(failure) = &stage.failure else {
            continue;
        };
        if stage.id == first.id {
            text.line(Line::of(
                Role::Bad,
                format!("{} {}", sign(stage.verdict), stage.title),
            ));
            text.append(draw_failure(failure, width));
        }
    }
    let others: Vec<&StageReport> = report
        .stages
        .iter()
        .filter(|stage| {
            stage.id != first.id && matches!(stage.verdict, Verdict::Fail | Verdict::CheckerError)
        })
        .collect();
    if !others.is_empty() {
        text.line(Line::of(Role::Subheading, "Also"));
        for stage in others {
            let lead = Line::of(
                Role::Bad,
                format!("  {} {}: ", sign(stage.verdict), stage.title),
            );
            let cause = stage.failure.as_ref().map_or("", |failure| &failure.cause);
            text.append(wrapped_at(lead, cause, width, 4));
        }
        text.line(Line::of(Role::Dim, "  `--stage` shows one of them whole."));
        text.blank();
    }
    text
}

fn heading(report: &Report, width: usize) -> Text {
    let name = format!("exercise-{}", report.number);
    let mut left = Line::of(Role::Heading, format!("{name}  {}", report.title));
    let right = format!("seed {}", report.seed);
    left.push(Role::Plain, "  ");
    pad_to(&mut left, width.saturating_sub(right.len()));
    left.push(Role::Dim, right);
    let subject = match &report.subject {
        Subject::Directory { path, language } => format!("{path} ({language})"),
        Subject::Command { command } => command.clone(),
        Subject::Socket { path } => format!("the server at {path}"),
    };
    let mut text = Text::new();
    text.line(left);
    text.append(wrapped(Line::empty(), &subject, width));
    text
}

/// What the compiler's sanitizers found although everything passed, if they were asked.
fn sanitized(report: &Report, width: usize) -> Text {
    let mut text = Text::new();
    if !report.sanitized {
        return text;
    }
    let stages = report.stages.iter();
    let mut found: Vec<(&Finding, Vec<&str>)> = Vec::new();
    for (finding, title) in
        stages.filter_map(|stage| Some((stage.sanitizer.as_ref()?, stage.title.as_str())))
    {
        match found.iter_mut().find(|(known, _)| *known == finding) {
            Some((_, titles)) => titles.push(title),
            None => found.push((finding, vec![title])),
        }
    }
    if found.is_empty() {
        let words = "Once more with the compiler's sanitizers: they found nothing.";
        text.append(wrapped(Line::empty(), words, width));
        return text;
    }
    let words = "Once more with the compiler's sanitizers, which found what only luck hides:";
    text.append(wrapped(Line::of(Role::Warning, ""), words, width));
    for (finding, titles) in found {
        let sentence = format!(
            "{}: {} (in: {})",
            finding.tool,
            finding.words,
            titles.join("; ")
        );
        text.append(wrapped_at(
            Line::of(Role::Warning, "  ! "),
            &sentence,
            width,
            4,
        ));
    }
    text
}

/// One stage: sign, title, and time or what it is instead.
pub fn stage_line(stage: &StageReport, width: usize) -> Line {
    let role = match stage.verdict {
        Verdict::Pass => Role::Good,
        Verdict::Fail | Verdict::CheckerError => Role::Bad,
        Verdict::CannotJudge => Role::Warning,
        Verdict::NotJudged => Role::Dim,
    };
    let right = match stage.verdict {
        Verdict::Pass => format!("{} ms", stage.elapsed_ms),
        Verdict::Fail => "failed".to_owned(),
        Verdict::CannotJudge => "cannot judge".to_owned(),
        Verdict::CheckerError => "checker error".to_owned(),
        Verdict::NotJudged => "not judged".to_owned(),
    };
    let bonus = if stage.bonus { "bonus: " } else { "" };
    let mut line = Line::of(role, format!("  {} ", sign(stage.verdict)));
    line.push(
        Role::Plain,
        cut(&format!("{bonus}{}", stage.title), width.saturating_sub(20)),
    );
    pad_to(&mut line, width.saturating_sub(right.chars().count()));
    line.push(Role::Dim, right);
    line
}

/// The sign before a stage; each differs without colour.
pub fn sign(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "✓",
        Verdict::Fail => "✗",
        Verdict::CannotJudge => "?",
        Verdict::CheckerError => "!",
        Verdict::NotJudged => "·",
    }
}

/// A failure in the order a learner needs: the rule, what was done, expected, saw, cause, the
/// events, how to do it by hand, where to read on.
pub fn draw_failure(failure: &Failure, width: usize) -> Text {
    let mut text = Text::new();
    text.blank();
    if !failure.requirement.is_empty() {
        text.append(labelled("Rule", &failure.requirement, width));
    }
    if !failure.did.is_empty() {
        let did: Vec<&str> = failure.did.iter().map(String::as_str).collect();
        let from = did.len().saturating_sub(4);
        let lead = if from > 0 { "…; " } else { "" };
        let sentence = format!("{lead}{}.", did[from..].join("; "));
        text.append(labelled("Did", &sentence, width));
    }
    text.append(shown("Expected", &failure.expected, width));
    text.append(shown("Saw", &failure.saw, width));
    if !failure.cause.is_empty() {
        text.append(labelled("Cause", &failure.cause, width));
    }
    if !failure.look.is_empty() {
        text.append(labelled("Look", &failure.look, width));
    }
    if let Some(finding) = &failure.sanitizer {
        let sentence = format!("{}, in another run: {}", finding.tool, finding.words);
        text.append(labelled("Sanitizer", &sentence, width));
    }
    if !failure.output.is_empty() {
        text.line(label("Output"));
        for line in &failure.output {
            for piece in pieces(line, width.saturating_sub(4).max(10)) {
                text.line(Line::of(Role::Plain, "    ").with(Role::Value, piece));
            }
        }
    }
    text.append(timeline::last(failure, width));
    if !failure.by_hand.is_empty() {
        text.line(label("By hand"));
        for line in failure.by_hand.lines() {
            text.line(Line::of(Role::Plain, "    ").with(Role::Code, line));
        }
    }
    let mut read = failure.reference.clone();
    if let Some(lesson) = &failure.lesson {
        read = format!("{read}; ipc-mastery read {lesson}");
    }
    if !read.is_empty() {
        text.append(labelled("Read", &read, width));
    }
    text.blank();
    text
}

fn label(name: &str) -> Line {
    Line::of(Role::Subheading, format!("  {name}"))
}

fn labelled(name: &str, sentence: &str, width: usize) -> Text {
    let mut lead = label(name);
    pad_to(&mut lead, INDENT);
    wrapped_at(lead, sentence, width, INDENT)
}

fn shown(name: &str, shown: &Shown, width: usize) -> Text {
    if shown.words.is_empty() && shown.bytes.is_none() {
        return Text::new();
    }
    let mut text = labelled(name, &shown.words, width);
    for line in &shown.lines {
        let room = width.saturating_sub(INDENT);
        let lead = Line::of(Role::Plain, " ".repeat(INDENT));
        text.line(lead.with(Role::Value, cut(line, room)));
    }
    if let Some(bytes) = &shown.bytes {
        let room = width.saturating_sub(INDENT + 2);
        let line = Line::of(Role::Plain, " ".repeat(INDENT));
        text.line(line.with(Role::Value, format!("\"{}\"", cut(bytes, room))));
        if let Some(caret) = shown.caret.filter(|&caret| caret < room) {
            let line = Line::of(Role::Plain, " ".repeat(INDENT + 1 + caret));
            text.line(line.with(Role::Bad, "^ here they part"));
        }
    }
    text
}

fn summary(report: &Report) -> Line {
    let required = report.stages.iter().filter(|stage| !stage.bonus);
    let (mut passed, mut all) = (0, 0);
    for stage in required {
        all += 1;
        passed += usize::from(stage.verdict == Verdict::Pass);
    }
    let bonus = report.stages.iter().filter(|stage| stage.bonus);
    let extra = bonus
        .clone()
        .filter(|stage| stage.verdict == Verdict::Pass)
        .count();
    let (role, word) = match report.verdict {
        Verdict::Pass => (Role::Good, "Passed"),
        Verdict::Fail => (Role::Bad, "Not passed"),
        Verdict::CannotJudge => (Role::Warning, "Cannot be judged here"),
        Verdict::CheckerError => (Role::Bad, "The checker failed"),
        Verdict::NotJudged => (Role::Dim, "Not judged"),
    };
    let mut line = Line::of(role, word);
    line.push(Role::Plain, format!(": {passed} of {all} stages"));
    let bonus = bonus.count();
    if bonus > 0 {
        line.push(Role::Plain, format!(", {extra} of {bonus} bonus stages"));
    }
    line.push(
        Role::Dim,
        format!(", {:.1} s", report.elapsed_ms as f64 / 1000.0),
    );
    line
}

fn isolation(report: &Report) -> String {
    let list = |words: &[String]| {
        if words.is_empty() {
            "nothing".to_owned()
        } else {
            words.join(", ")
        }
    };
    format!(
        "{}. Not contained: {}.",
        list(&report.isolation.measures),
        list(&report.isolation.not_contained)
    )
}

/// A sentence after a lead, wrapped at word edges to so many columns; further lines begin below its
/// first word.
pub fn wrapped(lead: Line, sentence: &str, width: usize) -> Text {
    let indent = lead.width();
    wrapped_at(lead, sentence, width, indent)
}

/// A sentence after a lead, wrapped at word edges; further lines begin at `indent`.
fn wrapped_at(lead: Line, sentence: &str, width: usize, indent: usize) -> Text {
    let role = if lead
        .spans
        .first()
        .is_some_and(|span| span.role == Role::Dim)
    {
        Role::Dim
    } else {
        Role::Plain
    };
    wrapped_as(role, lead, sentence, width, indent)
}

/// The same with a role for the sentence. A word longer than the room is cut into pieces.
pub(super) fn wrapped_as(
    role: Role,
    lead: Line,
    sentence: &str,
    width: usize,
    indent: usize,
) -> Text {
    use unicode_width::UnicodeWidthStr;
    let width = width.max(indent + 10);
    let mut text = Text::new();
    let mut line = lead;
    let mut used = line.width();
    let mut fresh = true;
    let room = width - indent;
    for word in sentence
        .split_whitespace()
        .flat_map(|word| pieces(word, room))
    {
        let gap = usize::from(!fresh);
        if used + gap + word.width() > width && !fresh {
            text.line(std::mem::replace(
                &mut line,
                Line::of(Role::Plain, " ".repeat(indent)),
            ));
            used = indent;
            fresh = true;
        }
        if !fresh {
            line.push(role, " ");
            used += 1;
        }
        line.push(role, word);
        used += word.width();
        fresh = false;
    }
    text.line(line);
    text
}

/// A word in pieces of at most so many columns.
fn pieces(word: &str, columns: usize) -> Vec<&str> {
    use unicode_width::UnicodeWidthChar;
    let mut pieces = Vec::new();
    let (mut start, mut used) = (0, 0);
    for (at, character) in word.char_indices() {
        let width = character.width().unwrap_or(0);
        if used + width > columns && at > start {
            pieces.push(&word[start..at]);
            (start, used) = (at, 0);
        }
        used += width;
    }
    pieces.push(&word[start..]);
    pieces
}

pub(super) fn pad_to(line: &mut Line, column: usize) {
    let missing = column.saturating_sub(line.width());
    line.push(Role::Plain, " ".repeat(missing));
}

/// Text cut to so many columns, with a sign where it was cut.
fn cut(text: &str, columns: usize) -> String {
    use unicode_width::UnicodeWidthChar;
    let width = |c: char| c.width().unwrap_or(0);
    if text.chars().map(width).sum::<usize>() <= columns {
        return text.to_owned();
    }
    let mut used = 1;
    let mut out: String = text
        .chars()
        .take_while(|&c| {
            used += width(c);
            used <= columns
        })
        .collect();
    out.push('…');
    out
}
