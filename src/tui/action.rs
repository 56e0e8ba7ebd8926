//! What a key press asks for. Every key is a named action with a sentence: the help screen, the
//! hints in the last line and the documented key table are all made from this file.
//! What an action does is [`super::update`]'s.

use std::fmt;

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// Something a learner can ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// End the program.
    Quit,
    /// Stop the program until the shell continues it.
    Suspend,
    /// Draw everything again.
    Redraw,
    /// Go back to where this screen was opened from.
    Back,
    /// Show the keys of this screen.
    Help,
    /// Search all titles and texts.
    Search,
    /// Show the probes.
    Probes,
    /// One line or row up.
    Up,
    /// One line or row down.
    Down,
    /// Half a page up.
    HalfPageUp,
    /// Half a page down.
    HalfPageDown,
    /// A page up.
    PageUp,
    /// A page down.
    PageDown,
    /// To the beginning.
    Home,
    /// To the end.
    End,
    /// Open what is selected.
    Open,
    /// Open or close the selected module or level.
    Fold,
    /// Go to what comes next on the path.
    Next,
    /// Choose the answer or the language with this number.
    Choose(u8),
    /// Commit the answer, run, or begin to type.
    Commit,
    /// Go on without answering.
    Skip,
    /// Answer the question again.
    Again,
    /// Go to the next question.
    NextQuestion,
    /// Go to the previous question.
    PreviousQuestion,
    /// Collect the probes again.
    Refresh,
    /// The next tab.
    NextTab,
    /// The previous tab.
    PreviousTab,
    /// Judge the program.
    Check,
    /// Judge the program whenever a file is saved.
    Watch,
    /// Stop the check that is running.
    Stop,
    /// Open the program in the editor.
    Edit,
    /// One more hint.
    Hint,
    /// Show only lines with a text.
    Filter,
    /// Leave the field, keep what it did.
    Leave,
    /// Take the text that was typed.
    Accept,
}

impl Action {
    /// The name in the key table and in tests.
    pub fn name(self) -> &'static str {
        match self {
            Self::Quit => "quit",
            Self::Suspend => "suspend",
            Self::Redraw => "redraw",
            Self::Back => "back",
            Self::Help => "help",
            Self::Search => "search",
            Self::Probes => "probes",
            Self::Up => "up",
            Self::Down => "down",
            Self::HalfPageUp => "half-page-up",
            Self::HalfPageDown => "half-page-down",
            Self::PageUp => "page-up",
            Self::PageDown => "page-down",
            Self::Home => "home",
            Self::End => "end",
            Self::Open => "open",
            Self::Fold => "fold",
            Self::Next => "next",
            Self::Choose(_) => "choose",
            Self::Commit => "commit",
            Self::Skip => "skip",
            Self::Again => "again",
            Self::NextQuestion => "next-question",
            Self::PreviousQuestion => "previous-question",
            Self::Refresh => "refresh",
            Self::NextTab => "next-tab",
            Self::PreviousTab => "previous-tab",
            Self::Check => "check",
            Self::Watch => "watch",
            Self::Stop => "stop",
            Self::Edit => "edit",
            Self::Hint => "hint",
            Self::Filter => "filter",
            Self::Leave => "leave",
            Self::Accept => "accept",
        }
    }

    /// What it does, as a sentence without a full stop.
    pub fn sentence(self) -> &'static str {
        match self {
            Self::Quit => "End the program; your progress is kept",
            Self::Suspend => "Stop the program; `fg` continues it",
            Self::Redraw => "Draw the screen again",
            Self::Back => "Go back to the screen before",
            Self::Help => "Show the keys of this screen",
            Self::Search => "Search all titles and texts",
            Self::Probes => "Look at the sockets of this machine",
            Self::Up => "Go up one line",
            Self::Down => "Go down one line",
            Self::HalfPageUp => "Go up half a page",
            Self::HalfPageDown => "Go down half a page",
            Self::PageUp => "Go up one page",
            Self::PageDown => "Go down one page",
            Self::Home => "Go to the beginning",
            Self::End => "Go to the end",
            Self::Open => "Open what is selected",
            Self::Fold => "Open or close the selected module",
            Self::Next => "Go to what comes next on the path",
            Self::Choose(_) => "Choose the answer, or the language, with this number",
            Self::Commit => "Give the chosen answer, run the experiment, or type",
            Self::Skip => "Go on without answering",
            Self::Again => "Answer the question again",
            Self::NextQuestion => "Go to the next question",
            Self::PreviousQuestion => "Go to the question before",
            Self::Refresh => "Look at this machine again",
            Self::NextTab => "Show the next tab",
            Self::PreviousTab => "Show the tab before",
            Self::Check => "Build, run and judge your program",
            Self::Watch => "Judge again whenever you save a file; once more to end it",
            Self::Stop => "Stop the check that is running",
            Self::Edit => "Open your program in $VISUAL or $EDITOR",
            Self::Hint => "Show one more hint for the stage",
            Self::Filter => "Show only lines with a text",
            Self::Leave => "Leave the field",
            Self::Accept => "Take what was typed, or open what is selected",
        }
    }

    /// A word or two for the last line.
    pub fn short(self) -> &'static str {
        match self {
            Self::Quit => "quit",
            Self::Back => "back",
            Self::Help => "keys",
            Self::Search => "search",
            Self::Probes => "probes",
            Self::Up | Self::Down => "move",
            Self::PageUp | Self::PageDown => "page",
            Self::Open | Self::Accept => "open",
            Self::Fold => "unfold",
            Self::Next => "next",
            Self::Choose(_) => "choose",
            Self::Commit => "answer",
            Self::Skip => "skip",
            Self::Again => "again",
            Self::NextQuestion | Self::PreviousQuestion => "question",
            Self::Refresh => "refresh",
            Self::NextTab | Self::PreviousTab => "tab",
            Self::Check => "check",
            Self::Watch => "watch",
            Self::Stop => "stop",
            Self::Edit => "edit",
            Self::Hint => "hint",
            Self::Filter => "filter",
            Self::Leave => "leave",
            other => other.name(),
        }
    }
}

/// Where a binding holds. The more special place wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    /// On every screen, unless a field is being typed in.
    Everywhere,
    /// On every screen that scrolls.
    Scrolling,
    /// On the path.
    Path,
    /// In a lesson.
    Lesson,
    /// On an exercise's page.
    Exercise,
    /// On the probes screen.
    Probes,
    /// In the search.
    Search,
    /// While typing an answer or a filter.
    Typing,
    /// While the keys are shown.
    Help,
}

impl Place {
    /// Every place, in the order of the key table.
    pub const ALL: [Place; 9] = [
        Self::Everywhere,
        Self::Scrolling,
        Self::Path,
        Self::Lesson,
        Self::Exercise,
        Self::Probes,
        Self::Search,
        Self::Typing,
        Self::Help,
    ];

    /// Its title in the key table.
    pub fn title(self) -> &'static str {
        match self {
            Self::Everywhere => "Everywhere",
            Self::Scrolling => "Moving",
            Self::Path => "The path",
            Self::Lesson => "A lesson",
            Self::Exercise => "An exercise",
            Self::Probes => "Probes",
            Self::Search => "Search",
            Self::Typing => "While typing",
            Self::Help => "While the keys are shown",
        }
    }

    /// The places whose bindings hold here, the most special first.
    pub fn chain(self) -> &'static [Place] {
        match self {
            Self::Everywhere => &[Self::Everywhere],
            Self::Scrolling => &[Self::Scrolling, Self::Everywhere],
            Self::Path => &[Self::Path, Self::Scrolling, Self::Everywhere],
            Self::Lesson => &[Self::Lesson, Self::Scrolling, Self::Everywhere],
            Self::Exercise => &[Self::Exercise, Self::Scrolling, Self::Everywhere],
            Self::Probes => &[Self::Probes, Self::Scrolling, Self::Everywhere],
            Self::Search => &[Self::Search],
            Self::Typing => &[Self::Typing],
            Self::Help => &[Self::Help, Self::Scrolling, Self::Everywhere],
        }
    }
}

/// A key, as far as bindings tell keys apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    /// Which one.
    pub code: KeyCode,
    /// Whether the control key is held.
    pub modifier: Modifier,
}

/// What is held together with a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Modifier {
    /// Nothing that matters.
    None,
    /// The control key.
    Control,
}

impl Key {
    const fn plain(code: KeyCode) -> Self {
        Self {
            code,
            modifier: Modifier::None,
        }
    }

    const fn control(letter: char) -> Self {
        Self {
            code: KeyCode::Char(letter),
            modifier: Modifier::Control,
        }
    }
}

impl Key {
    /// The key of an event; nothing is bound to keys with Alt.
    pub fn of(event: KeyEvent) -> Option<Self> {
        if event.modifiers.contains(KeyModifiers::ALT) {
            return None;
        }
        let modifier = if event.modifiers.contains(KeyModifiers::CONTROL) {
            Modifier::Control
        } else {
            Modifier::None
        };
        Some(Self {
            code: event.code,
            modifier,
        })
    }
}

impl fmt::Display for Key {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.modifier == Modifier::Control {
            out.write_str("Ctrl-")?;
        }
        match self.code {
            KeyCode::Up => out.write_str("↑"),
            KeyCode::Down => out.write_str("↓"),
            KeyCode::Left => out.write_str("←"),
            KeyCode::Right => out.write_str("→"),
            KeyCode::PageUp => out.write_str("PgUp"),
            KeyCode::PageDown => out.write_str("PgDn"),
            KeyCode::Home => out.write_str("Home"),
            KeyCode::End => out.write_str("End"),
            KeyCode::Enter => out.write_str("Enter"),
            KeyCode::Esc => out.write_str("Esc"),
            KeyCode::Tab => out.write_str("Tab"),
            KeyCode::BackTab => out.write_str("Shift-Tab"),
            KeyCode::Backspace => out.write_str("Backspace"),
            KeyCode::Char(' ') => out.write_str("Space"),
            KeyCode::Char(letter) if self.modifier == Modifier::Control => {
                write!(out, "{}", letter.to_ascii_uppercase())
            }
            KeyCode::Char(letter) => write!(out, "{letter}"),
            _ => out.write_str("?"),
        }
    }
}

/// Keys that ask for an action in a place.
#[derive(Clone, Copy, Debug)]
pub struct Binding {
    /// Where it holds.
    pub place: Place,
    /// Any of these.
    pub keys: &'static [Key],
    /// What they ask for.
    pub action: Action,
}

const fn bind(place: Place, keys: &'static [Key], action: Action) -> Binding {
    Binding {
        place,
        keys,
        action,
    }
}

const fn letter(letter: char) -> Key {
    Key::plain(KeyCode::Char(letter))
}

/// Every binding, in the order of the key table.
pub const BINDINGS: &[Binding] = &[
    bind(
        Place::Everywhere,
        &[letter('q'), Key::control('c')],
        Action::Quit,
    ),
    bind(Place::Everywhere, &[letter('?')], Action::Help),
    bind(
        Place::Everywhere,
        &[
            Key::plain(KeyCode::Esc),
            Key::plain(KeyCode::Backspace),
            Key::plain(KeyCode::Left),
        ],
        Action::Back,
    ),
    bind(Place::Everywhere, &[letter('/')], Action::Search),
    bind(Place::Everywhere, &[letter('p')], Action::Probes),
    bind(Place::Everywhere, &[Key::control('z')], Action::Suspend),
    bind(Place::Everywhere, &[Key::control('l')], Action::Redraw),
    bind(
        Place::Scrolling,
        &[Key::plain(KeyCode::Up), letter('k')],
        Action::Up,
    ),
    bind(
        Place::Scrolling,
        &[Key::plain(KeyCode::Down), letter('j')],
        Action::Down,
    ),
    bind(
        Place::Scrolling,
        &[Key::plain(KeyCode::PageUp), letter('b')],
        Action::PageUp,
    ),
    bind(
        Place::Scrolling,
        &[Key::plain(KeyCode::PageDown), letter(' ')],
        Action::PageDown,
    ),
    bind(Place::Scrolling, &[Key::control('u')], Action::HalfPageUp),
    bind(Place::Scrolling, &[Key::control('d')], Action::HalfPageDown),
    bind(
        Place::Scrolling,
        &[Key::plain(KeyCode::Home), letter('g')],
        Action::Home,
    ),
    bind(
        Place::Scrolling,
        &[Key::plain(KeyCode::End), letter('G')],
        Action::End,
    ),
    bind(
        Place::Path,
        &[Key::plain(KeyCode::Enter), Key::plain(KeyCode::Right)],
        Action::Open,
    ),
    bind(Place::Path, &[Key::plain(KeyCode::Tab)], Action::Fold),
    bind(Place::Path, &[letter('n')], Action::Next),
    bind(
        Place::Lesson,
        &[
            letter('1'),
            letter('2'),
            letter('3'),
            letter('4'),
            letter('5'),
            letter('6'),
        ],
        Action::Choose(0),
    ),
    bind(Place::Lesson, &[Key::plain(KeyCode::Enter)], Action::Commit),
    bind(Place::Lesson, &[letter('s')], Action::Skip),
    bind(
        Place::Lesson,
        &[Key::plain(KeyCode::Tab)],
        Action::NextQuestion,
    ),
    bind(
        Place::Lesson,
        &[Key::plain(KeyCode::BackTab)],
        Action::PreviousQuestion,
    ),
    bind(Place::Lesson, &[letter('a')], Action::Again),
    bind(Place::Lesson, &[letter('r')], Action::Refresh),
    bind(Place::Lesson, &[letter('n')], Action::Next),
    bind(
        Place::Exercise,
        &[Key::plain(KeyCode::Tab)],
        Action::NextTab,
    ),
    bind(
        Place::Exercise,
        &[Key::plain(KeyCode::BackTab)],
        Action::PreviousTab,
    ),
    bind(
        Place::Exercise,
        &[letter('1'), letter('2'), letter('3'), letter('4')],
        Action::Choose(0),
    ),
    bind(Place::Exercise, &[letter('e')], Action::Edit),
    bind(Place::Exercise, &[letter('c')], Action::Check),
    bind(Place::Exercise, &[letter('w')], Action::Watch),
    bind(Place::Exercise, &[letter('x')], Action::Stop),
    bind(Place::Exercise, &[letter('h')], Action::Hint),
    bind(Place::Exercise, &[letter('n')], Action::Next),
    bind(Place::Probes, &[Key::plain(KeyCode::Tab)], Action::NextTab),
    bind(
        Place::Probes,
        &[Key::plain(KeyCode::BackTab)],
        Action::PreviousTab,
    ),
    bind(Place::Probes, &[letter('/'), letter('f')], Action::Filter),
    bind(Place::Probes, &[letter('r')], Action::Refresh),
    bind(Place::Search, &[Key::plain(KeyCode::Enter)], Action::Accept),
    bind(Place::Search, &[Key::plain(KeyCode::Up)], Action::Up),
    bind(Place::Search, &[Key::plain(KeyCode::Down)], Action::Down),
    bind(Place::Search, &[Key::plain(KeyCode::Esc)], Action::Leave),
    bind(Place::Search, &[Key::control('c')], Action::Quit),
    bind(Place::Typing, &[Key::plain(KeyCode::Enter)], Action::Accept),
    bind(Place::Typing, &[Key::plain(KeyCode::Esc)], Action::Leave),
    bind(Place::Typing, &[Key::control('c')], Action::Quit),
    bind(
        Place::Help,
        &[
            Key::plain(KeyCode::Esc),
            letter('?'),
            Key::plain(KeyCode::Enter),
        ],
        Action::Back,
    ),
];

/// What a key asks for in a place, if anything.
pub fn lookup(place: Place, key: Key) -> Option<Action> {
    place.chain().iter().find_map(|&place| {
        BINDINGS
            .iter()
            .filter(|binding| binding.place == place)
            .find(|binding| binding.keys.contains(&key))
            .map(|binding| match (binding.action, key.code) {
                (Action::Choose(_), KeyCode::Char(digit)) => {
                    Action::Choose(digit.to_digit(10).unwrap_or(0) as u8)
                }
                (action, _) => action,
            })
    })
}

/// The first key of an action in a place, for hints.
pub fn key_for(place: Place, action: Action) -> Option<Key> {
    place.chain().iter().find_map(|&place| {
        BINDINGS
            .iter()
            .find(|binding| binding.place == place && binding.action.name() == action.name())
            .map(|binding| binding.keys[0])
    })
}

/// All keys of a binding, as they are written in tables: `PgDn, Space`.
pub fn keys_text(binding: &Binding) -> String {
    if let Action::Choose(_) = binding.action
        && let [first, .., last] = binding.keys
    {
        return format!("{first} … {last}");
    }
    let keys: Vec<String> = binding.keys.iter().map(Key::to_string).collect();
    keys.join(", ")
}

/// The documented key table, as markdown.
pub fn table() -> String {
    let mut out = String::new();
    for place in Place::ALL {
        out += &format!(
            "## {}\n\n| key | action | what it does |\n|---|---|---|\n",
            place.title()
        );
        for binding in BINDINGS.iter().filter(|binding| binding.place == place) {
            out += &format!(
                "| {} | {} | {} |\n",
                keys_text(binding),
                binding.action.name(),
                binding.action.sentence()
            );
        }
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_key_asks_for_two_things_in_one_place() {
        for place in Place::ALL {
            let mut seen = std::collections::HashSet::new();
            for binding in BINDINGS.iter().filter(|binding| binding.place == place) {
                for key in binding.keys {
                    assert!(seen.insert(*key), "{key} twice in {place:?}");
                }
            }
        }
    }

    #[test]
    fn one_can_quit_from_everywhere() {
        for place in Place::ALL {
            assert_eq!(lookup(place, Key::control('c')), Some(Action::Quit));
        }
    }

    #[test]
    fn a_digit_chooses_the_answer_with_its_number() {
        assert_eq!(lookup(Place::Lesson, letter('3')), Some(Action::Choose(3)));
    }

    #[test]
    fn letters_are_typed_while_typing() {
        assert_eq!(lookup(Place::Typing, letter('q')), None);
    }
}
