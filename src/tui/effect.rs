//! What the screens want done outside, as values; [`super::update`] returns them and
//! [`super::run`] has them done.

/// Something to be done outside.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// End the program.
    Quit,
    /// End the program the way this signal ends programs.
    EndBy(i32),
    /// Give the terminal back and stop until the shell continues the program.
    Suspend,
    /// Take the terminal again if a stop from outside took it away, and draw everything.
    Redraw,
}
