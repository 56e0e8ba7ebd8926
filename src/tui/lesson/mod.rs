//! A lesson being read: its pieces in order, what was answered, run and collected, and how far it
//! is unfolded. Everything below the first open question stays folded, so that nothing gives an
//! answer away. What keys do to it is in [`keys`], how it is set as lines in [`page`].

pub mod keys;
pub mod page;
mod question;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;
use tui_input::Input;

use super::form::{Form, Told};
use super::probes::look::Look;
use super::scroll::Scroll;
use crate::curriculum::lesson::{Block, Lesson, Part, Shown, Stepped};
use crate::curriculum::question::Question;
use crate::experiment::Observation;
use crate::mastery::progress::{LessonProgress, Progress};
use crate::mastery::proof::{self, Asked};
use crate::probe::{Ask, Name};
use page::{Page, READING_WIDTH, Setting};

/// A lesson on the screen.
#[derive(Debug)]
pub struct LessonState {
    /// The lesson.
    pub lesson: Arc<Lesson>,
    /// What it consists of, in order.
    pub pieces: Vec<Piece>,
    /// Where each piece stands; as many as there are pieces.
    pub stands: Vec<Stand>,
    /// The questions of its quiz; `None` for one that cannot be asked.
    pub forms: Vec<Option<Form>>,
    /// The question that keys answer: an index into the pieces.
    pub focus: Option<usize>,
    /// What is chosen for the prediction in focus and not committed yet.
    pub choice: Choice,
    /// The field, while an answer is typed.
    pub field: Option<Input>,
    /// The experiment.
    pub run: Run,
    /// Probes by name.
    pub probes: BTreeMap<String, Slot>,
    /// Where the page is scrolled to.
    pub scroll: Scroll,
    /// The lines, set for the width they were last needed at.
    pub page: Page,
    /// The furthest piece that was shown, as it was recorded.
    pub furthest: Option<usize>,
    /// How much of the lesson was on the screen so far, folded pieces counted as they will be, in
    /// thousandths. It does not fall when the page is scrolled back.
    pub seen: usize,
    /// Where the learner was in an earlier session: the page goes there once it is unfolded.
    pub goal: Option<usize>,
}

/// Something that a lesson consists of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// Running text: an index into the lesson's blocks.
    Text(usize),
    /// A live probe.
    Probe(Shown),
    /// What a part of the experiment will do.
    Story(usize),
    /// A prediction of a part.
    Predict {
        /// Index of the part.
        part: usize,
        /// Index of the prediction.
        prediction: usize,
    },
    /// Runs a part and shows its calls.
    Run(usize),
    /// Asks for the decisive fact of a part.
    State(usize),
    /// The picture of a part.
    Picture(usize),
    /// A script of the model.
    Script(Stepped),
    /// Where the prediction is made once more, with other numbers.
    Variant,
    /// A quiz item, by index.
    Quiz(usize),
    /// What comes after the lesson.
    End,
}

/// Where a piece stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stand {
    /// It asks nothing.
    Quiet,
    /// It waits for an answer.
    Open,
    /// The learner went on without answering.
    Skipped,
    /// A fact that was stated and was not what happened.
    Mistaken(String),
    /// It was answered.
    Done(Given),
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Given {
    /// The experiment ran.
    Ran,
    /// An option, and how sure the learner was, in percent.
    Predicted(usize, Option<u8>),
    /// What the question itself holds.
    Answered,
    /// A fact, in the learner's words.
    Stated(String),
}

/// What is chosen and not committed yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Choice {
    /// The option.
    pub option: Option<usize>,
    /// Whether the option is settled and it is asked how sure the learner is.
    pub second: Second,
}

pub use super::form::Second;

/// Percentages for "a guess", "I think so", "sure".
pub const CONFIDENCE: [u8; 3] = [33, 66, 95];

/// The experiment of a lesson.
#[derive(Clone, Debug, Default)]
pub enum Run {
    /// Not run yet.
    #[default]
    Idle,
    /// Running, for the piece with this index.
    Running(usize),
    /// What it saw.
    Seen(Arc<Observation>),
    /// It could not be run.
    Failed(String),
}

/// What a probe block asks; nothing when there is no probe of that name.
pub fn asked(name: &str) -> Option<Ask> {
    Name::parse(name).map(Ask::from)
}

/// A probe inside a lesson.
#[derive(Clone, Debug)]
pub enum Slot {
    /// Being collected, for the first time or again.
    Collecting(Option<Arc<Look>>),
    /// Collected.
    Ready(Arc<Look>),
    /// It could not be collected.
    Failed(String),
}

impl LessonState {
    /// A lesson with what is remembered of it.
    pub fn new(lesson: Arc<Lesson>, progress: &Progress) -> Self {
        let forms: Vec<Option<Form>> = lesson
            .quiz
            .iter()
            .map(|item| asked_question(item, progress))
            .collect();
        let pieces = pieces(&lesson, &forms);
        let known = progress.lessons.get(&lesson.slug);
        let stands = pieces
            .iter()
            .map(|piece| remembered(piece, &lesson, known, &forms))
            .collect();
        let mut state = Self {
            lesson,
            pieces,
            stands,
            forms,
            focus: None,
            choice: Choice::default(),
            field: None,
            run: Run::Idle,
            probes: BTreeMap::new(),
            scroll: Scroll::default(),
            page: Page::default(),
            seen: 0,
            furthest: known.map(|known| known.furthest_block as usize),
            goal: known
                .filter(|known| known.finished_at.is_none() && known.furthest_block > 0)
                .map(|known| known.furthest_block as usize),
        };
        state.focus_first_open();
        state
    }

    /// The first question that waits: nothing below it is shown.
    pub fn first_open(&self) -> Option<usize> {
        self.stands
            .iter()
            .position(|stand| matches!(stand, Stand::Open | Stand::Mistaken(_)))
    }

    /// How many pieces are unfolded.
    pub fn unfolded(&self) -> usize {
        self.first_open().map_or(self.pieces.len(), |open| open + 1)
    }

    /// Puts the first open question in focus; the last one when none is open.
    pub fn focus_first_open(&mut self) {
        self.choice = Choice::default();
        self.field = None;
        let asked = |stand: &Stand| *stand != Stand::Quiet;
        self.focus = self
            .first_open()
            .or_else(|| self.stands.iter().rposition(asked));
    }

    /// Sets the lines, keeping what is at the top of the screen there.
    pub fn set_page(&mut self, setting: Setting<'_>, rows: usize) {
        let anchor = self.page.piece_above(self.scroll.top + 1);
        let offset = anchor.map(|piece| self.scroll.top - self.page.lines_of(piece).start);
        self.page = page::set(self, setting);
        if let Some((piece, offset)) = anchor.zip(offset) {
            let lines = self.page.lines_of(piece);
            self.scroll.top = lines.start + offset.min(lines.len().saturating_sub(1));
        }
        if let Some(goal) = self.goal
            && (goal < self.unfolded() || !matches!(self.run, Run::Running(_)))
        {
            let goal = goal.min(self.unfolded() - 1);
            self.scroll.top = self.page.lines_of(goal).start;
            self.goal = None;
        }
        self.scroll.clamp(rows, self.page.text.lines.len());
    }

    /// Takes note of how far the lesson is seen, of which `rows` lines are on the screen.
    pub fn note_seen(&mut self, rows: usize) {
        let bottom = (self.scroll.top + rows).min(self.page.text.lines.len());
        let Some(piece) = self.page.piece_above(bottom) else {
            return;
        };
        let lines = self.page.lines_of(piece);
        let of_piece = lines.len().max(1);
        let before: usize = (0..piece).map(|index| self.weight(index)).sum();
        let all: usize = (0..self.pieces.len()).map(|index| self.weight(index)).sum();
        let shown = before * of_piece + self.weight(piece) * (bottom - lines.start).min(of_piece);
        self.seen = self.seen.max(1000 * shown / (all * of_piece).max(1));
    }

    /// About how many lines a piece takes: the same before and after it is unfolded.
    fn weight(&self, piece: usize) -> usize {
        match &self.pieces[piece] {
            Piece::Text(block) => match self.lesson.blocks.get(*block) {
                Some(Block::Markdown(source)) => 2 + source.len() / READING_WIDTH,
                _ => 2,
            },
            Piece::Probe(_) | Piece::Run(_) | Piece::Quiz(_) => 12,
            Piece::Picture(_) | Piece::Predict { .. } | Piece::End => 8,
            Piece::Story(_) | Piece::State(_) | Piece::Variant | Piece::Script(_) => 5,
        }
    }

    /// The part with this index.
    pub fn part(&self, index: usize) -> Option<&Part> {
        self.lesson.experiment.as_ref()?.parts.get(index)
    }

    /// What the experiment saw, once the parts that are unfolded may speak of it.
    pub fn observation(&self) -> Option<&Observation> {
        match &self.run {
            Run::Seen(observation) => Some(observation),
            _ => None,
        }
    }

    /// The observation with only those parts that the learner has run: a value of a later part
    /// would give its answer away.
    pub fn shown_observation(&self) -> Option<Observation> {
        let mut observation = self.observation()?.clone();
        let ran: Vec<&str> = self
            .pieces
            .iter()
            .zip(&self.stands)
            .filter(|(_, stand)| matches!(stand, Stand::Done(Given::Ran)))
            .filter_map(|(piece, _)| match piece {
                Piece::Run(part) => Some(self.part(*part)?.id.value.as_str()),
                _ => None,
            })
            .collect();
        observation
            .calls
            .retain(|call| ran.contains(&call.part.as_str()));
        Some(observation)
    }

    /// The question of the quiz in focus, while it can be answered.
    pub fn asked_form(&self) -> Option<&Form> {
        let focus = self.focus?;
        let open = !matches!(self.stands[focus], Stand::Done(_));
        match self.pieces[focus] {
            Piece::Quiz(item) if open => self.forms.get(item)?.as_ref(),
            _ => None,
        }
    }

    /// Whether the offer to predict once more is unfolded.
    pub fn offers_variant(&self) -> bool {
        self.pieces[..self.unfolded()].contains(&Piece::Variant)
    }

    /// Whether something is under way outside.
    pub fn is_pending(&self) -> bool {
        matches!(self.run, Run::Running(_))
            || self
                .probes
                .values()
                .any(|slot| matches!(slot, Slot::Collecting(_)))
    }

    /// What the probe asks that is on the screen, of which `rows` lines are, or else the nearest
    /// one above; and what it has seen.
    pub fn probe_in_view(&self, rows: usize) -> Option<(Ask, Option<Arc<Look>>)> {
        let bottom = self.scroll.top + rows;
        let mut nearest = None;
        for (index, piece) in self.pieces[..self.unfolded()].iter().enumerate() {
            let Piece::Probe(Shown { name, .. }) = piece else {
                continue;
            };
            let lines = self.page.lines_of(index);
            if nearest.is_none() || lines.start < bottom {
                nearest = Some(name);
            }
            if lines.end > self.scroll.top {
                break;
            }
        }
        let name = nearest?;
        let known = match self.probes.get(name) {
            Some(Slot::Ready(look) | Slot::Collecting(Some(look))) => Some(Arc::clone(look)),
            _ => None,
        };
        Some((asked(name)?, known))
    }

    /// The script of the model that is on the screen, of which `rows` lines are, or else the nearest
    /// one above, or the first below; only what is unfolded counts.
    pub fn script_in_view(&self, rows: usize) -> Option<&Stepped> {
        let bottom = self.scroll.top + rows;
        let mut nearest = None;
        for (index, piece) in self.pieces[..self.unfolded()].iter().enumerate() {
            let Piece::Script(shown) = piece else {
                continue;
            };
            if nearest.is_none() || self.page.lines_of(index).start < bottom {
                nearest = Some(shown);
            }
        }
        nearest
    }

    /// Names of the probes that are unfolded.
    pub fn shown_probes(&self) -> impl Iterator<Item = &str> {
        self.pieces[..self.unfolded()]
            .iter()
            .filter_map(|piece| match piece {
                Piece::Probe(shown) => Some(shown.name.as_str()),
                _ => None,
            })
    }
}

/// A question of the quiz, as the lesson shows it, with the answer that was given last.
fn asked_question(item: &Question, progress: &Progress) -> Option<Form> {
    let asked = Asked::alone(item, None);
    let mut form = Form::of(&asked, &Value::Null).ok()?;
    let earlier = progress.answers.get(&item.id.value);
    let kept = earlier.map(|earlier| &earlier.kept);
    let given = kept.filter(|kept| kept.seed.is_none());
    if let Some(given) = given.and_then(|kept| asked.given(kept))
        && let Some(told) = told(&asked, &given)
    {
        form.recall(given);
        form.told = Some(told);
    }
    Some(form)
}

/// What is said to an answer to a question of the quiz; nothing when that cannot be judged.
fn told(asked: &Asked<'_>, given: &proof::Given) -> Option<Told> {
    let judged = asked.judge(given, &Value::Null).ok()?;
    let key = asked.key(&Value::Null).ok()?;
    Some(Told::new(judged, key, &[]))
}

fn pieces(lesson: &Lesson, forms: &[Option<Form>]) -> Vec<Piece> {
    let parts = lesson
        .experiment
        .as_ref()
        .map(|plan| plan.parts.as_slice())
        .unwrap_or_default();
    let part = |id: &str| parts.iter().position(|part| part.id.value == id);
    let mut pieces = Vec::new();
    for (index, block) in lesson.blocks.iter().enumerate() {
        match block {
            Block::Markdown(_) => pieces.push(Piece::Text(index)),
            Block::Probe(shown) => pieces.push(Piece::Probe(shown.clone())),
            Block::Predict(id) => {
                let Some(part) = part(id) else { continue };
                pieces.push(Piece::Story(part));
                let count = parts[part].predictions.len();
                pieces.extend((0..count).map(|prediction| Piece::Predict { part, prediction }));
            }
            Block::Run(id) => pieces.extend(part(id).map(Piece::Run)),
            Block::State(id) => pieces.extend(
                part(id)
                    .filter(|&part| parts[part].state.is_some())
                    .map(Piece::State),
            ),
            Block::Script(shown) => pieces.push(Piece::Script(shown.clone())),
            Block::Picture(id) => pieces.extend(
                part(id)
                    .filter(|&part| parts[part].picture.is_some())
                    .map(Piece::Picture),
            ),
        }
    }
    if lesson.variant.is_some() {
        pieces.push(Piece::Variant);
    }
    let asked = (0..forms.len()).filter(|&index| forms[index].is_some());
    pieces.extend(asked.map(Piece::Quiz));
    pieces.push(Piece::End);
    pieces
}

/// Where a piece stands when the lesson is opened: predictions, facts and answers are remembered;
/// an experiment runs anew, because what it saw is of that moment.
fn remembered(
    piece: &Piece,
    lesson: &Lesson,
    known: Option<&LessonProgress>,
    forms: &[Option<Form>],
) -> Stand {
    let parts = lesson.experiment.as_ref().map(|plan| &plan.parts);
    match piece {
        Piece::Predict { part, prediction } => {
            let id = parts
                .and_then(|parts| parts.get(*part)?.predictions.get(*prediction))
                .map(|prediction| prediction.id.as_str());
            let earlier = known
                .zip(id)
                .and_then(|(known, id)| known.predictions.get(id));
            earlier.map_or(Stand::Open, |earlier| {
                Stand::Done(Given::Predicted(
                    earlier.option as usize,
                    earlier.confidence,
                ))
            })
        }
        Piece::Run(_) => Stand::Open,
        Piece::State(part) => {
            let id = parts
                .and_then(|parts| parts.get(*part))
                .map(|part| part.id.value.as_str());
            let earlier = known.zip(id).and_then(|(known, id)| known.facts.get(id));
            match earlier {
                Some(fact) if fact.right => Stand::Done(Given::Stated(fact.given.clone())),
                _ => Stand::Open,
            }
        }
        Piece::Quiz(index) => match forms.get(*index) {
            Some(Some(form)) if form.told.is_some() => Stand::Done(Given::Answered),
            _ => Stand::Open,
        },
        _ => Stand::Quiet,
    }
}
