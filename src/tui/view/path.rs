//! The path: modules, lessons and exercises, levels and outcomes.
//!
//! ```text
//! ┌──────────────────────────────────────────────────────────────────────────────┐
//! │ ipc-mastery  The mastery path                        2 of 5 lessons and tasks │
//! │──────────────────────────────────────────────────────────────────────────────│
//! │ ▾ AF_UNIX sockets                                               1 of 4 done  │
//! │     ✓ read   What a Unix socket is                                   12 min  │
//! │   → · begun  Bytes, not messages                                     12 min  │
//! │     ·        Exercise 3: Echo server                                         │
//! │ ▾ Level 1: Awareness                                            0 of 3 held  │
//! │   ▾ ~ O1   Say which sockets your own session listens on.       1 of 2 proofs │
//! │         ✓ order        From a login to a name                          proven │
//! │                                                                              │
//! │ Does a stream socket keep the boundaries of your writes?                     │
//! │──────────────────────────────────────────────────────────────────────────────│
//! │ ↑↓ move  Enter open  n next  / search  p probes  ? keys  q quit              │
//! └──────────────────────────────────────────────────────────────────────────────┘
//! ```
//!
//! `→` is where the path goes on. The last lines say more about the selected row: of an outcome what is
//! missing and why, of a piece of evidence what it takes.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::action::{Action, Place};
use super::super::model::Model;
use super::super::paint;
use super::super::path::{self, Fold, Node, PathState, Row};
use super::super::words::{lines_of, with_right, wrap};
use super::{centred, chrome};
use crate::mastery::evidence::{PieceState, Type};
use crate::mastery::path::{LessonStanding, OutcomeStanding, State, Tally};
use crate::render::text::{Line, Role};
use crate::render::theme::Theme;
use crate::sys::calendar::local_minute;

/// Draws the path.
pub(super) fn draw(
    buffer: &mut Buffer,
    area: Rect,
    body: Rect,
    model: &Model,
    state: &PathState,
    theme: Theme,
) {
    let title = Line::of(Role::Heading, "ipc-mastery")
        .with(Role::Plain, format!("  {}", model.curriculum.path.title));
    let standing = &model.standing;
    let mut right = done(Tally {
        done: standing.lessons.done + standing.exercises.done,
        of: standing.lessons.of + standing.exercises.of,
    });
    if model.due > 0 {
        right = format!("{} due · {right}", model.due);
    }
    let mut keys = vec![(Action::Up, ""), (Action::Open, ""), (Action::Next, "")];
    if model.due > 0 {
        keys.push((Action::Review, ""));
    }
    keys.extend([
        (Action::Prove, ""),
        (Action::Search, ""),
        (Action::Probes, ""),
        (Action::Reference, ""),
        (Action::Scripts, ""),
    ]);
    chrome(buffer, area, (&title, &right), (Place::Path, &keys), theme);

    let body = centred(body, model.size.page_columns());
    let next = path::next(&model.standing);
    let rows = state.rows(&model.curriculum);
    let selected = state.selected_index(&rows);
    let shown = model.path_rows();
    for (place, row) in rows.iter().enumerate().skip(state.scroll.top).take(shown) {
        let is_next = next.as_ref() == Some(&row.node);
        let line = row_line(row, is_next, model, body.width.into());
        let at = place - state.scroll.top;
        paint::line(buffer, body, at, &line, theme);
        if place == selected {
            paint::select(buffer, body, at);
        }
    }
    if let Some(row) = rows.get(selected) {
        let text = detail(&row.node, model);
        let lines = wrap(&text, body.width.into());
        let room = usize::from(body.height).saturating_sub(shown + 1);
        let area = Rect {
            y: body.y + shown as u16 + 1,
            height: room as u16,
            ..body
        };
        paint::lines(buffer, area, &lines_of(Role::Plain, lines, room), theme);
    }
}

fn row_line(row: &Row, is_next: bool, model: &Model, width: usize) -> Line {
    let curriculum = &model.curriculum;
    let standing = &model.standing;
    let sign = match row.fold {
        Fold::Leaf => "  ",
        Fold::Closed => "▸ ",
        Fold::Open => "▾ ",
    };
    let head = |title: &str| Line::of(Role::Strong, format!("{sign}{title}"));
    let mut modules = standing.modules.iter();
    let mut lessons = standing.modules.iter().flat_map(|module| &module.lessons);
    let mut exercises = standing.modules.iter().flat_map(|module| &module.exercises);
    let (line, right) = match &row.node {
        Node::Module(slug) => match modules.find(|module| module.slug == *slug) {
            Some(module) => {
                let lessons = module.lessons.iter().map(|lesson| lesson.state);
                let exercises = module.exercises.iter().map(|exercise| exercise.state);
                let states = lessons.chain(exercises);
                let tally = Tally::count(states.map(|state| state == State::Done));
                (head(&module.title), done(tally))
            }
            None => return Line::empty(),
        },
        Node::Lesson(slug) => match lessons.find(|lesson| lesson.slug == *slug) {
            Some(lesson) => (
                marked(is_next, lesson.state, "read").with(Role::Plain, lesson.title.as_str()),
                lesson_right(lesson),
            ),
            None => return Line::empty(),
        },
        Node::Exercise(slug) => match exercises.find(|exercise| exercise.slug == *slug) {
            Some(exercise) => {
                let title = format!("Exercise {}: {}", exercise.number, exercise.title);
                let right = match exercise.state {
                    State::New => "a program to write".to_owned(),
                    _ => format!("{} of {} stages", exercise.stages.done, exercise.stages.of),
                };
                (
                    marked(is_next, exercise.state, "passed").with(Role::Plain, title),
                    right,
                )
            }
            None => return Line::empty(),
        },
        Node::Level(number) => match standing.levels.iter().find(|level| level.number == *number) {
            Some(level) => {
                let written = level
                    .outcomes
                    .iter()
                    .filter(|outcome| !outcome.is_to_come());
                let tally = Tally::count(written.map(|outcome| outcome.is_held()));
                let right = match tally.of {
                    0 => "not written yet".to_owned(),
                    of => format!("{} of {of} held", tally.done),
                };
                (head(&format!("Level {number}: {}", level.name)), right)
            }
            None => return Line::empty(),
        },
        Node::Outcome(id) => outcome_line(id, sign, model),
        Node::Piece(id, place) => piece_line(id, *place, model),
        Node::Task(_) | Node::Entry(..) => return Line::empty(),
        Node::Later => (head("Modules not written yet"), String::new()),
        Node::LaterModule(place) => {
            let later = curriculum.path.later.get(*place);
            let title = later.map_or("", |later| &later.title);
            (Line::of(Role::Dim, format!("    {title}")), String::new())
        }
    };
    with_right(line, &right, width)
}

fn outcome<'a>(id: &str, model: &'a Model) -> Option<&'a OutcomeStanding> {
    let levels = model.standing.levels.iter();
    let mut outcomes = levels.flat_map(|level| &level.outcomes);
    outcomes.find(|outcome| outcome.id == id)
}

fn outcome_line(id: &str, fold: &str, model: &Model) -> (Line, String) {
    let outcome = outcome(id, model);
    let (sign, role) = match outcome {
        Some(outcome) if outcome.is_held() => ("✓", Role::Good),
        Some(outcome) if outcome.is_begun() => ("~", Role::Warning),
        _ => ("·", Role::Dim),
    };
    let line = Line::of(Role::Plain, format!("  {fold}"));
    let line = line.with(role, format!("{sign} "));
    let line = line.with(Role::Dim, format!("{id:<4} "));
    let right = match outcome {
        Some(outcome) if outcome.is_held() => "held".to_owned(),
        Some(outcome) if !outcome.evidence.pieces.is_empty() => {
            format!("{} of 2 proofs", outcome.evidence.earned().min(2))
        }
        _ => String::new(),
    };
    (line.with(Role::Plain, outcome_text(id, model)), right)
}

fn piece_line(id: &str, place: usize, model: &Model) -> (Line, String) {
    let piece = outcome(id, model).and_then(|outcome| outcome.evidence.pieces.get(place));
    let Some(piece) = piece else {
        return (Line::empty(), String::new());
    };
    let proof = model.standing.proof.as_ref();
    let is_next = proof.is_some_and(|proof| proof.outcome == id && proof.piece == *piece);
    let (sign, role, mut word) = match piece.state {
        PieceState::Open => ("·", Role::Dim, String::new()),
        PieceState::Tried => ("~", Role::Warning, "tried".to_owned()),
        PieceState::Assisted => ("~", Role::Warning, "assisted".to_owned()),
        PieceState::Earned => ("✓", Role::Good, "proven".to_owned()),
    };
    if let (PieceState::Tried, Some((right, of))) = (piece.state, piece.right) {
        word = format!("{right} of {of}");
    }
    let arrow = if is_next { "      → " } else { "        " };
    let line = Line::of(Role::Key, arrow)
        .with(role, format!("{sign} "))
        .with(Role::Dim, format!("{:<12} ", piece.kind.word()))
        .with(Role::Plain, piece.title.as_str());
    (line, word)
}

/// What is missing of an outcome, and why.
fn outcome_why(id: &str, model: &Model) -> String {
    let Some(outcome) = outcome(id, model) else {
        return String::new();
    };
    let evidence = &outcome.evidence;
    if evidence.pieces.is_empty() {
        return "Nothing is written for it yet.".to_owned();
    }
    if evidence.held {
        return "Held: two independent pieces of evidence are there.".to_owned();
    }
    if let Some(until) = evidence.waits_until {
        return format!(
            "Two pieces are there, both of the day you began. One more counts from {} on.",
            local_minute(until)
        );
    }
    let next = evidence.missing().map_or("", |piece| piece.title.as_str());
    let rule = "Held takes two pieces of different types, one of them 20 hours after you began.";
    match evidence.earned() {
        0 => rule.to_owned(),
        _ => format!("Next: {next}, because a piece of another type is missing. {rule}"),
    }
}

/// What a piece of evidence is, and how it is earned.
fn piece_how(id: &str, place: usize, model: &Model) -> String {
    let piece = outcome(id, model).and_then(|outcome| outcome.evidence.pieces.get(place));
    let Some(piece) = piece else {
        return String::new();
    };
    let how = match piece.kind {
        Type::Retrieval => {
            "The questions of its lessons, right twice in a row in reviews, days after. Enter opens one."
        }
        Type::Order => "An explanation to put together. Enter opens it.",
        Type::Trace => "Lines to read: what is each for? Enter opens it.",
        Type::Decision => "Decisions in situations that no lesson describes. Enter opens it.",
        Type::Variant => "Predictions with other numbers, judged by your kernel. Enter opens it.",
        Type::Measurement => "Something to find out on this machine. Enter opens it.",
        Type::Code => "A program that passes its exercise without a Show hint. Enter opens it.",
    };
    match piece.first_at {
        Some(at) => format!("Proven on {}. {how}", local_minute(at)),
        None => how.to_owned(),
    }
}

fn done(tally: Tally) -> String {
    match tally.of {
        0 => String::new(),
        of => format!("{} of {of} done", tally.done),
    }
}

fn lesson_right(lesson: &LessonStanding) -> String {
    match lesson.answers.of {
        of if of > 0 && lesson.answered > 0 => {
            format!("{} of {of} questions right", lesson.answers.done)
        }
        _ => format!("{} min", lesson.minutes),
    }
}

/// The mark of a lesson or an exercise: a sign and a word, after an arrow where the path goes on.
fn marked(is_next: bool, state: State, done: &str) -> Line {
    let (role, sign, word) = match state {
        State::New => (Role::Dim, "·", ""),
        State::Begun => (Role::Warning, "~", "begun"),
        State::Done => (Role::Good, "✓", done),
    };
    let arrow = if is_next { "  → " } else { "    " };
    Line::of(Role::Key, arrow).with(role, format!("{sign} {word:<7}"))
}

fn outcome_text<'a>(id: &str, model: &'a Model) -> &'a str {
    let levels = model.curriculum.path.levels.iter();
    levels
        .flat_map(|level| &level.outcomes)
        .find(|outcome| outcome.id == id)
        .map_or("", |outcome| &outcome.text)
}

/// What the last lines say about the selected row.
fn detail(node: &Node, model: &Model) -> String {
    let curriculum = &model.curriculum;
    let text = match node {
        Node::Module(slug) => curriculum.module(slug).map(|module| module.summary.clone()),
        Node::Lesson(slug) => curriculum.lesson(slug).map(|lesson| lesson.asks.clone()),
        Node::Exercise(slug) => curriculum.exercise(slug).map(|one| one.summary.clone()),
        Node::Level(number) => {
            let level = curriculum
                .path
                .levels
                .iter()
                .find(|level| level.number == *number);
            level.map(|level| level.pace.clone())
        }
        Node::Outcome(id) => {
            let why = outcome_why(id, model);
            Some(format!("{}\n{why}", outcome_text(id, model)))
        }
        Node::Piece(id, place) => Some(piece_how(id, *place, model)),
        Node::Task(_) | Node::Entry(..) => None,
        Node::Later => Some("Mechanisms that will get a module.".to_owned()),
        Node::LaterModule(place) => {
            let later = curriculum.path.later.get(*place);
            later.map(|later| format!("{} ({})", later.topics, later.level))
        }
    };
    text.unwrap_or_default()
}
