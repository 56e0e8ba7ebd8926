//! A lesson set as lines for a width. Pure: a lesson's state in, lines out, with the place of each
//! piece. Markdown itself is set by [`crate::render::markdown`].

use super::super::form::{self, page::Focus};
use super::question::{self, Asked};
use super::{Given, LessonState, Piece, Run, Slot, Stand};
use crate::curriculum::lesson::{Block, Shown, Stepped};
use crate::experiment::Observation;
use crate::experiment::judgement::{self, ident_url};
use crate::render::highlight::Highlighter;
use crate::render::lesson;
use crate::render::markdown::{self, CodeLines, Document, Layout, Link, paragraph};
use crate::render::probe::{self as render_probe, section};
use crate::render::task::variant_worth;
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
    /// The row that keys act on, where they act on one.
    pub cursor: Option<std::ops::Range<usize>>,
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
#[derive(Clone, Copy, Debug, Default)]
pub struct Setting<'a> {
    /// Columns.
    pub width: usize,
    /// Colours code, once it is loaded.
    pub highlighter: Option<&'a Highlighter>,
    /// The title of what comes next on the path.
    pub next: Option<&'a str>,
    /// What is known of the task that predicts the lesson once more.
    pub variant: Option<&'a str>,
    /// The outcomes that this task is evidence for.
    pub outcomes: &'a [&'a str],
    /// The title of the exercise that the lesson leads to.
    pub exercise: Option<&'a str>,
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
            page.text.append(lesson::sign(&state.lesson, layout));
            page.text.line(
                Line::of(Role::Key, "w")
                    .with(Role::Dim, " explains the words that are on the screen, ")
                    .with(Role::Key, "?")
                    .with(Role::Dim, " the keys."),
            );
            page.text.blank();
        }
        let text = match piece {
            Piece::Text(block) => {
                running_text(state, *block, observation.as_ref(), &mut links, setting)
            }
            Piece::Probe(shown) => probe(shown, state.probes.get(&shown.name), setting.width),
            Piece::Story(part) => story(state, *part, setting),
            Piece::Run(part) => run(state, index, *part, observation.as_ref(), setting),
            Piece::Picture(part) => picture(state, *part, setting),
            Piece::Script(shown) => script(shown, setting),
            Piece::Predict { .. } | Piece::State(_) => question::set(&asked(state, index), setting),
            Piece::Quiz(item) => {
                let (text, cursor) = quiz(state, index, *item, setting);
                if let Some(rows) = cursor {
                    page.cursor = Some(rows.start + before..rows.end + before);
                }
                text
            }
            Piece::Variant => variant(setting),
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

fn probe(shown: &Shown, slot: Option<&Slot>, width: usize) -> Text {
    let mut text = Text::new();
    let title = format!("On this machine: {}", shown.title());
    let title = Line::of(Role::Subheading, printable(&title));
    let (note, drawn) = match slot {
        None => ("collecting …", None),
        Some(Slot::Collecting(earlier)) => ("collecting …", earlier.as_ref()),
        Some(Slot::Ready(drawn)) => ("r looks again, p shows it live", Some(drawn)),
        Some(Slot::Failed(_)) => ("r to try again", None),
    };
    text.line(title.with(Role::Dim, format!("   {note}")));
    if let Some(drawn) = drawn {
        text.append(excerpt(render_probe::draw(&drawn.probed, width), shown));
    }
    if let Some(Slot::Failed(message)) = slot {
        text.line(Line::of(
            Role::Warning,
            format!("It could not be collected: {message}"),
        ));
    }
    text
}

/// The sections of a probe's picture that are shown, and their top when all would drown the lesson.
fn excerpt(drawn: Text, shown: &Shown) -> Text {
    let mut drawn = section::wanted(drawn, shown);
    let left = section::top(&mut drawn, shown, EXCERPT);
    if left > 0 {
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
        .map_or_else(Text::new, |part| lesson::story(&state.lesson, part, layout))
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
                let instead = observation.instead(&part.id.value);
                let happened = Line::of(Role::Subheading, "What happened");
                text.line(match &instead {
                    None => happened.with(
                        Role::Dim,
                        format!("   on Linux {}", printable(&observation.kernel)),
                    ),
                    Some(_) => Line::of(Role::Subheading, "What is shown in the place of a run"),
                });
                if let Some(said) = instead {
                    let said = format!("No run of this machine: {said}.");
                    text.append(paragraph(Role::Warning, &said, reading(setting)));
                }
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

/// A script of the model, and how it is opened.
fn script(shown: &Stepped, setting: Setting<'_>) -> Text {
    let mut text = lesson::script(shown, Layout::new(reading(setting)));
    let line = Line::of(Role::Key, "m").with(Role::Plain, " steps through it.");
    text.line(line);
    text
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
        _ => {}
    }
    asked
}

/// A question of the quiz; gives the lines that keys act on, too.
fn quiz(
    state: &LessonState,
    index: usize,
    item: usize,
    setting: Setting<'_>,
) -> (Text, Option<std::ops::Range<usize>>) {
    let Some(Some(form)) = state.forms.get(item) else {
        return (Text::new(), None);
    };
    let focus = state.focus == Some(index);
    let mut text = Text::new();
    let mut title = Line::empty();
    if focus {
        title.push(Role::Key, "» ");
    }
    let asked = state.forms.iter().flatten().count();
    let number = state.forms[..=item].iter().flatten().count();
    title.push(Role::Subheading, format!("Question {number} of {asked}"));
    if state.stands[index] == Stand::Skipped && form.is_open() && !focus {
        title.push(Role::Dim, "   skipped; Tab selects it");
    }
    text.line(title);
    let here = match focus {
        true => Focus::Here,
        false => Focus::Elsewhere,
    };
    let set = form::page::set(form, here, reading(setting));
    let moved = text.lines.len();
    text.append(set.text);
    if form.told.as_ref().is_some_and(|told| !told.right) {
        let line = Line::of(Role::Key, "a").with(Role::Dim, " answers it again.");
        text.line(line);
    }
    let cursor = set.cursor.filter(|_| focus);
    let cursor = cursor.map(|rows| rows.start + moved..rows.end + moved);
    (text, cursor)
}

/// The offer to predict once more.
fn variant(setting: Setting<'_>) -> Text {
    let mut text = Text::new();
    let title = "Once more, with other numbers";
    let known = setting.variant.unwrap_or_default();
    text.line(Line::of(Role::Subheading, title).with(Role::Dim, format!("   {known}")));
    let words = format!(
        "You know now what the experiment does. Predict it in another situation; your kernel \
         decides. {}",
        variant_worth(setting.outcomes)
    );
    text.append(paragraph(Role::Plain, &words, reading(setting)));
    text.line(Line::of(Role::Key, "v").with(Role::Plain, " opens it."));
    text
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
    text.line(Line::of(Role::Good, "✓ ").with(Role::Strong, "This is the end of the lesson."));
    if let Some(exercise) = setting.exercise {
        text.line(
            Line::of(Role::Plain, "Write it: ")
                .with(Role::Strong, exercise)
                .with(Role::Plain, " (press ")
                .with(Role::Key, "x")
                .with(Role::Plain, ")"),
        );
    }
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
