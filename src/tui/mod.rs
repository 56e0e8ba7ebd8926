//! The full screen: reads keys, shows the path, lessons, exercises and probes.
//!
//! State never draws and a view never fetches. One loop takes events from threads, gives each to
//! [`update::update`], has the effects done outside and draws. What is drawn is in [`view`], what
//! a key means in [`bindings`]. Judging, running, probing and remembering are the rooms' below.

pub mod action;
mod arrive;
pub mod bindings;
mod clock;
pub mod editor;
pub mod effect;
pub mod event;
pub mod exercise;
pub mod form;
pub mod input;
pub mod keyboard;
pub mod lesson;
pub mod memory;
pub mod model;
mod navigate;
pub mod outside;
pub mod paint;
pub mod path;
mod play;
pub mod probes;
pub mod reference;
pub mod review;
pub mod scene;
pub mod scroll;
pub mod search;
pub mod sheet;
pub mod stepper;
pub mod task;
pub mod terminal;
pub mod terms;
pub mod update;
pub mod view;
pub mod watch;
pub mod words;

use std::ffi::OsString;
use std::hash::{BuildHasher as _, RandomState};
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use crate::check::marker::Marker;
use crate::curriculum::Curriculum;
use crate::curriculum::model::Rows;
use crate::curriculum::problem::SourceFile;
use crate::curriculum::source::Source;
use crate::render::theme::Theme;
use effect::Effect;
use event::Event;
use input::{Input, SignalWatch};
use model::{Model, Size};
use outside::Outside;
use terminal::Screen;

/// What the screen is begun with.
#[derive(Debug)]
pub struct Options {
    /// What is taught.
    pub curriculum: Curriculum,
    /// Where the curriculum's files are: the reference pages are read from there, too.
    pub source: Source,
    /// What to open first; the path when `None`.
    pub open: Option<path::Node>,
    /// A script of the model to step through at once.
    pub script: Option<(Arc<SourceFile>, Arc<Rows>)>,
    /// Whether calls are to be typed at once.
    pub play: Play,
    /// The program in the directory the learner is in, if there is one.
    pub here: Option<Marker>,
    /// How roles look.
    pub theme: Theme,
    /// Arguments that every run of our own program is given: where the curriculum is.
    pub ourselves: Vec<OsString>,
}

/// Whether the screen begins with free play.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Play {
    /// It does not.
    #[default]
    No,
    /// It does.
    Begun,
}

/// Between two ticks while something is pending, for the sign that shows it.
const TICK: Duration = Duration::from_millis(120);

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
    let curriculum = Arc::new(options.curriculum);
    let mut model = Model::new(Arc::clone(&curriculum), size_of(&mut screen)?);
    model.dice = RandomState::new().hash_one(0);
    model.here = options.here;
    if let Some((file, rows)) = options.script {
        stepper::keys::step_through(&mut model, file, rows);
    }
    model.user = (
        nix::unistd::geteuid().as_raw(),
        nix::unistd::getegid().as_raw(),
    );
    if options.play == Play::Begun {
        stepper::keys::play(&mut model);
    }
    let draw = |screen: &mut Screen, model: &Model| {
        let drawn = screen
            .terminal()
            .draw(|frame| view::draw(frame, model, options.theme));
        drawn.map(drop)
    };
    draw(&mut screen, &model)?;
    let mut outside = Outside::start(
        curriculum,
        options.source,
        sender.clone(),
        options.ourselves,
    );
    // What to open is known only together with where the learner was.
    let mut open = options.open;
    let mut effects = Vec::new();
    loop {
        for effect in std::mem::take(&mut effects) {
            match effect {
                Effect::Quit => {
                    drop(keyboard);
                    drop(screen);
                    outside.finish();
                    return Ok(());
                }
                Effect::EndBy(signal) => {
                    drop(keyboard);
                    drop(screen);
                    outside.finish();
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
                Effect::Edit(file) => {
                    drop(keyboard);
                    screen.restore();
                    let result = editor::edit(&file).map_err(|error| error.told());
                    screen.take_again()?;
                    keyboard = Input::start(sender.clone())?;
                    drop(sender.send(Event::Edited(result)));
                }
                Effect::Shell {
                    directory,
                    variables,
                } => {
                    drop(keyboard);
                    screen.restore();
                    let result = scene::shell(&directory, &variables);
                    screen.take_again()?;
                    keyboard = Input::start(sender.clone())?;
                    drop(sender.send(Event::Edited(result)));
                }
                Effect::Redraw => screen.draw_anew()?,
                effect => outside.run(effect),
            }
        }
        draw(&mut screen, &model)?;
        let event = if model.is_pending() {
            match events.recv_timeout(TICK) {
                Err(RecvTimeoutError::Timeout) => Event::Tick,
                event => event.map_err(io::Error::other)?,
            }
        } else {
            events.recv().map_err(io::Error::other)?
        };
        if matches!(event, Event::Resize | Event::Continued) {
            model.size = size_of(&mut screen)?;
        }
        let is_known = matches!(event, Event::Remembered(_) | Event::Forgetful(_));
        effects = update::update(&mut model, event);
        if is_known && let Some(node) = open.take() {
            effects.extend(navigate::open(&mut model, &node));
            effects.extend(update::update(&mut model, Event::Resize));
        }
    }
}

fn size_of(screen: &mut Screen) -> io::Result<Size> {
    let size = screen.terminal().size()?;
    Ok(Size {
        columns: size.width,
        rows: size.height,
    })
}
