//! A lesson as text, piece by piece: what `read` prints, and what other readers may set beside
//! their own questions.
//!
//! [`set`] makes the whole lesson, from its values alone: the lesson, what its experiment saw, its
//! probes already drawn. The pieces ([`story`], [`question`], [`calls`], [`fact`], [`picture`]) are
//! there for whoever asks and runs them one at a time. Nothing here runs or asks anything.
//!
//! On paper nobody can be asked, so predictions stand open above the run, what the kernel did is
//! told below it, and the answers of the quiz come last.

mod pieces;
mod quiz;

pub use pieces::{
    Answer, Mark, calls, excerpt, fact, heading, opening, picture, question, script, sign, story,
};

use pieces::{hang, letter, markdown_text, warning};

use super::markdown::{self, Document, Layout, Link, Page, paragraph};
use super::task::variant_worth;
use super::text::{Line, Role, Text};
use crate::curriculum::lesson::{Block, Lesson, Part, Shown, State};
use crate::experiment::Observation;
use crate::experiment::judgement::{self, ident_url};
use crate::untrusted::readable;

/// What was found out for a lesson on this machine.
#[derive(Clone, Copy, Debug)]
pub struct Found<'a> {
    /// What the experiment saw, or why it could not run: a clause without a full stop. A lesson
    /// without an experiment may have anything here.
    pub observation: Result<&'a Observation, &'a str>,
    /// The probes of the lesson, drawn: name and picture, or why there is none.
    pub probes: &'a [(String, Result<Text, String>)],
    /// The outcomes that its variant is evidence for.
    pub outcomes: &'a [&'a str],
}

/// Which piece of a lesson a page holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece {
    /// The title and the question the lesson asks.
    Opening,
    /// A block of the lesson, by index.
    Block(usize),
    /// The questions at the end.
    Quiz,
    /// Kernel identifiers, exercises, the targets of all links.
    Further,
    /// The answers to the questions.
    Answers,
    /// Where the prediction that counts is made.
    Variant,
}

/// Sets a whole lesson, one page a piece; numbers of links go through all of them.
pub fn set(lesson: &Lesson, found: Found<'_>, layout: Layout<'_>) -> Vec<(Piece, Page)> {
    let mut links: Vec<Link> = Vec::new();
    let mut first = opening(lesson, layout);
    first.append(sign(lesson, layout));
    let mut pages = vec![(Piece::Opening, of_text(first))];
    for (index, block) in lesson.blocks.iter().enumerate() {
        let page = match block {
            Block::Markdown(source) => {
                let place = if index == 0 {
                    Place::First
                } else {
                    Place::Later
                };
                running_text(source, found, place, layout.links_after(&links))
            }
            other => of_text(live(lesson, other, found, layout)),
        };
        for link in &page.links {
            if links.iter().all(|known| known.number != link.number) {
                links.push(link.clone());
            }
        }
        pages.push((Piece::Block(index), page));
    }
    let release = found.observation.ok().map(|seen| seen.kernel.as_str());
    for (piece, text) in [
        (Piece::Quiz, quiz::questions(&lesson.quiz, layout)),
        (Piece::Further, further(lesson, &mut links, release, layout)),
        (Piece::Answers, quiz::answers(&lesson.quiz, layout)),
        (Piece::Variant, variant(lesson, found.outcomes, layout)),
    ] {
        if !text.lines.is_empty() {
            pages.push((piece, of_text(text)));
        }
    }
    pages
}

/// The command that asks for a prediction in another situation, and what that is worth by the outcomes
/// that count it; nothing when the lesson has none.
pub fn variant(lesson: &Lesson, outcomes: &[&str], layout: Layout<'_>) -> Text {
    let Some(variant) = &lesson.variant else {
        return Text::new();
    };
    let words = format!(
        "Next: predict it once more, with other numbers and roles: ipc-mastery prove {}. {}",
        readable(&variant.value),
        variant_worth(outcomes),
    );
    paragraph(Role::Note, &words, layout.width())
}

/// All pieces one below the other, with an empty line between two.
pub fn joined(pages: Vec<(Piece, Page)>) -> Text {
    let mut text = Text::new();
    for (_, page) in pages {
        if page.text.lines.is_empty() {
            continue;
        }
        if !text.lines.is_empty() {
            text.blank();
        }
        text.append(page.text);
    }
    text
}

#[derive(Clone, Copy, PartialEq)]
enum Place {
    First,
    Later,
}

fn running_text(source: &str, found: Found<'_>, place: Place, layout: Layout<'_>) -> Page {
    let (filled, problem) = match judgement::fill_markdown(source, found.observation.ok()) {
        Ok(filled) => (filled, None),
        // The slots stay open; why is said below.
        Err(error) => (
            judgement::fill_markdown(source, None).unwrap_or_else(|_| source.to_owned()),
            Some(error),
        ),
    };
    let mut document = Document::parse(&filled);
    if place == Place::First {
        document = document.without_title();
    }
    let mut page = document.layout(layout);
    if let Some(problem) = problem {
        page.text.append(warning(problem, layout.width()));
    }
    page
}

fn live(lesson: &Lesson, block: &Block, found: Found<'_>, layout: Layout<'_>) -> Text {
    let part = |id: &str| lesson.part(id);
    match block {
        Block::Markdown(_) => Text::new(),
        Block::Probe(shown) => probe(shown, found, layout),
        Block::Predict(id) => {
            part(id).map_or_else(Text::new, |part| predictions(lesson, part, layout))
        }
        Block::Run(id) => part(id).map_or_else(Text::new, |part| run(part, found, layout)),
        Block::State(id) => part(id)
            .and_then(|part| part.state.as_ref())
            .map_or_else(Text::new, |state| stated(state, found, layout)),
        Block::Picture(id) => part(id).map_or_else(Text::new, |part| drawn(part, found, layout)),
        Block::Script(shown) => {
            let mut text = pieces::script(shown, layout);
            let name = readable(&shown.name);
            let words = format!("`ipc-mastery model step {name}` goes through it.");
            text.append(markdown_text(&words, layout));
            text
        }
    }
}

fn probe(shown: &Shown, found: Found<'_>, layout: Layout<'_>) -> Text {
    let mut text = Text::new();
    let title = format!("On this machine: {}", readable(&shown.title()));
    text.append(paragraph(Role::Subheading, &title, layout.width()));
    match found.probes.iter().find(|(known, _)| *known == shown.name) {
        Some((_, Ok(drawn))) => text.append(excerpt(drawn, shown, layout)),
        Some((_, Err(message))) => text.append(warning(message, layout.width())),
        None => text.append(warning("it was not looked at", layout.width())),
    };
    text
}

fn predictions(lesson: &Lesson, part: &Part, layout: Layout<'_>) -> Text {
    let mut text = story(lesson, part, layout);
    for prediction in &part.predictions {
        text.blank();
        let options = prediction.options.iter();
        let answers: Vec<Answer<'_>> = options.map(|option| Answer::open(&option.text)).collect();
        text.append(question("Predict", &prediction.prompt, &answers, layout));
    }
    text.blank();
    text.append(paragraph(
        Role::Dim,
        "Choose before you read on.",
        layout.width(),
    ));
    text
}

fn run(part: &Part, found: Found<'_>, layout: Layout<'_>) -> Text {
    let mut text = Text::new();
    let observation = match found.observation {
        Ok(observation) => observation,
        Err(why) => {
            text.line(Line::of(Role::Subheading, "What happened"));
            text.append(warning(
                format!("the experiment did not run: {why}"),
                layout.width(),
            ));
            return text;
        }
    };
    let instead = observation.instead(&part.id.value);
    let title = match &instead {
        None => format!(
            "What happened, just now, on Linux {}",
            readable(&observation.kernel)
        ),
        Some(_) => "What is shown in the place of a run".to_owned(),
    };
    text.append(paragraph(Role::Subheading, &title, layout.width()));
    let own = observation
        .calls
        .iter()
        .filter(|call| call.part == part.id.value);
    text.append(calls(own, layout.width()));
    if let Some(said) = instead {
        text.append(warning(said, layout.width()));
    }
    for prediction in &part.predictions {
        text.blank();
        match judgement::agreed_option(prediction, observation) {
            Ok(option) => {
                let answer = format!(
                    "{} {}. {}",
                    prediction.prompt,
                    letter(option),
                    prediction.options[option].text
                );
                let mark = Line::of(Role::Good, "✓ ");
                hang(&mut text, &mark, markdown_text(&answer, layout.narrower(2)));
            }
            Err(error) => {
                text.append(warning(error, layout.width()));
            }
        }
    }
    text
}

fn stated(state: &State, found: Found<'_>, layout: Layout<'_>) -> Text {
    let Ok(observation) = found.observation else {
        return fact(state, None, layout);
    };
    match judgement::decisive_fact(state, observation) {
        Ok(answer) => fact(state, Some(&answer), layout),
        Err(error) => {
            let mut text = fact(state, None, layout);
            text.append(warning(error, layout.width()));
            text
        }
    }
}

fn drawn(part: &Part, found: Found<'_>, layout: Layout<'_>) -> Text {
    let Ok(observation) = found.observation else {
        return Text::new();
    };
    match judgement::fill_picture(part, observation) {
        Ok(Some(filled)) => picture(&filled, layout.width()),
        Ok(None) => Text::new(),
        Err(error) => warning(error, layout.width()),
    }
}

fn further(
    lesson: &Lesson,
    links: &mut Vec<Link>,
    release: Option<&str>,
    layout: Layout<'_>,
) -> Text {
    let mut idents = String::new();
    for ident in &lesson.idents {
        let target = ident_url(&ident.value, release);
        let known = links.iter().find(|link| link.target == target);
        let number = known.map_or(links.len() + 1, |link| link.number);
        if known.is_none() {
            links.push(Link {
                number,
                target,
                line: 0,
            });
        }
        idents += &format!("`{}`\u{a0}\\[{number}\\] ", ident.value);
    }
    let mut text = Text::new();
    let exercises: Vec<&str> = lesson.exercises.iter().map(|e| e.value.as_str()).collect();
    if links.is_empty() && exercises.is_empty() {
        return text;
    }
    text.append(section("Further", layout));
    for exercise in exercises {
        let command = format!("Write it: `ipc-mastery start {exercise}`.");
        text.append(markdown_text(&command, layout));
    }
    if !idents.is_empty() {
        let source = format!("In the kernel's source: {idents}");
        text.append(markdown_text(&source, layout));
    }
    if !links.is_empty() {
        text.blank();
        text.append(markdown::link_list(links, layout.width()));
    }
    text
}

fn section(title: &str, layout: Layout<'_>) -> Text {
    let source = format!("## {title}");
    Document::parse(&source).layout(layout).text
}

fn of_text(text: Text) -> Page {
    Page {
        text,
        ..Page::default()
    }
}
