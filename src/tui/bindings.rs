//! Which key asks for what, and where. The help screen, the hints in the last line and the
//! documented key table are all made from this file.

use ratatui::crossterm::event::KeyCode;

use super::action::{Action, Key, Place};

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

/// What chooses by number.
const DIGITS: &[Key] = &[
    letter('1'),
    letter('2'),
    letter('3'),
    letter('4'),
    letter('5'),
    letter('6'),
    letter('7'),
    letter('8'),
    letter('9'),
];

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
    bind(Place::Everywhere, &[letter('i')], Action::Reference),
    bind(Place::Everywhere, &[letter('m')], Action::Scripts),
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
    bind(Place::Path, &[letter('t')], Action::Prove),
    bind(Place::Path, &[letter('r')], Action::Review),
    bind(Place::Lesson, DIGITS, Action::Choose(0)),
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
    bind(Place::Lesson, &[letter('v')], Action::Variant),
    bind(Place::Lesson, &[letter('w')], Action::Terms),
    bind(Place::Lesson, &[letter('x')], Action::Exercise),
    bind(Place::Task, DIGITS, Action::Choose(0)),
    bind(Place::Task, &[Key::plain(KeyCode::Enter)], Action::Commit),
    bind(Place::Task, &[letter('a')], Action::Again),
    bind(Place::Task, &[letter('l')], Action::Lesson),
    bind(Place::Task, &[letter('!')], Action::Shell),
    bind(Place::Ordering, &[letter(' ')], Action::Pick),
    bind(Place::Ordering, &[letter('u')], Action::Earlier),
    bind(Place::Ordering, &[letter('d')], Action::Later),
    bind(Place::Matching, DIGITS, Action::Choose(0)),
    bind(
        Place::Matching,
        &[Key::plain(KeyCode::Right)],
        Action::NextPurpose,
    ),
    bind(
        Place::Matching,
        &[Key::plain(KeyCode::Left)],
        Action::PreviousPurpose,
    ),
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
        Action::Start(0),
    ),
    bind(Place::Exercise, &[letter('e')], Action::Edit),
    bind(Place::Exercise, &[letter('c')], Action::Check),
    bind(Place::Exercise, &[letter('w')], Action::Watch),
    bind(Place::Exercise, &[letter('x')], Action::Stop),
    bind(Place::Exercise, &[letter('h')], Action::Hint),
    bind(Place::Exercise, &[letter('n')], Action::Next),
    bind(Place::Exercise, &[letter('l')], Action::Lesson),
    bind(Place::Probes, &[Key::plain(KeyCode::Tab)], Action::NextTab),
    bind(
        Place::Probes,
        &[Key::plain(KeyCode::BackTab)],
        Action::PreviousTab,
    ),
    bind(Place::Probes, &[letter('/'), letter('f')], Action::Filter),
    bind(
        Place::Probes,
        &[Key::plain(KeyCode::Enter), Key::plain(KeyCode::Right)],
        Action::Open,
    ),
    bind(Place::Probes, DIGITS, Action::Follow(0)),
    bind(Place::Probes, &[letter('l')], Action::OnlyListening),
    bind(Place::Probes, &[letter('o')], Action::OnlyProcess),
    bind(Place::Probes, &[letter('s')], Action::OnlyService),
    bind(Place::Probes, &[letter('t')], Action::OnlyType),
    bind(Place::Probes, &[letter('p')], Action::Pause),
    bind(Place::Probes, &[letter('r')], Action::Refresh),
    bind(Place::Probes, &[letter('v')], Action::Picture),
    bind(
        Place::Reference,
        &[Key::plain(KeyCode::Tab)],
        Action::NextTab,
    ),
    bind(
        Place::Reference,
        &[Key::plain(KeyCode::BackTab)],
        Action::PreviousTab,
    ),
    bind(
        Place::Reference,
        &[Key::plain(KeyCode::Enter)],
        Action::Open,
    ),
    bind(
        Place::Scripts,
        &[Key::plain(KeyCode::Enter), Key::plain(KeyCode::Right)],
        Action::Open,
    ),
    bind(Place::Scripts, &[letter('f')], Action::Play),
    bind(
        Place::Stepper,
        &[
            Key::plain(KeyCode::Right),
            letter(' '),
            letter('l'),
            Key::plain(KeyCode::Enter),
        ],
        Action::Forward,
    ),
    bind(
        Place::Stepper,
        &[Key::plain(KeyCode::Left), letter('h')],
        Action::Backward,
    ),
    bind(
        Place::Stepper,
        &[Key::plain(KeyCode::Down), letter('n'), letter('j')],
        Action::NextCall,
    ),
    bind(
        Place::Stepper,
        &[Key::plain(KeyCode::Up), letter('p'), letter('k')],
        Action::PreviousCall,
    ),
    bind(
        Place::Stepper,
        &[Key::plain(KeyCode::Home), letter('g')],
        Action::Home,
    ),
    bind(
        Place::Stepper,
        &[Key::plain(KeyCode::End), letter('G')],
        Action::End,
    ),
    bind(
        Place::Stepper,
        &[Key::plain(KeyCode::PageUp), Key::control('u')],
        Action::PageUp,
    ),
    bind(
        Place::Stepper,
        &[Key::plain(KeyCode::PageDown), Key::control('d')],
        Action::PageDown,
    ),
    bind(Place::Stepper, &[letter('w')], Action::Why),
    bind(Place::Stepper, &[letter('t')], Action::Predict),
    bind(Place::Stepper, DIGITS, Action::Choose(0)),
    bind(Place::Stepper, &[letter('f')], Action::Play),
    bind(Place::Terms, &[Key::plain(KeyCode::Enter)], Action::Accept),
    bind(
        Place::Terms,
        &[Key::plain(KeyCode::Up), letter('k')],
        Action::Up,
    ),
    bind(
        Place::Terms,
        &[Key::plain(KeyCode::Down), letter('j')],
        Action::Down,
    ),
    bind(
        Place::Terms,
        &[Key::plain(KeyCode::Esc), letter('w')],
        Action::Leave,
    ),
    bind(
        Place::Terms,
        &[letter('q'), Key::control('c')],
        Action::Quit,
    ),
    bind(Place::Search, &[Key::plain(KeyCode::Enter)], Action::Accept),
    bind(Place::Search, &[Key::plain(KeyCode::Up)], Action::Up),
    bind(Place::Search, &[Key::plain(KeyCode::Down)], Action::Down),
    bind(Place::Search, &[Key::plain(KeyCode::Esc)], Action::Leave),
    bind(Place::Search, &[Key::control('c')], Action::Quit),
    bind(Place::Prompt, &[Key::plain(KeyCode::Enter)], Action::Accept),
    bind(Place::Prompt, &[Key::plain(KeyCode::Up)], Action::Recall),
    bind(
        Place::Prompt,
        &[Key::plain(KeyCode::Down)],
        Action::RecallNext,
    ),
    bind(Place::Prompt, &[Key::plain(KeyCode::Tab)], Action::Complete),
    bind(
        Place::Prompt,
        &[Key::plain(KeyCode::PageUp)],
        Action::PageUp,
    ),
    bind(
        Place::Prompt,
        &[Key::plain(KeyCode::PageDown)],
        Action::PageDown,
    ),
    bind(Place::Prompt, &[Key::plain(KeyCode::Esc)], Action::Leave),
    bind(Place::Prompt, &[Key::control('c')], Action::Quit),
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
                (Action::Choose(_), KeyCode::Char(digit)) => Action::Choose(number(digit)),
                (Action::Start(_), KeyCode::Char(digit)) => Action::Start(number(digit)),
                (Action::Follow(_), KeyCode::Char(digit)) => Action::Follow(number(digit)),
                (action, _) => action,
            })
    })
}

fn number(digit: char) -> u8 {
    digit.to_digit(10).unwrap_or(0) as u8
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
    if let Action::Choose(_) | Action::Start(_) | Action::Follow(_) = binding.action
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
