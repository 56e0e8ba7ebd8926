//! The terminal: taken over when the screen begins, given back whatever happens.
//!
//! Raw mode, the alternate screen, a hidden cursor and bracketed paste are taken together and
//! given back together: by [`Screen::restore`], when the value is dropped, and by a panic hook.
//! This is the only file that talks to the terminal through crossterm; keys are read by
//! [`super::input`].

use std::io::{self, Stdout, Write};
use std::panic;
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, ThreadId};

use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::event::{DisableBracketedPaste, EnableBracketedPaste};
use ratatui::crossterm::terminal::{
    Clear, ClearType, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use ratatui::crossterm::{cursor, execute};
use ratatui::layout::{Position, Rect};

/// Whether the terminal is ours at this moment.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// The full screen.
#[derive(Debug)]
pub struct Screen {
    terminal: ratatui::Terminal<CrosstermBackend<Stdout>>,
}

impl Screen {
    /// Takes the terminal over. A panic on this thread gives it back before it is reported; one
    /// on another thread says nothing here, whoever started that thread hears of it.
    ///
    /// # Errors
    /// When standard input or output is no terminal, or has gone.
    pub fn take() -> io::Result<Self> {
        give_back_on_panic(thread::current().id());
        take()?;
        let terminal = ratatui::Terminal::new(CrosstermBackend::new(io::stdout()));
        match terminal {
            Ok(terminal) => Ok(Self { terminal }),
            Err(error) => {
                give_back();
                Err(error)
            }
        }
    }

    /// The terminal to draw on.
    pub fn terminal(&mut self) -> &mut ratatui::Terminal<CrosstermBackend<Stdout>> {
        &mut self.terminal
    }

    /// Gives the terminal back for a while, to an editor or to the shell.
    pub fn restore(&mut self) {
        give_back();
    }

    /// Takes it over again. Everything has to be drawn anew.
    ///
    /// # Errors
    /// When the terminal has gone.
    pub fn take_again(&mut self) -> io::Result<()> {
        take()?;
        self.draw_anew()
    }

    /// Has the next drawing draw every cell. ratatui's `clear` would ask the terminal where the
    /// cursor is and wait for an answer that the keyboard's thread reads.
    ///
    /// # Errors
    /// When the terminal has gone.
    pub fn draw_anew(&mut self) -> io::Result<()> {
        let size = self.terminal.size()?;
        execute!(io::stdout(), Clear(ClearType::All))?;
        self.terminal.resize(Rect::from((Position::ORIGIN, size)))
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        give_back();
    }
}

fn take() -> io::Result<()> {
    enable_raw_mode()?;
    TAKEN.store(true, Ordering::SeqCst);
    execute!(
        io::stdout(),
        EnterAlternateScreen,
        EnableBracketedPaste,
        cursor::Hide
    )
    .inspect_err(|_| give_back())
}

/// Gives the terminal back if it is ours. Nothing can be done about failures: the terminal has
/// gone, or the program is ending.
fn give_back() {
    if !TAKEN.swap(false, Ordering::SeqCst) {
        return;
    }
    let mut out = io::stdout();
    drop(execute!(
        out,
        cursor::Show,
        DisableBracketedPaste,
        LeaveAlternateScreen
    ));
    drop(out.flush());
    drop(disable_raw_mode());
}

fn give_back_on_panic(screen: ThreadId) {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let earlier = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            if thread::current().id() == screen {
                give_back();
                earlier(panic);
            } else if !TAKEN.load(Ordering::SeqCst) {
                earlier(panic);
            }
        }));
    });
}
