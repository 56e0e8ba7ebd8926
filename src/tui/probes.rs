//! The probes screen: one tab a probe, a filter, a refresh. Drawing is [`super::view`]'s,
//! collecting and drawing the data others'.

use std::collections::BTreeMap;

use tui_input::Input;

use super::action::Action;
use super::effect::Effect;
use super::lesson::Slot;
use super::scroll::Scroll;
use crate::probe::Name;
use crate::render::probe as render_probe;
use crate::render::text::{Line, Role, Text};

/// The probes screen.
#[derive(Debug, Default)]
pub struct ProbesState {
    /// Which probe is shown: an index into [`Name::ALL`].
    pub shown: usize,
    /// What each probe saw.
    pub slots: BTreeMap<String, Slot>,
    /// Only lines with this text are shown.
    pub filter: Input,
    /// Whether the filter is being typed.
    pub typing: Typing,
    /// Where the lines are scrolled to.
    pub scroll: Scroll,
    /// The lines, set for the width they were last needed at.
    pub text: Text,
}

/// Whether a field has the keys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Typing {
    /// It has not.
    #[default]
    No,
    /// It has.
    Yes,
}

impl ProbesState {
    /// The screen with a probe being collected.
    pub fn new(probe: Name) -> (Self, Vec<Effect>) {
        let shown = Name::ALL.iter().position(|&name| name == probe);
        let mut state = Self {
            shown: shown.unwrap_or(0),
            ..Self::default()
        };
        let effects = state.collect();
        (state, effects)
    }

    /// The name of the probe that is shown.
    pub fn name(&self) -> &'static str {
        Name::ALL[self.shown].as_str()
    }

    /// Does what an action asks for, moving excepted.
    pub fn act(&mut self, action: Action) -> Vec<Effect> {
        match action {
            Action::NextTab => self.show(self.shown + 1),
            Action::PreviousTab => self.show(self.shown + Name::ALL.len() - 1),
            Action::Refresh => self.collect(),
            Action::Filter => {
                self.typing = Typing::Yes;
                Vec::new()
            }
            _ => Vec::new(),
        }
    }

    fn show(&mut self, index: usize) -> Vec<Effect> {
        self.shown = index % Name::ALL.len();
        self.scroll = Scroll::default();
        if self.slots.contains_key(self.name()) {
            return Vec::new();
        }
        self.collect()
    }

    fn collect(&mut self) -> Vec<Effect> {
        let name = self.name().to_owned();
        let earlier = match self.slots.remove(&name) {
            Some(Slot::Ready(snapshot)) => Some(snapshot),
            Some(Slot::Collecting(earlier)) => earlier,
            _ => None,
        };
        self.slots.insert(name.clone(), Slot::Collecting(earlier));
        vec![Effect::Probe(name)]
    }

    /// Sets the lines for a width.
    pub fn set(&mut self, width: usize) {
        let text = match self.slots.get(self.name()) {
            Some(Slot::Ready(snapshot) | Slot::Collecting(Some(snapshot))) => {
                render_probe::draw(snapshot, width)
            }
            _ => Text::new(),
        };
        self.text = filtered(text, self.filter.value());
    }

    /// Whether something is under way outside.
    pub fn is_pending(&self) -> bool {
        let mut slots = self.slots.values();
        slots.any(|slot| matches!(slot, Slot::Collecting(_)))
    }
}

/// The lines that hold `wanted`, in whatever case, and the headings of tables; all when it is
/// empty, none when only headings would be left.
fn filtered(text: Text, wanted: &str) -> Text {
    if wanted.is_empty() {
        return text;
    }
    let wanted = wanted.to_lowercase();
    let holds = |line: &Line| line.plain().to_lowercase().contains(&wanted);
    if !text.lines.iter().any(holds) {
        return Text::new();
    }
    let is_heading = |line: &Line| {
        let first = line.spans.first().map(|span| span.role);
        matches!(first, Some(Role::Heading | Role::Subheading))
    };
    let kept = text.lines.into_iter();
    Text {
        lines: kept
            .filter(|line| holds(line) || is_heading(line))
            .collect(),
    }
}
