//! A lesson set as lines for a width. Pure: a lesson's state in, lines out, with the place of each
//! piece. Markdown itself is set by [`crate::render::markdown`].

use serde_json::Value;

use super::question::{self, Asked};
use super::{Given, LessonState, Piece, Run, Slot, Stand};
use crate::curriculum::lesson::Block;
use crate::curriculum::question::{Answer, Form};
use crate::experiment::Observation;
use crate::experiment::judgement::{self, ident_url};
use crate::mastery::proof;
use crate::render::highlight::Highlighter;
use crate::render::lesson;
use crate::render::markdown::{self, CodeLines, Document, Layout, Link, paragraph};
use crate::render::probe as render_probe;
use crate::render::text::{Line, Role, Text};
use crate::untrusted::printable;

/// Lines of a probe that a lesson shows.
const EXCERPT: usize = 20;

/// Columns that running text takes at most.
pub const READING_WIDTH: usize = 78;

/// A lesson set for a width.
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// The lines.
    pub text: Text,
    /// The first line of each unfolded piece.
    pub starts: Vec<usize>,
    /// The width it was set for.
    pub width: usize,
}

impl Page {
    /// The lines of a piece.
    pub fn lines_of(&self, piece: usize) -> std::ops::Range<usize> {
        let end = self.text.lines.len();
        let start = self.starts.get(piece).copied().unwrap_or(end);
        start..self.starts.get(piece + 1).copied().unwrap_or(end)
    }

    /// The last piece of which a line is above `line`.
    pub fn piece_above(&self, line: usize) -> Option<usize> {
        self.starts
            .partition_point(|&start| start < line)
            .checked_sub(1)
    }
}

/// What a page is set with.
#[derive(Clone, Copy, Debug)]
pub struct Setting<'a> {
    /// Columns.
    pub width: usize,
    /// Colours code, once it is loaded.
    pub highlighter: Option<&'a Highlighter>,
    /// The title of what comes next on the path.
    pub next: Option<&'a str>,
}

/// Sets the unfolded pieces.
pub fn set(state: &LessonState, setting: Setting<'_>) -> Page {
    let mut page = Page {
        width: setting.width,
        ..Page::default()
    };
    let observation = state.shown_observation();
    let mut links = Vec::new();
    for index in 0..state.unfolded() {
        page.starts.push(page.text.lines.len());
        let before = page.text.lines.len();
        let piece = &state.pieces[index];
        if index == 0 {
            let layout = Layout::new(reading(setting));
            page.text.append(lesson::opening(&state.lesson, layout));
            page.text.blank();
        }
        let text = match piece {
            Piece::Text(block) => {
                running_text(state, *block, observation.as_ref(), &mut links, setting)
            }
            Piece::Probe(name) => probe(name, state.probes.get(name), setting.width),
            Piece::Story(part) => story(state, *part, setting),
            Piece::Run(part) => run(state, index, *part, observation.as_ref(), setting),
            Piece::Picture(part) => picture(state, *part, setting),
            Piece::Predict { .. } | Piece::State(_) | Piece::Quiz(_) => {
                question::set(&asked(state, index), setting)
            }
            Piece::End => end(state, &links, setting),
        };
        page.text.append(text);
        let grown = page.text.lines.len() > before;
        if grown
            && page
                .text
                .lines
                .last()
                .is_some_and(|line| !line.spans.is_empty())
        {
            page.text.blank();
        }
    }
    if state.first_open().is_some() {
        page.text.line(Line::of(
            Role::Dim,
            "— The lesson goes on after your answer. Press s to go on without one. —",
        ));
    }
    page
}

fn reading(setting: Setting<'_>) -> usize {
    setting.width.min(READING_WIDTH)
}

fn running_text(
    state: &LessonState,
    block: usize,
    observation: Option<&Observation>,
    links: &mut Vec<Link>,
    setting: Setting<'_>,
) -> Text {
    let Some(Block::Markdown(source)) = state.lesson.blocks.get(block) else {
        return Text::new();
    };
    let filled = judgement::fill_markdown(source, observation);
    let (source, problem) = match filled {
        Ok(filled) => (filled, None),
        Err(error) => (
            judgement::fill_markdown(source, None).unwrap_or_default(),
            Some(error),
        ),
    };
    let layout = Layout::new(reading(setting))
        .code(CodeLines::Cut { from: 0 })
        .links_after(links)
        .highlighted(setting.highlighter);
    let mut document = Document::parse(&source);
    if block == 0 {
        document = document.without_title();
    }
    let mut set = document.layout(layout);
    for link in &set.links {
        if links.iter().all(|known| known.number != link.number) {
            links.push(link.clone());
        }
    }
    if let Some(problem) = problem {
        set.text.append(paragraph(
            Role::Warning,
            &format!("A value is missing here: {problem}."),
            reading(setting),
        ));
    }
    set.text
}

fn probe(name: &str, slot: Option<&Slot>, width: usize) -> Text {
    let mut text = Text::new();
    let title = Line::of(Role::Subheading, format!("On this machine: {name}"));
    let (note, drawn) = match slot {
        None => ("collecting …", None),
        Some(Slot::Collecting(earlier)) => ("collecting …", earlier.as_ref()),
        Some(Slot::Ready(drawn)) => ("r looks again, p shows it live", Some(drawn)),
        Some(Slot::Failed(_)) => ("r to try again", None),
    };
    text.line(title.with(Role::Dim, format!("   {note}")));
    if let Some(drawn) = drawn {
        text.append(excerpt(render_probe::draw(&drawn.probed, width)));
    }
    if let Some(Slot::Failed(message)) = slot {
        text.line(Line::of(
            Role::Warning,
            format!("It could not be collected: {message}"),
        ));
    }
    text
}

/// The top of a probe's picture, when the whole would drown the lesson.
fn excerpt(mut drawn: Text) -> Text {
    let left = drawn.lines.len().saturating_sub(EXCERPT);
    if left > EXCERPT / 4 {
        drawn.lines.truncate(EXCERPT);
        drawn.line(
            Line::of(Role::Dim, format!("… and {left} more lines; "))
                .with(Role::Key, "p")
                .with(Role::Dim, " shows all."),
        );
    }
    drawn
}

fn story(state: &LessonState, part: usize, setting: Setting<'_>) -> Text {
    let layout = Layout::new(reading(setting));
    state
        .part(part)
        .map_or_else(Text::new, |part| lesson::story(part, layout))
}

fn run(
    state: &LessonState,
    index: usize,
    part: usize,
    observation: Option<&Observation>,
    setting: Setting<'_>,
) -> Text {
    let mut text = Text::new();
    match (&state.stands[index], &state.run) {
        (Stand::Skipped, _) => {
            text.line(Line::of(
                Role::Dim,
                "Not run. Tab selects it, Enter runs it.",
            ));
        }
        (Stand::Done(_), _) => {
            if let (Some(part), Some(observation)) = (state.part(part), observation) {
                text.line(Line::of(Role::Subheading, "What happened").with(
                    Role::Dim,
                    format!("   on Linux {}", printable(&observation.kernel)),
                ));
                let calls = observation.part(&part.id.value);
                text.append(lesson::calls(calls, reading(setting)));
            }
        }
        (_, Run::Running(_)) => {
            text.line(Line::of(Role::Strong, "Running …"));
        }
        (_, Run::Failed(message)) => {
            text.append(paragraph(
                Role::Warning,
                &format!("It could not be run: {message}."),
                reading(setting),
            ));
            text.line(Line::of(Role::Key, "Enter").with(Role::Plain, " tries again."));
        }
        (_, Run::Idle | Run::Seen(_)) => {
            text.line(
                Line::of(Role::Key, "Enter").with(Role::Plain, " runs it on your kernel, now."),
            );
        }
    }
    text
}

fn picture(state: &LessonState, part: usize, setting: Setting<'_>) -> Text {
    let Some((part, observation)) = state.part(part).zip(state.observation()) else {
        return Text::new();
    };
    match judgement::fill_picture(part, observation) {
        Ok(Some(filled)) => lesson::picture(&filled, setting.width),
        Ok(None) => Text::new(),
        Err(error) => {
            let words = format!("There is no picture: {error}.");
            paragraph(Role::Warning, &words, reading(setting))
        }
    }
}

/// The question a piece asks, with what is known of the answer.
fn asked<'a>(state: &'a LessonState, index: usize) -> Asked<'a> {
    let focus = state.focus == Some(index);
    let open = matches!(state.stands[index], Stand::Open | Stand::Mistaken(_));
    let mut asked = Asked {
        stand: &state.stands[index],
        choice: if focus {
            state.choice
        } else {
            Default::default()
        },
        focus,
        ..Asked::default()
    };
    match &state.pieces[index] {
        Piece::Predict { part, prediction } => {
            let Some(prediction) = state
                .part(*part)
                .and_then(|part| part.predictions.get(*prediction))
            else {
                return asked;
            };
            asked.title = "Predict".to_owned();
            asked.prompt = &prediction.prompt;
            asked.options = prediction
                .options
                .iter()
                .map(|option| (option.text.as_str(), ""))
                .collect();
            asked.sure = true;
            if let Stand::Done(Given::Predicted(option, _)) = &state.stands[index] {
                asked.given = Some(*option);
            }
            let ran = state
                .pieces
                .iter()
                .zip(&state.stands)
                .any(|(piece, stand)| {
                    *piece == Piece::Run(*part) && matches!(stand, Stand::Done(Given::Ran))
                });
            if ran
                && !open
                && let Some(observation) = state.observation()
            {
                match judgement::agreed_option(prediction, observation) {
                    Ok(option) => asked.truth = Some(option),
                    Err(error) => asked.note = format!("{error}."),
                }
            }
        }
        Piece::State(part) => {
            let Some(fact) = state.part(*part).and_then(|part| part.state.as_ref()) else {
                return asked;
            };
            asked.title = "State what happened".to_owned();
            asked.prompt = &fact.prompt;
            asked.field = if focus { state.field.as_ref() } else { None };
            asked.typed = true;
            if state.observation().is_none() && open {
                asked.note = "Nothing was run, so there is nothing to state.".to_owned();
            }
        }
        Piece::Quiz(item) => {
            let Some(quiz) = state.lesson.quiz.get(*item) else {
                return asked;
            };
            asked.title = format!("Question {} of {}", item + 1, state.lesson.quiz.len());
            asked.prompt = &quiz.prompt;
            let Form::Choice { options, reasons } = &quiz.form else {
                return asked;
            };
            let shown = proof::Asked::alone(quiz, None);
            asked.options = choices(options, &shown.shown);
            asked.reasons = choices(reasons, &shown.second);
            if let Stand::Done(Given::Chosen(option, reason)) = &state.stands[index] {
                let place = |order: &[usize], one| order.iter().position(|&index| index == one);
                asked.given = place(&shown.shown, *option);
                asked.given_reason = reason.and_then(|reason| place(&shown.second, reason));
                if let Ok(proof::Given::Chosen(option, reason)) = shown.solution(&Value::Null) {
                    (asked.truth, asked.reason) = (Some(option), reason);
                }
            }
        }
        _ => {}
    }
    asked
}

/// Choices in the order they are shown in.
fn choices<'a>(choices: &'a [Answer], order: &[usize]) -> Vec<(&'a str, &'a str)> {
    let choices = order.iter().filter_map(|&index| choices.get(index));
    choices
        .map(|choice| (choice.text.as_str(), choice.say.as_str()))
        .collect()
}

fn end(state: &LessonState, links: &[Link], setting: Setting<'_>) -> Text {
    let mut text = Text::new();
    let width = reading(setting);
    let lesson = &state.lesson;
    let mut links = links.to_vec();
    let release = state.observation().map(|seen| seen.kernel.as_str());
    let mut idents = Line::empty();
    for ident in &lesson.idents {
        let target = ident_url(&ident.value, release);
        let known = links.iter().find(|link| link.target == target);
        let number = match known {
            Some(link) => link.number,
            None => {
                let number = links.len() + 1;
                links.push(Link {
                    number,
                    target,
                    line: 0,
                });
                number
            }
        };
        idents.push(Role::Code, ident.value.as_str());
        idents.push(Role::Link, format!("[{number}] "));
    }
    if !links.is_empty() {
        text.line(Line::of(Role::Subheading, "Links"));
        if !idents.spans.is_empty() {
            text.line(Line::of(Role::Dim, "In the kernel's source: "));
            text.line(idents);
        }
        text.append(markdown::link_list(&links, width));
        text.blank();
    }
    if !lesson.claims.is_empty() {
        let legend = "A sentence with the sign ° is backed: by an experiment that `ipc-mastery try \
            --all` does on your kernel, or by a manual page, which it names.";
        text.append(question::markdown(legend, width));
        text.blank();
    }
    text.line(Line::of(Role::Good, "✓ ").with(Role::Strong, "This is the end of the lesson."));
    if let Some(next) = setting.next {
        text.line(
            Line::of(Role::Plain, "Next on the path: ")
                .with(Role::Strong, next)
                .with(Role::Plain, " (press ")
                .with(Role::Key, "n")
                .with(Role::Plain, ")"),
        );
    }
    text
}
