//! `probe NAME --watch`: looks again and again, and shows what became another.
//!
//! ```text
//! $ ipc-mastery probe runtime-dir --watch
//! $ ipc-mastery probe sockets --watch=0.5 | tee log
//! 10:31:07 + stream 48211, connected, bash 4711
//! $ ipc-mastery probe fds 4711 --watch --json | jq -c .added
//! ```
//!
//! On a terminal the picture is drawn anew whenever something changed, until `q` or Ctrl-C. Else
//! only the changes are printed, a line each; with `--json` the whole picture first, then an object
//! a line. Changes of the runtime directory wake it at once (inotify(7)); of all else the kernel
//! tells nobody, so that the time has to.

use std::io::{self, IsTerminal};
use std::time::{Duration, SystemTime};

use nix::sys::signal::Signal;

use super::super::context::{Audience, Context};
use super::super::error::CommandError;
use crate::cli::Period;
use crate::curriculum::services::Catalogue;
use crate::exit_code::ExitCode;
use crate::probe::changes::{self, Changes};
use crate::probe::{self, Ask, ProbeError, Probed};
use crate::render;
use crate::render::probe::changes::GUTTER;
use crate::sys::calendar;
use crate::sys::clock::Deadline;
use crate::sys::wake::{Keyboard, Wake, Woken};
use crate::tui::watch::{WatchScreen, Wish};

/// After a change of a directory others follow; looked at together when none came for so long.
const QUIET: Duration = Duration::from_millis(40);

/// However much happens, looking is not done more often than this.
const LEAST: Duration = Duration::from_millis(150);

/// What is watched.
#[derive(Debug)]
pub struct Watched<'a> {
    /// What is asked.
    pub ask: &'a Ask,
    /// The catalogue of services.
    pub catalogue: &'a Catalogue,
    /// How often.
    pub period: Period,
}

/// How it is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// On the terminal, or a line a change.
    Words,
    /// JSON objects, one a line.
    Json,
}

/// Watches until somebody ends it, what is watched ends, or nobody reads any more.
///
/// # Errors
/// When what is asked for is not there, or standard output cannot be written.
pub fn run(context: &Context, watched: &Watched<'_>, form: Form) -> Result<ExitCode, CommandError> {
    let on_screen = form == Form::Words && can_draw();
    let signals: &[Signal] = if on_screen {
        &[
            Signal::SIGINT,
            Signal::SIGTERM,
            Signal::SIGHUP,
            Signal::SIGQUIT,
            Signal::SIGTSTP,
            Signal::SIGWINCH,
        ]
    } else {
        &[Signal::SIGINT]
    };
    let wake = Wake::new(signals)
        .map_err(|error| CommandError::internal("cannot wait for signals").caused_by(error))?;
    let seen = watched.look()?;
    let mut watch = Watch {
        watched,
        wake,
        seen,
        looked: Deadline::after(Duration::ZERO),
        next: Deadline::after(watched.period.0),
    };
    watch.follow();
    if on_screen {
        watch.on_screen(context)
    } else {
        watch.in_lines(context, form)
    }
}

/// Whether there is a terminal whose keys are read and whose cursor moves.
fn can_draw() -> bool {
    let dumb = std::env::var_os("TERM").is_none_or(|term| term.is_empty() || term == "dumb");
    io::stdout().is_terminal() && io::stdin().is_terminal() && !dumb
}

impl Watched<'_> {
    fn look(&self) -> Result<Probed, ProbeError> {
        probe::collect(self.ask, self.catalogue)
    }
}

struct Watch<'a> {
    watched: &'a Watched<'a>,
    wake: Wake,
    seen: Probed,
    looked: Deadline,
    next: Deadline,
}

/// What a look came to.
enum Looked {
    Same,
    Changed(Changes, String),
    /// What was watched is not there any more: why.
    Over(String),
}

impl Watch<'_> {
    /// Has changes of the directories that were seen wake us.
    fn follow(&mut self) {
        if let Probed::RuntimeDir(seen) = &self.seen {
            let directories = seen.directories();
            self.wake
                .watch(directories.iter().map(|path| path.as_path()));
        }
    }

    /// Looks again and tells what is another.
    fn look(&mut self) -> Looked {
        let result = self.watched.look();
        self.looked = Deadline::after(Duration::ZERO);
        self.next = Deadline::after(self.watched.period.0);
        let now = SystemTime::now();
        match result {
            Err(error) => Looked::Over(error.to_string()),
            Ok(seen) => {
                let changes = changes::between(&self.seen, &seen, calendar::utc(now));
                self.seen = seen;
                self.follow();
                if changes.is_empty() {
                    Looked::Same
                } else {
                    Looked::Changed(changes, calendar::time_of_day(now))
                }
            }
        }
    }

    /// A directory changed: the next look is soon.
    fn hurry(&mut self) {
        let soon = Deadline::after(QUIET).max(self.looked.later(LEAST));
        self.next = self.next.earlier(soon);
    }

    fn wait(&mut self, keyboard: Keyboard) -> Result<Woken, CommandError> {
        self.wake
            .wait(keyboard, self.next)
            .map_err(|error| CommandError::internal("cannot watch any longer").caused_by(error))
    }

    fn in_lines(mut self, context: &Context, form: Form) -> Result<ExitCode, CommandError> {
        if form == Form::Json && context.print_line_json(&self.seen)? == Audience::Gone {
            return Ok(ExitCode::Success);
        }
        loop {
            match self.wait(Keyboard::NotOurs)? {
                Woken::Signal(_) => return Ok(ExitCode::Interrupted),
                Woken::Gone => return Ok(ExitCode::Success),
                Woken::Changed => self.hurry(),
                Woken::Keys(_) => {}
                Woken::Time => {
                    let audience = match self.look() {
                        Looked::Same => Audience::There,
                        Looked::Changed(changes, _) if form == Form::Json => {
                            context.print_line_json(&changes)?
                        }
                        Looked::Changed(changes, time) => {
                            let text = render::probe::changes::draw(&changes, &time);
                            context.print_lines(&text)?
                        }
                        Looked::Over(why) => {
                            context.say(&why);
                            return Ok(ExitCode::Success);
                        }
                    };
                    if audience == Audience::Gone {
                        return Ok(ExitCode::Success);
                    }
                }
            }
        }
    }

    fn on_screen(mut self, context: &Context) -> Result<ExitCode, CommandError> {
        let title = format!(
            "probe {}, every {}",
            self.watched.ask.name().as_str(),
            self.watched.period
        );
        let mut screen = WatchScreen::take(context.theme(), title)?;
        "no change yet".clone_into(&mut screen.view().last_change);
        let mut last = None;
        self.redraw(&mut screen, last.as_ref())?;
        loop {
            match self.wait(Keyboard::Ours)? {
                Woken::Changed => self.hurry(),
                Woken::Gone => return Ok(ExitCode::Success),
                Woken::Signal(Signal::SIGINT) => return Ok(ExitCode::Interrupted),
                Woken::Signal(Signal::SIGWINCH) => self.redraw(&mut screen, last.as_ref())?,
                Woken::Signal(Signal::SIGTSTP) => self.suspend(&mut screen, last.as_ref())?,
                Woken::Signal(signal) => {
                    drop(screen);
                    self.wake.yield_to(signal)?;
                    return Ok(ExitCode::Interrupted);
                }
                Woken::Keys(bytes) => {
                    for wish in screen.wishes(&bytes) {
                        match wish {
                            Wish::Quit => return Ok(ExitCode::Success),
                            Wish::Interrupt => return Ok(ExitCode::Interrupted),
                            Wish::Suspend => self.suspend(&mut screen, last.as_ref())?,
                            Wish::Move(action) => screen.scroll(action)?,
                        }
                    }
                }
                Woken::Time => match self.look() {
                    Looked::Same => {}
                    Looked::Changed(changes, time) => {
                        let view = screen.view();
                        view.last_change = format!("last change {time}");
                        view.tell(render::probe::changes::draw(&changes, &time));
                        last = Some(changes);
                        self.redraw(&mut screen, last.as_ref())?;
                    }
                    Looked::Over(why) => {
                        drop(screen);
                        context.say(&why);
                        return Ok(ExitCode::Success);
                    }
                },
            }
        }
    }

    /// Draws the picture with a sign before what the last look found to be new or another.
    fn redraw(&self, screen: &mut WatchScreen, last: Option<&Changes>) -> io::Result<()> {
        let width = screen.columns()?.saturating_sub(GUTTER);
        let width = width.max(render::ansi::MINIMUM_WIDTH);
        let picture = render::probe::draw(&self.seen, width);
        let none = Changes::none(self.watched.ask.name());
        screen.view().picture = render::probe::changes::mark(picture, last.unwrap_or(&none));
        screen.draw()
    }

    /// Stops until the shell continues us.
    fn suspend(&self, screen: &mut WatchScreen, last: Option<&Changes>) -> io::Result<()> {
        screen.lend(|| self.wake.yield_to(Signal::SIGTSTP))?;
        self.redraw(screen, last)
    }
}
