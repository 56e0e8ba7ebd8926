//! The full screen: reads keys, shows the path, lessons, exercises and probes.
//!
//! State never draws and a view never fetches. One loop takes events from threads, gives each to
//! [`update::update`], has the effects done outside and draws. What is drawn is in [`view`], what
//! a key means in [`action`]. Judging, running, probing and remembering are the rooms' below.

pub mod action;
pub mod effect;
pub mod event;
pub mod input;
pub mod model;
pub mod paint;
pub mod path;
pub mod progress;
pub mod scroll;
pub mod terminal;
pub mod update;
pub mod view;
pub mod words;

use std::io;
use std::sync::Arc;
use std::sync::mpsc;

use crate::curriculum::Curriculum;
use crate::render::theme::Theme;
use effect::Effect;
use event::Event;
use input::{Input, SignalWatch};
use model::{Model, Size};
use terminal::Screen;

/// What the screen is begun with.
#[derive(Debug)]
pub struct Options {
    /// What is taught.
    pub curriculum: Curriculum,
    /// What to open first; the path when `None`.
    pub open: Option<path::Node>,
    /// How roles look.
    pub theme: Theme,
}

/// Shows the screen until the learner leaves it. When a signal asked for the end, the terminal is
/// given back and the process then ends by that signal, so that its parent sees it.
///
/// # Errors
/// When the terminal cannot be used or has gone.
pub fn run(options: Options) -> io::Result<()> {
    let (sender, events) = mpsc::channel();
    let _signals = SignalWatch::start(sender.clone())?;
    let mut screen = Screen::take()?;
    let mut keyboard = Input::start(sender.clone())?;
    let size = size_of(&mut screen)?;
    let mut model = Model::new(Arc::new(options.curriculum), size);
    let mut effects = options
        .open
        .map(|node| update::open(&mut model, &node))
        .unwrap_or_default();
    loop {
        for effect in std::mem::take(&mut effects) {
            match effect {
                Effect::Quit => return Ok(()),
                Effect::EndBy(signal) => {
                    drop(keyboard);
                    drop(screen);
                    return signal_hook::low_level::emulate_default_handler(signal);
                }
                Effect::Suspend => {
                    drop(keyboard);
                    screen.restore();
                    let stop = signal_hook::consts::signal::SIGTSTP;
                    signal_hook::low_level::emulate_default_handler(stop)?;
                    screen.take_again()?;
                    keyboard = Input::start(sender.clone())?;
                }
                Effect::Redraw => screen.terminal().clear()?,
            }
        }
        screen
            .terminal()
            .draw(|frame| view::draw(frame, &model, options.theme))?;
        let event = events.recv().map_err(io::Error::other)?;
        if matches!(event, Event::Resize) {
            model.size = size_of(&mut screen)?;
        }
        effects = update::update(&mut model, event);
    }
}

fn size_of(screen: &mut Screen) -> io::Result<Size> {
    let size = screen.terminal().size()?;
    Ok(Size {
        columns: size.width,
        rows: size.height,
    })
}
