//! What can happen: keys, signals, and what the work outside has found. Events are values; where
//! they come from is [`super::input`]'s and [`super::effect`]'s.

use ratatui::crossterm::event::KeyEvent;

/// Something that happened.
#[derive(Debug)]
pub enum Event {
    /// A key was pressed.
    Key(KeyEvent),
    /// Text was pasted.
    Paste(String),
    /// The terminal has another size, or asks to be drawn again.
    Resize,
    /// Time has passed while something is pending.
    Tick,
    /// A signal that asks the program to end.
    Ended(i32),
    /// SIGTSTP from outside.
    Stopped,
    /// SIGCONT: the program runs again.
    Continued,
    /// Work outside ended in a fault of ours.
    Fault(String),
}
