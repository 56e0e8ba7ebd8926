//! From the bytes a terminal sends to keys (ECMA-48, xterm's control sequences). Pure.
//!
//! crossterm's own reader is not used: it waits for keys and for SIGWINCH with edge-triggered
//! readiness and returns after the first of them, so a key that comes together with a resize is
//! not read until the next one.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::event::Event;

const ESCAPE: u8 = 0x1b;
const PASTE_BEGINS: &[u8] = b"\x1b[200~";
const PASTE_ENDS: &[u8] = b"\x1b[201~";

/// No control sequence a terminal sends is longer; in bytes.
const LONGEST: usize = 64;

/// Bytes that are no whole key yet.
#[derive(Clone, Debug, Default)]
pub struct Decoder {
    bytes: Vec<u8>,
}

enum Step {
    /// So many bytes are this.
    Key(KeyEvent, usize),
    /// So many bytes are a paste with this text.
    Paste(String, usize),
    /// So many bytes mean nothing here.
    Nothing(usize),
    /// More may come.
    Incomplete,
}

impl Decoder {
    /// Takes bytes in and gives the keys that are whole.
    pub fn feed(&mut self, bytes: &[u8]) -> Vec<Event> {
        self.bytes.extend_from_slice(bytes);
        let mut events = Vec::new();
        while !self.bytes.is_empty() {
            let used = match step(&self.bytes) {
                Step::Incomplete => break,
                Step::Nothing(used) => used,
                Step::Key(key, used) => {
                    events.push(Event::Key(key));
                    used
                }
                Step::Paste(text, used) => {
                    events.push(Event::Paste(text));
                    used
                }
            };
            self.bytes.drain(..used);
        }
        events
    }

    /// Whether an escape was read and it is not known yet whether it is the key or begins a
    /// sequence: the rest of a sequence follows at once.
    pub fn is_waiting(&self) -> bool {
        self.bytes.first() == Some(&ESCAPE) && !self.bytes.starts_with(PASTE_BEGINS)
    }

    /// Nothing followed: the escape was the key.
    pub fn settle(&mut self) -> Vec<Event> {
        if !self.is_waiting() {
            return Vec::new();
        }
        self.bytes.remove(0);
        let mut events = vec![Event::Key(plain(KeyCode::Esc))];
        let rest = std::mem::take(&mut self.bytes);
        events.extend(self.feed(&rest));
        events
    }
}

fn plain(code: KeyCode) -> KeyEvent {
    KeyEvent::new(code, KeyModifiers::NONE)
}

fn control(letter: char) -> KeyEvent {
    KeyEvent::new(KeyCode::Char(letter), KeyModifiers::CONTROL)
}

fn step(bytes: &[u8]) -> Step {
    match bytes[0] {
        ESCAPE => sequence(bytes),
        b'\r' | b'\n' => Step::Key(plain(KeyCode::Enter), 1),
        b'\t' => Step::Key(plain(KeyCode::Tab), 1),
        0x7f | 0x08 => Step::Key(plain(KeyCode::Backspace), 1),
        byte @ 0x01..=0x1a => Step::Key(control(char::from(byte - 1 + b'a')), 1),
        0x00..=0x1f => Step::Nothing(1),
        _ => character(bytes),
    }
}

fn character(bytes: &[u8]) -> Step {
    let head = &bytes[..bytes.len().min(4)];
    let valid = match std::str::from_utf8(head) {
        Ok(text) => text,
        Err(error) if error.valid_up_to() > 0 => {
            std::str::from_utf8(&head[..error.valid_up_to()]).unwrap_or_default()
        }
        Err(error) if error.error_len().is_none() => return Step::Incomplete,
        Err(_) => return Step::Nothing(1),
    };
    match valid.chars().next() {
        Some(letter) => Step::Key(plain(KeyCode::Char(letter)), letter.len_utf8()),
        None => Step::Nothing(1),
    }
}

fn sequence(bytes: &[u8]) -> Step {
    match bytes.get(1) {
        None => Step::Incomplete,
        Some(b'[') => control_sequence(bytes),
        Some(b'O') => match bytes.get(2) {
            None => Step::Incomplete,
            Some(b'M') => Step::Key(plain(KeyCode::Enter), 3),
            Some(last) => arrow(*last).map_or(Step::Nothing(3), |code| Step::Key(plain(code), 3)),
        },
        Some(&ESCAPE) => Step::Key(plain(KeyCode::Esc), 1),
        Some(_) => match step(&bytes[1..]) {
            Step::Key(key, used) => {
                let modifiers = key.modifiers | KeyModifiers::ALT;
                Step::Key(KeyEvent::new(key.code, modifiers), used + 1)
            }
            Step::Nothing(used) | Step::Paste(_, used) => Step::Nothing(used + 1),
            Step::Incomplete => Step::Incomplete,
        },
    }
}

fn control_sequence(bytes: &[u8]) -> Step {
    if bytes.starts_with(PASTE_BEGINS) {
        let inside = &bytes[PASTE_BEGINS.len()..];
        let end = inside
            .windows(PASTE_ENDS.len())
            .position(|window| window == PASTE_ENDS);
        return match end {
            Some(end) => {
                let text = String::from_utf8_lossy(&inside[..end]).into_owned();
                Step::Paste(text, PASTE_BEGINS.len() + end + PASTE_ENDS.len())
            }
            None => Step::Incomplete,
        };
    }
    let rest = &bytes[2..];
    let Some(length) = rest.iter().position(|byte| (0x40..=0x7e).contains(byte)) else {
        return if rest.len() > LONGEST {
            Step::Nothing(bytes.len())
        } else {
            Step::Incomplete
        };
    };
    let used = 2 + length + 1;
    let parameters = String::from_utf8_lossy(&rest[..length]).into_owned();
    let mut numbers = parameters
        .split(';')
        .map(|number| number.parse::<u8>().unwrap_or(0));
    let first = numbers.next().unwrap_or(0);
    // 1 more than the sum of shift 1, alt 2, control 4.
    let held = numbers.next().unwrap_or(1).saturating_sub(1);
    let modifiers = [
        (1, KeyModifiers::SHIFT),
        (2, KeyModifiers::ALT),
        (4, KeyModifiers::CONTROL),
    ]
    .into_iter()
    .filter(|(bit, _)| held & bit != 0)
    .fold(KeyModifiers::NONE, |all, (_, one)| all | one);
    let code = match (rest[length], first) {
        (b'~', 1 | 7) => KeyCode::Home,
        (b'~', 2) => KeyCode::Insert,
        (b'~', 3) => KeyCode::Delete,
        (b'~', 4 | 8) => KeyCode::End,
        (b'~', 5) => KeyCode::PageUp,
        (b'~', 6) => KeyCode::PageDown,
        (b'Z', _) => KeyCode::BackTab,
        // The function keys of the Linux console: one more letter.
        (b'[', _) if bytes.len() > used => return Step::Nothing(used + 1),
        (b'[', _) => return Step::Incomplete,
        (last, _) => match arrow(last) {
            Some(code) => code,
            None => return Step::Nothing(used),
        },
    };
    Step::Key(KeyEvent::new(code, modifiers), used)
}

fn arrow(last: u8) -> Option<KeyCode> {
    Some(match last {
        b'A' => KeyCode::Up,
        b'B' => KeyCode::Down,
        b'C' => KeyCode::Right,
        b'D' => KeyCode::Left,
        b'H' => KeyCode::Home,
        b'F' => KeyCode::End,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(events: &[Event]) -> Vec<KeyCode> {
        let code = |event: &Event| match event {
            Event::Key(key) => key.code,
            other => panic!("{other:?} is no key"),
        };
        events.iter().map(code).collect()
    }

    #[test]
    fn keys_are_told_apart_in_one_stream() {
        let mut decoder = Decoder::default();
        let events = decoder.feed("qé\r\t\x7f\x1b[A\x1b[6~\x1b[Z\x1bOB日".as_bytes());
        let wanted = [
            KeyCode::Char('q'),
            KeyCode::Char('é'),
            KeyCode::Enter,
            KeyCode::Tab,
            KeyCode::Backspace,
            KeyCode::Up,
            KeyCode::PageDown,
            KeyCode::BackTab,
            KeyCode::Down,
            KeyCode::Char('日'),
        ];
        assert_eq!(codes(&events), wanted);
    }

    #[test]
    fn a_key_may_arrive_byte_by_byte() {
        let mut decoder = Decoder::default();
        let mut events = Vec::new();
        for byte in "\x1b[5~é\x1b[200~a\x1b[201~".bytes() {
            events.extend(decoder.feed(&[byte]));
        }
        assert!(matches!(&events[2], Event::Paste(text) if text == "a"));
        assert_eq!(codes(&events[..2]), [KeyCode::PageUp, KeyCode::Char('é')]);
    }

    #[test]
    fn an_escape_that_nothing_follows_is_a_key() {
        let mut decoder = Decoder::default();
        assert!(decoder.feed(b"\x1b").is_empty());
        assert!(decoder.is_waiting());
        assert_eq!(codes(&decoder.settle()), [KeyCode::Esc]);
        assert!(!decoder.is_waiting());
        assert_eq!(
            codes(&decoder.feed(b"\x1b\x1b[B")),
            [KeyCode::Esc, KeyCode::Down]
        );
    }

    #[test]
    fn control_and_alt_are_told() {
        let mut decoder = Decoder::default();
        let events = decoder.feed(b"\x03\x1bq\x1b[1;5C");
        let Event::Key(first) = events[0] else {
            panic!()
        };
        assert_eq!(first, control('c'));
        let Event::Key(second) = events[1] else {
            panic!()
        };
        assert_eq!(second.modifiers, KeyModifiers::ALT);
        let Event::Key(third) = events[2] else {
            panic!()
        };
        assert_eq!(
            (third.code, third.modifiers),
            (KeyCode::Right, KeyModifiers::CONTROL)
        );
    }

    #[test]
    fn bytes_that_mean_nothing_harm_nothing() {
        let mut decoder = Decoder::default();
        let events = decoder.feed(b"\xff\x00\x1b[99;99y\x1b[[Ax");
        assert_eq!(codes(&events), [KeyCode::Char('x')]);
        decoder.feed(b"\x1b[");
        decoder.feed(&[b'1'; 200]);
        assert_eq!(codes(&decoder.feed(b"y")).last(), Some(&KeyCode::Char('y')));
    }
}
