//! What keys do in a lesson. Pure: what is to be run or remembered outside comes back as effects.

use std::sync::Arc;

use serde_json::Value;
use tui_input::{Input, InputRequest};

use super::super::action::Action;
use super::super::effect::{Effect, Memory};
use super::{CONFIDENCE, Choice, Given, LessonState, Piece, Run, Second, Slot, Stand, asked};
use crate::curriculum::question::Form;
use crate::experiment::{Observation, judgement};
use crate::mastery::progress::Kept;
use crate::mastery::proof::Asked;

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
            Action::Again => self.again(),
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
        let lines = self.page.lines_of(focus);
        let bottom = self.scroll.top + rows;
        let seen = lines.start < bottom && lines.end > self.scroll.top + 1;
        if !seen {
            self.scroll.reveal(lines.start, lines.end, rows);
        }
        seen
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
            Piece::Quiz(item) => match self.lesson.quiz.get(item).map(|item| &item.form) {
                Some(Form::Choice { options, reasons }) => (options.len(), reasons.len()),
                _ => (0, 0),
            },
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
            Piece::Quiz(item) => {
                let Some(item) = self.lesson.quiz.get(item) else {
                    return Vec::new();
                };
                let asked = Asked::alone(item, None);
                // What is shown first need not be what is written first.
                let written = |order: &[usize], place: usize| order.get(place).copied();
                let option = self.choice.option;
                let option = option.and_then(|place| written(&asked.shown, place));
                match (option, self.choice.second) {
                    (Some(_), Second::NotAsked) if item.is_two_tier() => {
                        self.choice.second = Second::Asked(None);
                        Vec::new()
                    }
                    (Some(option), Second::NotAsked) => {
                        self.settle(focus, Given::Chosen(option, None))
                    }
                    (Some(option), Second::Asked(Some(place))) => {
                        let reason = written(&asked.second, place);
                        self.settle(focus, Given::Chosen(option, reason))
                    }
                    _ => Vec::new(),
                }
            }
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
            (Piece::Quiz(item), Given::Chosen(option, reason)) => {
                let Some(item) = self.lesson.quiz.get(*item) else {
                    return Vec::new();
                };
                let asked = Asked::alone(item, None);
                let given = asked.given(&Kept::chosen(*option, *reason));
                let judged = given.map(|given| asked.judge(&given, &Value::Null));
                let right = matches!(judged, Some(Ok(judged)) if judged.right);
                Memory::Answer {
                    item: item.id.value.clone(),
                    option: *option,
                    reason: *reason,
                    right,
                }
            }
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

    fn again(&mut self) {
        let Some(focus) = self.focus else { return };
        let answered = matches!(self.stands[focus], Stand::Done(Given::Chosen(..)));
        if answered && matches!(self.pieces[focus], Piece::Quiz(_)) {
            self.stands[focus] = Stand::Skipped;
            self.choice = Choice::default();
        }
    }
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
