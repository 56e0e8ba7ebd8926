//! Draws where the learner is: `list` (modules, lessons, exercises) and `path` (levels, outcomes).
//!
//! ```text
//! 02 Unix sockets · Core
//!   ✓ read    names       What a name is        quiz 1 of 1
//!   ◐ begun   exercise-7  The greeter           stages 1 of 2
//! ```
//!
//! A sign always stands beside a word: nothing is said by sign or colour alone. What is done was
//! decided in [`crate::mastery::path`].

use super::markdown::{Document, Layout};
use super::text::{Line, Role, Text};
use crate::mastery::evidence::{Piece, PieceState, Type};
use crate::mastery::path::{
    ExerciseStanding, LessonStanding, ModuleStanding, Next, NextProof, OutcomeStanding, Standing,
    State, Tally,
};
use crate::mastery::project::ProjectStanding;
use crate::sys::calendar::local_minute;

/// Projects: how far somebody is, and how to read their pages.
pub fn projects(projects: &[ProjectStanding], width: usize) -> Text {
    let mut text = Text::new();
    let Some(name) = projects.iter().map(|one| columns(&one.name)).max() else {
        return text;
    };
    text.blank();
    text.line(Line::of(Role::Subheading, "Projects"));
    for project in projects {
        let (sign, word, role) = match (project.passed, project.of) {
            (0, _) => ("○", "open", Role::Dim),
            (passed, of) if passed == of => ("✓", "done", Role::Good),
            _ => ("◐", "begun", Role::Warning),
        };
        let note = format!("  stages {} of {}", project.passed, project.of);
        let title = format!("  {}", project.title);
        let lead = format!("  {sign} {word:<7} ");
        let indent = columns(&lead);
        let mut line = Line::of(role, lead);
        if indent + name + columns(&title) + columns(&note) <= width {
            line.push(Role::Code, format!("{:<name$}", project.name))
                .push(Role::Plain, title)
                .push(Role::Dim, note);
            text.line(line);
        } else {
            line.push(Role::Code, project.name.clone());
            text.line(line);
            let below = " ".repeat(indent.saturating_sub(2));
            text.line(Line::of(Role::Dim, format!("{below}{note}")));
        }
    }
    let how = "`ipc-mastery read NAME` shows its page.";
    text.append(Document::parse(how).layout(Layout::new(width)).text);
    text
}

/// Modules with their lessons and exercises, for this many columns.
pub fn list(standing: &Standing, width: usize) -> Text {
    let mut text = head(standing, width);
    let rows: Vec<(&ModuleStanding, Vec<Row>)> = standing
        .modules
        .iter()
        .map(|module| {
            let lessons = module.lessons.iter().map(Row::of_lesson);
            let exercises = module.exercises.iter().map(Row::of_exercise);
            (module, lessons.chain(exercises).collect())
        })
        .collect();
    let widest = |of: fn(&Row) -> &str| {
        let all = rows.iter().flat_map(|(_, rows)| rows);
        all.map(|row| columns(of(row))).max().unwrap_or(0)
    };
    let name = widest(|row| &row.name);
    let lead = columns("  ✓ begun   ");
    let indent = lead + name + 2;
    let narrow = width < indent + LEAST_TITLE;
    let room = width.saturating_sub(indent).max(LEAST_TITLE);
    let title = widest(|row| &row.title).min(room);
    let note = widest(|row| &row.note);
    for (module, rows) in &rows {
        text.blank();
        let number = format!("{:02} ", module.number);
        let level = format!(" · {}", module.level);
        let room_for_it = width.saturating_sub(columns(&number) + columns(&level));
        text.line(
            Line::of(Role::Dim, number)
                .with(Role::Subheading, cut(&module.title, room_for_it))
                .with(Role::Dim, level),
        );
        for row in rows {
            if narrow {
                text.append(row.below_each_other(lead, width));
                continue;
            }
            let mut line = Line::of(Role::Plain, "  ");
            line.push(
                role(row.state),
                format!("{} {:<7} ", sign(row.state), row.word),
            )
            .push(Role::Code, pad(&row.name, name))
            .push(Role::Plain, "  ");
            let own = cut(&row.title, room);
            if row.note.is_empty() {
                line.push(Role::Plain, own);
                text.line(line);
            } else if title + 2 + note <= room {
                line.push(Role::Plain, pad(&own, title))
                    .push(Role::Dim, format!("  {}", row.note));
                text.line(line);
            } else {
                line.push(Role::Plain, own);
                text.line(line);
                let indent = indent.min(width.saturating_sub(note));
                let below = " ".repeat(indent) + &row.note;
                text.line(Line::of(Role::Dim, below));
            }
        }
    }
    if !standing.later.is_empty() {
        text.blank();
        text.append(folded(
            Role::Dim,
            "Still to come: ",
            &(standing.later.join(", ") + "."),
            width,
        ));
    }
    text.append(next(standing, width));
    text
}

/// Levels with their outcomes, for this many columns.
pub fn path(standing: &Standing, width: usize) -> Text {
    let mut text = head(standing, width);
    for level in &standing.levels {
        text.blank();
        let name = format!("Level {} · {}", level.number, level.name);
        let pace = format!("({})", level.pace);
        if columns(&name) + 1 + columns(&pace) <= width {
            text.line(Line::of(Role::Subheading, name + " ").with(Role::Dim, pace));
        } else {
            text.append(folded(Role::Subheading, "", &name, width));
            text.append(folded(Role::Dim, "", &pace, width));
        }
        for outcome in &level.outcomes {
            text.append(outcome_lines(outcome, width));
            if outcome.is_begun() && !outcome.is_held() {
                text.append(pieces(outcome, width));
            }
        }
    }
    text.append(next(standing, width));
    if let Some(proof) = &standing.proof {
        text.append(next_proof(proof, width));
    }
    if standing.simulated {
        text.blank();
        let words = "A simulated clock gave the times of this progress.";
        text.append(folded(Role::Warning, "", words, width));
    }
    text
}

/// An outcome with every piece of evidence that there is for it, for this many columns.
pub fn outcome(outcome: &OutcomeStanding, width: usize) -> Text {
    let mut text = outcome_lines(outcome, width);
    text.append(pieces(outcome, width));
    text
}

/// Columns before the words of an outcome.
const OUTCOME: usize = 8;

fn outcome_lines(outcome: &OutcomeStanding, width: usize) -> Text {
    let state = outcome_state(outcome);
    let lead = format!("  {} {:<4}", sign(state), outcome.id);
    let mut lines = folded(Role::Plain, &lead, &outcome.text, width);
    if let Some(first) = lines.lines.first_mut() {
        let words: String = first.plain().chars().skip(lead.chars().count()).collect();
        *first = Line::of(role(state), lead).with(Role::Plain, words);
    }
    let indent = " ".repeat(OUTCOME);
    lines.append(folded(Role::Dim, &indent, &outcome_words(outcome), width));
    lines
}

fn pieces(outcome: &OutcomeStanding, width: usize) -> Text {
    let mut text = Text::new();
    let indent = " ".repeat(OUTCOME);
    for piece in &outcome.evidence.pieces {
        text.append(piece_line(piece, &indent, width));
    }
    text
}

fn piece_line(piece: &Piece, indent: &str, width: usize) -> Text {
    let state = match piece.state {
        PieceState::Open => State::New,
        PieceState::Tried | PieceState::Assisted => State::Begun,
        PieceState::Earned => State::Done,
    };
    let mut words = format!("{}: {}", piece.kind.word(), piece.title);
    match (piece.state, piece.right) {
        (PieceState::Assisted, _) => words += " (passed with a Show hint)",
        (PieceState::Tried, Some((right, of))) => words += &format!(" ({right} of {of})"),
        _ => {}
    }
    folded(
        role(state),
        &format!("{indent}{} ", sign(state)),
        &words,
        width,
    )
}

/// What to prove next, why, and the command for it.
fn next_proof(proof: &NextProof, width: usize) -> Text {
    let mut text = Text::new();
    text.blank();
    let say = match proof.not_before {
        None => format!("Prove {}: {}", proof.outcome, proof.piece.title),
        Some(at) => format!(
            "Prove {} once more, not before {}: two pieces are there, both of the day you began",
            proof.outcome,
            local_minute(at)
        ),
    };
    text.append(folded(Role::Strong, "", &say, width));
    let name = &proof.piece.name;
    let command = match proof.piece.kind {
        Type::Retrieval => "ipc-mastery review".to_owned(),
        Type::Code => format!("ipc-mastery start {name}"),
        _ => format!("ipc-mastery prove {name}"),
    };
    text.line(Line::of(Role::Plain, "  ").with(Role::Code, command));
    text
}

fn head(standing: &Standing, width: usize) -> Text {
    let mut text = folded(Role::Heading, "", &standing.title, width);
    let lessons = format!("{} lessons read", of(standing.lessons));
    let exercises = format!("{} exercises passed", of(standing.exercises));
    let words = format!("{lessons}, {exercises}");
    text.append(folded(Role::Plain, "", &words, width));
    text
}

/// What is next, and the command for it: whole, however narrow the terminal is, so that it can be
/// copied.
fn next(standing: &Standing, width: usize) -> Text {
    let mut text = Text::new();
    text.blank();
    let (say, command) = match &standing.next {
        None => {
            let done = "Everything that is written is done.";
            text.append(folded(Role::Good, "", done, width));
            return text;
        }
        Some(Next::Lesson {
            slug, title, begun, ..
        }) => {
            let verb = if *begun { "go on reading" } else { "read" };
            (
                format!("Next: {verb} “{title}”"),
                format!("ipc-mastery learn {slug}"),
            )
        }
        Some(Next::Exercise {
            number,
            title,
            begun,
            ..
        }) => {
            let (verb, what) = if *begun {
                ("go on with", "check")
            } else {
                ("begin", "start")
            };
            (
                format!("Next: {verb} “{title}”"),
                format!("ipc-mastery {what} exercise-{number}"),
            )
        }
    };
    text.append(folded(Role::Strong, "", &say, width));
    text.line(Line::of(Role::Plain, "  ").with(Role::Code, command));
    text
}

struct Row {
    state: State,
    word: &'static str,
    name: String,
    title: String,
    note: String,
}

/// The fewest columns in which a title can be told from others.
const LEAST_TITLE: usize = 20;

impl Row {
    /// Title, name and note on lines of their own, for a terminal that has no room for columns.
    fn below_each_other(&self, lead: usize, width: usize) -> Text {
        let mut text = Text::new();
        let room = width.saturating_sub(lead);
        let mut line = Line::of(Role::Plain, "  ");
        let signed = format!("{} {:<7} ", sign(self.state), self.word);
        line.push(role(self.state), signed)
            .push(Role::Plain, cut(&self.title, room));
        text.line(line);
        for (role, words) in [(Role::Code, &self.name), (Role::Dim, &self.note)] {
            if !words.is_empty() {
                let indent = lead.min(width.saturating_sub(columns(words)));
                text.line(Line::of(Role::Plain, " ".repeat(indent)).with(role, words));
            }
        }
        text
    }

    fn of_lesson(lesson: &LessonStanding) -> Self {
        let note = if lesson.answered == 0 {
            String::new()
        } else {
            format!("quiz {}", of(lesson.answers))
        };
        Self {
            state: lesson.state,
            word: match lesson.state {
                State::New => "new",
                State::Begun => "begun",
                State::Done => "read",
            },
            name: lesson.slug.clone(),
            title: lesson.title.clone(),
            note,
        }
    }

    fn of_exercise(exercise: &ExerciseStanding) -> Self {
        let mut note = format!("stages {}", of(exercise.stages));
        if exercise.bonus.done > 0 {
            note += &format!(", bonus {}", of(exercise.bonus));
        }
        if exercise.assisted {
            note += ", assisted";
        }
        Self {
            state: exercise.state,
            word: match exercise.state {
                State::New => "new",
                State::Begun => "begun",
                State::Done => "passed",
            },
            name: format!("exercise-{}", exercise.number),
            title: exercise.title.clone(),
            note,
        }
    }
}

fn outcome_state(outcome: &OutcomeStanding) -> State {
    if outcome.is_held() {
        State::Done
    } else if outcome.is_begun() {
        State::Begun
    } else {
        State::New
    }
}

fn outcome_words(outcome: &OutcomeStanding) -> String {
    if outcome.is_to_come() {
        return "nothing is written for it yet".to_owned();
    }
    let mut words = Vec::new();
    if outcome.lessons.of > 0 {
        words.push(format!("{} lessons read", of(outcome.lessons)));
    }
    if outcome.exercises.of > 0 {
        words.push(format!("{} exercises passed", of(outcome.exercises)));
    }
    let evidence = &outcome.evidence;
    words.push(match evidence.pieces.len() {
        _ if evidence.held => "held: two independent pieces of evidence".to_owned(),
        0 => "no evidence to earn yet".to_owned(),
        _ => format!("{} of 2 pieces of evidence", evidence.earned().min(2)),
    });
    words.join(", ")
}

fn of(tally: Tally) -> String {
    format!("{} of {}", tally.done, tally.of)
}

fn sign(state: State) -> char {
    match state {
        State::New => '○',
        State::Begun => '◐',
        State::Done => '✓',
    }
}

fn role(state: State) -> Role {
    match state {
        State::New => Role::Dim,
        State::Begun => Role::Warning,
        State::Done => Role::Good,
    }
}

fn columns(text: &str) -> usize {
    unicode_width::UnicodeWidthStr::width(text)
}

fn pad(text: &str, width: usize) -> String {
    text.to_owned() + &" ".repeat(width.saturating_sub(columns(text)))
}

/// The text, or as much of it as fits with an ellipsis.
fn cut(text: &str, width: usize) -> String {
    if columns(text) <= width {
        return text.to_owned();
    }
    let mut out = String::new();
    for character in text.chars() {
        let mut longer = out.clone();
        longer.push(character);
        if columns(&longer) + 1 > width {
            break;
        }
        out = longer;
    }
    out.trim_end().to_owned() + "…"
}

/// Words folded at the width, the first line behind `lead`, the others below its end.
fn folded(role: Role, lead: &str, words: &str, width: usize) -> Text {
    let indent = columns(lead);
    let room = width.saturating_sub(indent).max(20);
    let mut text = Text::new();
    let mut line = String::new();
    let mut finish = |line: &str| {
        let lead = if text.lines.is_empty() {
            lead.to_owned()
        } else {
            " ".repeat(indent)
        };
        text.line(Line::of(role, lead + line));
    };
    for word in words.split_whitespace() {
        if !line.is_empty() && columns(&line) + 1 + columns(word) > room {
            finish(&line);
            line.clear();
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    finish(&line);
    text
}
