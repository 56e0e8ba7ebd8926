//! A review on the screen: what is due is asked, one question after the other, and what was missed
//! once more at the end. Which questions are due and when they come back is
//! [`crate::mastery::review`]'s; how it is set as lines is [`page`]'s. Pure.

pub mod page;

use serde_json::Value;

use super::action::Action;
use super::effect::{Effect, Memory};
use super::form::{Form, Reply, Told};
use super::scroll::Scroll;
use super::task::Outcome;
use crate::curriculum::Curriculum;
use crate::curriculum::question::Question;
use crate::mastery::fsrs::Grade;
use crate::mastery::progress::Round;
use crate::mastery::proof::{Asked, Given};
use crate::mastery::review::session::{Session, Worth};
use crate::mastery::review::{Card, Day, Deck};
use page::Page;

/// A review on the screen.
#[derive(Clone, Debug)]
pub struct ReviewState {
    /// The day it was begun.
    pub today: Day,
    /// What is left to ask.
    session: Session<Due>,
    /// The question on the page.
    pub current: Option<Current>,
    /// Its place, counted from 1.
    pub number: usize,
    /// Questions that were due and answered.
    pub asked: usize,
    /// Those that were right.
    pub right: usize,
    /// Where the page is scrolled to.
    pub scroll: Scroll,
    /// The lines, set for the width they were last needed at.
    pub page: Page,
}

/// A question that is due, as it stood when the review was begun.
#[derive(Clone, Debug)]
struct Due {
    item: String,
    lesson: String,
    /// By what it is drawn when it is due, and once more.
    seeds: [u64; 2],
    /// When it comes back after a right answer.
    back: Day,
}

/// The question on the page.
#[derive(Clone, Debug)]
pub struct Current {
    due: Due,
    /// Why it is asked.
    pub round: Round,
    /// The question.
    pub form: Form,
}

impl Current {
    /// The slug of the lesson it was learnt in.
    pub fn lesson(&self) -> &str {
        &self.due.lesson
    }

    /// By what it was drawn.
    fn seed(&self) -> u64 {
        match self.round {
            Round::Due => self.due.seeds[0],
            Round::OnceMore => self.due.seeds[1],
        }
    }

    /// When it comes back, once it was answered.
    pub fn back(&self, today: Day) -> Option<Day> {
        let told = self.form.told.as_ref()?;
        // What was missed today comes back tomorrow, however it went the second time.
        Some(match (told.right, self.round) {
            (true, Round::Due) => self.due.back,
            _ => today + 1,
        })
    }
}

impl ReviewState {
    /// A review of what is due.
    pub fn new(deck: &Deck<'_>, curriculum: &Curriculum) -> Self {
        let due = |card: &Card<'_>| Due {
            item: card.item.id.value.clone(),
            lesson: card.lesson.slug.clone(),
            seeds: [Round::Due, Round::OnceMore].map(|round| card.asked(round).1),
            back: card.due_after(Grade::Good, deck.today),
        };
        let mut state = Self {
            today: deck.today,
            session: Session::new(deck.due().into_iter().map(due)),
            current: None,
            number: 0,
            asked: 0,
            right: 0,
            scroll: Scroll::default(),
            page: Page::default(),
        };
        state.ask_next(curriculum);
        state
    }

    /// How many questions there are, those that come once more included.
    pub fn of(&self) -> usize {
        let answered = self.form().is_some_and(|form| form.told.is_some());
        self.number - usize::from(!answered && self.current.is_some()) + self.session.left()
    }

    /// The question on the page.
    pub fn form(&self) -> Option<&Form> {
        self.current.as_ref().map(|current| &current.form)
    }

    /// The question that keys answer.
    pub fn asked_form(&self) -> Option<&Form> {
        self.form().filter(|form| form.is_open())
    }

    /// Hands a key to the field.
    pub fn type_in(&mut self, request: tui_input::InputRequest) {
        if let Some(current) = &mut self.current {
            current.form.type_in(request);
        }
    }

    fn ask_next(&mut self, curriculum: &Curriculum) {
        self.current = None;
        self.scroll = Scroll::default();
        while let Some((due, round)) = self.session.next() {
            let form = question(curriculum, &due).and_then(|item| {
                let seed = due.seeds[usize::from(round == Round::OnceMore)];
                Form::of(&Asked::alone(item, Some(seed)), &Value::Null).ok()
            });
            let Some(mut form) = form else {
                // One that cannot be asked is passed over.
                self.session.answered(Worth::Right);
                continue;
            };
            form.begin_typing();
            self.number += 1;
            self.current = Some(Current { due, round, form });
            return;
        }
    }

    /// Does what an action asks for; `None` when it is for the page.
    pub fn act(&mut self, action: Action, curriculum: &Curriculum) -> Option<Outcome> {
        let current = self.current.as_mut()?;
        if !current.form.is_open() {
            if action != Action::Commit {
                return None;
            }
            self.ask_next(curriculum);
            return Some(Outcome::default());
        }
        match current.form.act(action) {
            Reply::Passed => None,
            Reply::Taken => Some(Outcome::default()),
            Reply::Refused(why) => Some(Outcome {
                notice: Some(why),
                ..Outcome::default()
            }),
            Reply::Given(given) => Some(self.answered(&given, curriculum).into()),
        }
    }

    fn answered(&mut self, given: &Given, curriculum: &Curriculum) -> Vec<Effect> {
        let Some(current) = &mut self.current else {
            return Vec::new();
        };
        let Some(item) = question(curriculum, &current.due) else {
            return Vec::new();
        };
        let asked = Asked::alone(item, Some(current.seed()));
        let judged = asked.judge(given, &Value::Null);
        let key = asked.key(&Value::Null);
        let (Ok(judged), Ok(key)) = (judged, key) else {
            self.session.answered(Worth::Right);
            self.ask_next(curriculum);
            return Vec::new();
        };
        let right = judged.right;
        current.form.told = Some(Told::new(judged, key, &curriculum.misconceptions));
        if current.round == Round::Due {
            self.asked += 1;
            self.right += usize::from(right);
        }
        self.session.answered(match right {
            true => Worth::Right,
            false => Worth::Wrong,
        });
        vec![Effect::Remember(Memory::Review {
            item: current.due.item.clone(),
            kept: asked.kept(given, Some(current.seed())),
            right,
            round: current.round,
        })]
    }
}

fn question<'a>(curriculum: &'a Curriculum, due: &Due) -> Option<&'a Question> {
    let mut items = curriculum.lesson(&due.lesson)?.quiz.iter();
    items.find(|item| item.id.value == due.item)
}
