//! What keys do in a lesson. Pure: what is to be run or remembered outside comes back as effects.

use std::sync::Arc;

use tui_input::{Input, InputRequest};

use super::super::action::Action;
use super::super::effect::{Effect, Memory};
use super::super::form::{Form, Reply};
use super::super::task::Outcome;
use super::{CONFIDENCE, Choice, Given, LessonState, Piece, Run, Second, Slot, Stand, asked, told};
use crate::experiment::{Observation, judgement};
use crate::mastery::proof::{self, Asked};

/// What is to happen after a key: effects, and whether the lines have to be set again.
pub type Effects = Vec<Effect>;

impl LessonState {
    /// Does what an action asks for, moving excepted. `rows` are the lines on the screen.
    pub fn act(&mut self, action: Action, rows: usize) -> Effects {
        match action {
            Action::NextQuestion => self.turn(rows, Direction::Forward),
            Action::PreviousQuestion => self.turn(rows, Direction::Back),
            Action::Refresh => return self.collect(Wish::Again),
            Action::Choose(number) if self.in_view(rows) => self.choose(usize::from(number)),
            Action::Choose(_) => {}
            Action::Commit if self.in_view(rows) => return self.commit(),
            Action::Commit => {}
            Action::Skip => return self.skip(),
            Action::Again => self.again(rows),
            _ => {}
        }
        Vec::new()
    }

    /// The effects of showing what is unfolded: probes nobody has collected yet.
    pub fn collect(&mut self, wish: Wish) -> Effects {
        let names: Vec<String> = self
            .shown_probes()
            .filter(|name| wish == Wish::Again || !self.probes.contains_key(*name))
            .map(str::to_owned)
            .collect();
        let mut effects = Vec::new();
        for name in names {
            let earlier = match self.probes.remove(&name) {
                Some(Slot::Ready(text)) => Some(text),
                Some(Slot::Collecting(earlier)) => earlier,
                _ => None,
            };
            self.probes.insert(name.clone(), Slot::Collecting(earlier));
            let Some(ask) = asked(&name) else {
                let why = format!("there is no probe {name}");
                self.probes.insert(name, Slot::Failed(why));
                continue;
            };
            let effect = Effect::Probe(ask);
            if !effects.contains(&effect) {
                effects.push(effect);
            }
        }
        effects
    }

    /// Runs the experiment again without asking when the learner was past it in an earlier
    /// session: its values are missing from the text.
    pub fn resume(&mut self) -> Effects {
        let run = self
            .pieces
            .iter()
            .position(|piece| matches!(piece, Piece::Run(_)));
        match (run, self.furthest) {
            (Some(run), Some(furthest)) if furthest > run => self.start_run(run),
            _ => Vec::new(),
        }
    }

    /// Whether the question in focus is on the screen; brings it there if not, so that no key
    /// answers a question that nobody sees.
    fn in_view(&mut self, rows: usize) -> bool {
        let Some(focus) = self.focus else {
            return false;
        };
        let seen = self.is_seen(focus, rows);
        if !seen {
            let lines = self.page.lines_of(focus);
            self.scroll.reveal(lines.start, lines.end, rows);
        }
        seen
    }

    fn is_seen(&self, piece: usize, rows: usize) -> bool {
        let lines = self.page.lines_of(piece);
        let bottom = self.scroll.top + rows;
        lines.start < bottom && lines.end > self.scroll.top + 1
    }

    fn turn(&mut self, rows: usize, direction: Direction) {
        let asked: Vec<usize> = (0..self.unfolded())
            .filter(|&index| self.stops_at(index))
            .collect();
        let place = asked.iter().position(|&index| Some(index) == self.focus);
        let next = match (place, direction) {
            (None, _) => 0,
            (Some(place), Direction::Forward) => (place + 1) % asked.len(),
            (Some(place), Direction::Back) => (place + asked.len() - 1) % asked.len(),
        };
        if let Some(&focus) = asked.get(next) {
            self.focus = Some(focus);
            self.choice = Choice::default();
            self.field = None;
            let lines = self.page.lines_of(focus);
            self.scroll.reveal(lines.start, lines.end, rows);
        }
    }

    /// Whether a piece has something for keys to do or to show: one that was run has not.
    fn stops_at(&self, index: usize) -> bool {
        !matches!(
            (&self.pieces[index], &self.stands[index]),
            (_, Stand::Quiet) | (Piece::Run(_), Stand::Done(_))
        )
    }

    fn choose(&mut self, number: usize) {
        let Some(focus) = self.focus else { return };
        if matches!(self.stands[focus], Stand::Done(_)) {
            return;
        }
        let (options, seconds) = self.counts(focus);
        let Some(index) = number.checked_sub(1) else {
            return;
        };
        match &mut self.choice.second {
            Second::Asked(chosen) if index < seconds => *chosen = Some(index),
            Second::NotAsked if index < options => self.choice.option = Some(index),
            _ => {}
        }
    }

    /// How many options keys choose from at this moment.
    pub fn options_asked(&self) -> usize {
        let (options, seconds) = self.focus.map_or((0, 0), |focus| self.counts(focus));
        match self.choice.second {
            Second::NotAsked => options,
            Second::Asked(_) => seconds,
        }
    }

    /// How many options a question has, and how many for its second half.
    fn counts(&self, piece: usize) -> (usize, usize) {
        match self.pieces[piece] {
            Piece::Predict { part, prediction } => {
                let prediction = self
                    .part(part)
                    .and_then(|part| part.predictions.get(prediction));
                (
                    prediction.map_or(0, |one| one.options.len()),
                    CONFIDENCE.len(),
                )
            }
            _ => (0, 0),
        }
    }

    fn commit(&mut self) -> Effects {
        let Some(focus) = self.focus else {
            return Vec::new();
        };
        if matches!(self.stands[focus], Stand::Done(_)) {
            return Vec::new();
        }
        match self.pieces[focus].clone() {
            Piece::Run(_) => self.start_run(focus),
            Piece::State(_) => {
                if self.observation().is_some() {
                    self.field = Some(Input::default());
                }
                Vec::new()
            }
            Piece::Predict { .. } => match (self.choice.option, self.choice.second) {
                (Some(_), Second::NotAsked) => {
                    self.choice.second = Second::Asked(None);
                    Vec::new()
                }
                (Some(option), Second::Asked(sure)) => {
                    let sure = sure.and_then(|index| CONFIDENCE.get(index).copied());
                    self.settle(focus, Given::Predicted(option, sure))
                }
                (None, _) => Vec::new(),
            },
            _ => Vec::new(),
        }
    }

    /// Takes the typed fact.
    pub fn state_fact(&mut self) -> Effects {
        let (Some(focus), Some(field)) = (self.focus, self.field.take()) else {
            return Vec::new();
        };
        let given = field.value().trim().to_owned();
        let Piece::State(part) = self.pieces[focus] else {
            return Vec::new();
        };
        if given.is_empty() {
            self.field = Some(field);
            return Vec::new();
        }
        let judged = self
            .part(part)
            .and_then(|part| part.state.as_ref())
            .zip(self.observation())
            .map(|(fact, seen)| judgement::stated_right(fact, seen, &given));
        let id = self.part(part).map(|part| part.id.value.clone());
        let right = match judged {
            Some(Ok(right)) => right,
            // An expression that does not fit is the lesson's fault, not the learner's.
            Some(Err(_)) | None => {
                self.stands[focus] = Stand::Skipped;
                self.focus_first_open();
                return Vec::new();
            }
        };
        let mut effects = vec![Effect::Remember(Memory::Fact {
            lesson: self.lesson.slug.clone(),
            part: id.unwrap_or_default(),
            given: given.clone(),
            right,
        })];
        if right {
            effects.extend(self.settle(focus, Given::Stated(given)));
        } else {
            self.stands[focus] = Stand::Mistaken(given);
        }
        effects
    }

    /// Hands a key to the field.
    pub fn type_in(&mut self, request: InputRequest) {
        if let Some(field) = &mut self.field {
            field.handle(request);
        } else if let Some(form) = self.form_mut() {
            form.type_in(request);
        }
    }

    fn settle(&mut self, piece: usize, given: Given) -> Effects {
        let effects = self.answered(piece, &given);
        self.stands[piece] = Stand::Done(given);
        self.choice = Choice::default();
        if self.first_open().is_some_and(|open| open > piece) {
            self.focus_first_open();
        }
        effects
    }

    /// What is remembered of an answer.
    fn answered(&self, piece: usize, given: &Given) -> Effects {
        let memory = match (&self.pieces[piece], given) {
            (Piece::Predict { .. }, Given::Predicted(option, sure)) => {
                let Some(memory) = self.prediction(piece, *option, *sure, None) else {
                    return Vec::new();
                };
                memory
            }
            _ => return Vec::new(),
        };
        vec![Effect::Remember(memory)]
    }

    fn prediction(
        &self,
        piece: usize,
        option: usize,
        confidence: Option<u8>,
        agreed: Option<bool>,
    ) -> Option<Memory> {
        let Piece::Predict { part, prediction } = self.pieces[piece] else {
            return None;
        };
        let id = &self.part(part)?.predictions.get(prediction)?.id;
        Some(Memory::Prediction {
            lesson: self.lesson.slug.clone(),
            prediction: id.clone(),
            option,
            agreed,
            confidence,
        })
    }

    fn start_run(&mut self, piece: usize) -> Effects {
        match &self.run {
            Run::Running(_) => Vec::new(),
            // All parts were observed in one run; this one may be shown now.
            Run::Seen(_) => self.ran(piece),
            Run::Idle | Run::Failed(_) => {
                let Some(plan) = &self.lesson.experiment else {
                    return Vec::new();
                };
                let effect = Effect::Experiment {
                    lesson: self.lesson.slug.clone(),
                    name: plan.name.value.clone(),
                    params: plan.params.clone(),
                };
                self.run = Run::Running(piece);
                vec![effect]
            }
        }
    }

    /// Takes in what the experiment saw.
    pub fn observed(&mut self, result: Result<Observation, String>) -> Effects {
        let Run::Running(piece) = self.run else {
            return Vec::new();
        };
        match result {
            Err(message) => {
                self.run = Run::Failed(message);
                Vec::new()
            }
            Ok(observation) => {
                self.run = Run::Seen(Arc::new(observation));
                let furthest = self.furthest.unwrap_or(0);
                let earlier: Vec<usize> = (0..self.pieces.len())
                    .filter(|&index| matches!(self.pieces[index], Piece::Run(_)))
                    .filter(|&index| index == piece || index < furthest)
                    .collect();
                let mut effects = Vec::new();
                for index in earlier {
                    effects.extend(self.ran(index));
                }
                effects
            }
        }
    }

    /// Shows what a part saw and records which predictions the kernel agreed with.
    fn ran(&mut self, piece: usize) -> Effects {
        let Piece::Run(part) = self.pieces[piece] else {
            return Vec::new();
        };
        let known = piece < self.furthest.unwrap_or(0);
        self.stands[piece] = Stand::Done(Given::Ran);
        let mut effects = Vec::new();
        for index in 0..self.pieces.len() {
            let (
                Piece::Predict {
                    part: of,
                    prediction,
                },
                Stand::Done(Given::Predicted(option, sure)),
            ) = (&self.pieces[index], &self.stands[index])
            else {
                continue;
            };
            if *of != part || known {
                continue;
            }
            let predicted = self
                .part(part)
                .and_then(|part| part.predictions.get(*prediction));
            let agreed = predicted
                .zip(self.observation())
                .and_then(|(predicted, seen)| {
                    let truth = judgement::agreed_option(predicted, seen).ok()?;
                    Some(truth == *option)
                });
            if agreed.is_some() {
                let memory = self.prediction(index, *option, *sure, agreed);
                effects.extend(memory.map(Effect::Remember));
            }
        }
        self.focus_first_open();
        effects
    }

    fn skip(&mut self) -> Effects {
        if let Some(open) = self.first_open() {
            self.stands[open] = Stand::Skipped;
            // What was not run can be neither stated nor drawn.
            if let Piece::Run(part) = self.pieces[open] {
                for index in 0..self.pieces.len() {
                    if self.pieces[index] == Piece::State(part) && self.stands[index] == Stand::Open
                    {
                        self.stands[index] = Stand::Skipped;
                    }
                }
            }
            self.focus_first_open();
        }
        Vec::new()
    }

    /// The question of the quiz that can be answered again: the one in focus, or the last one on the
    /// screen that was missed.
    pub fn answered_again(&self, rows: usize) -> Option<usize> {
        let missed = |piece: &usize| self.is_answered(*piece) && !self.is_right(*piece);
        let focus = self.focus.filter(|&focus| self.is_answered(focus));
        let mut seen = (0..self.unfolded()).filter(|&piece| self.is_seen(piece, rows));
        focus.or_else(|| seen.rfind(missed))
    }

    fn is_answered(&self, piece: usize) -> bool {
        matches!(self.pieces[piece], Piece::Quiz(_))
            && self.stands[piece] == Stand::Done(Given::Answered)
    }

    fn is_right(&self, piece: usize) -> bool {
        let Piece::Quiz(item) = self.pieces[piece] else {
            return false;
        };
        let form = self.forms.get(item).and_then(Option::as_ref);
        let told = form.and_then(|form| form.told.as_ref());
        told.is_some_and(|told| told.right)
    }

    fn again(&mut self, rows: usize) {
        let Some(piece) = self.answered_again(rows) else {
            return;
        };
        if let Piece::Quiz(item) = self.pieces[piece]
            && let Some(Some(form)) = self.forms.get_mut(item)
        {
            form.clear();
            self.stands[piece] = Stand::Skipped;
            self.focus = Some(piece);
            self.choice = Choice::default();
            self.field = None;
        }
    }

    fn form_mut(&mut self) -> Option<&mut Form> {
        let focus = self.focus?;
        let open = !matches!(self.stands[focus], Stand::Done(_));
        match self.pieces[focus] {
            Piece::Quiz(item) if open => self.forms.get_mut(item)?.as_mut(),
            _ => None,
        }
    }

    /// Hands an action to the question of the quiz in focus; `None` when it is for others.
    pub fn answer(&mut self, action: Action, rows: usize) -> Option<Outcome> {
        let focus = self.focus?;
        let Piece::Quiz(item) = self.pieces[focus] else {
            return None;
        };
        self.asked_form()?;
        // Nobody answers a question that is not on the screen.
        if matches!(action, Action::Up | Action::Down) && !self.is_seen(focus, rows) {
            return None;
        }
        let before = self.scroll;
        let reply = match self.in_view(rows) {
            true => self.form_mut()?.act(action),
            false if is_answering(action) => Reply::Taken,
            false => {
                self.scroll = before;
                Reply::Passed
            }
        };
        match reply {
            Reply::Passed => None,
            Reply::Taken => Some(Outcome::default()),
            Reply::Refused(why) => Some(Outcome {
                notice: Some(why),
                ..Outcome::default()
            }),
            Reply::Given(given) => Some(self.answered_quiz(focus, item, &given).into()),
        }
    }

    fn answered_quiz(&mut self, focus: usize, item: usize, given: &proof::Given) -> Effects {
        let lesson = Arc::clone(&self.lesson);
        let Some(question) = lesson.quiz.get(item) else {
            return Vec::new();
        };
        let asked = Asked::alone(question, None);
        let told = told(&asked, given);
        let right = told.as_ref().is_some_and(|told| told.right);
        if let Some(Some(form)) = self.forms.get_mut(item) {
            form.told = told;
        }
        let memory = Memory::Answer {
            item: question.id.value.clone(),
            kept: asked.kept(given, None),
            right,
        };
        let mut effects = vec![Effect::Remember(memory)];
        effects.extend(self.settle(focus, Given::Answered));
        effects
    }
}

/// Whether an action is meant for a question, wherever it stands.
fn is_answering(action: Action) -> bool {
    matches!(
        action,
        Action::Choose(_)
            | Action::Commit
            | Action::Pick
            | Action::Earlier
            | Action::Later
            | Action::NextPurpose
            | Action::PreviousPurpose
    )
}

/// Whether probes that are known already are collected again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// Only those that nobody has collected.
    Missing,
    /// All that are unfolded.
    Again,
}

#[derive(Clone, Copy)]
enum Direction {
    Forward,
    Back,
}
