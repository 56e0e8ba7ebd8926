//! The user's pager: which one, what it understands, and handing a text to it.
//!
//! The pager takes the place of this process and reads the text from memory. So there is no pipe to
//! fill, nobody is left who would die of a Ctrl-C meant for the pager, and the status is the
//! pager's own.

use std::convert::Infallible;
use std::env;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, IsTerminal, Seek, Write};
use std::os::unix::process::CommandExt;
use std::process::Command;

use nix::sys::memfd::{MFdFlags, memfd_create};

use super::context::Context;
use super::error::CommandError;
use crate::exit_code::ExitCode;
use crate::render::ansi;
use crate::render::highlight::Highlighter;
use crate::render::markdown::{InlineCode, Layout};
use crate::render::text::Text;
use crate::render::theme::{Palette, Theme};

/// How prose is shown to this user: through which pager, and how that looks.
#[derive(Debug)]
pub struct Reader {
    pager: Option<Pager>,
    theme: Theme,
}

impl Reader {
    /// As `$PAGER`, `$LESS` and standard output have it: a pager only on a terminal.
    pub fn of_user(context: &Context) -> Self {
        let pager = if io::stdout().is_terminal() {
            let (pager, less) = (env::var_os("PAGER"), env::var_os("LESS"));
            Pager::choose(pager.as_deref(), less.as_deref(), |program| {
                which::which(program).is_ok()
            })
        } else {
            None
        };
        let theme = match &pager {
            Some(pager) if !pager.shows_colours => Theme::new(Palette::Bare),
            _ => context.theme(),
        };
        Self { pager, theme }
    }

    /// How markdown is to be set for it.
    pub fn layout(&self) -> Layout<'static> {
        let width = ansi::reading_width();
        match self.theme.palette() {
            Palette::Bare => Layout::new(width).inline_code(InlineCode::Backticks),
            _ => Layout::new(width).highlighted(Some(Highlighter::wait())),
        }
    }

    /// Shows a text. With a pager this returns only when it cannot be run.
    ///
    /// # Errors
    /// When the pager cannot be run, the text being printed then, or when standard output cannot
    /// be written.
    pub fn show(&self, context: &Context, text: &Text) -> Result<ExitCode, CommandError> {
        if let Some(pager) = &self.pager
            && let Err(error) = pager.exec(&ansi::paint(text, self.theme))
        {
            // The text is still worth printing; why there is no pager is said after it.
            context.print_text(text)?;
            return Err(CommandError::internal("cannot run the pager").caused_by(error));
        }
        context.print_text(text)?;
        Ok(ExitCode::Success)
    }
}

/// A pager that can be run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pager {
    /// The command, for the shell: `$PAGER` may hold options and variables.
    command: OsString,
    /// `$LESS`, where the user has set none.
    less: Option<&'static str>,
    /// Whether escape sequences for colours reach the terminal through it.
    pub shows_colours: bool,
}

/// Leave at once when all fits on the screen; let colours through; leave the text on the screen.
const LESS: &str = "FRX";

impl Pager {
    /// Decides from `$PAGER` and `$LESS`; `is_there` says whether a program can be found. `None`
    /// when the text is to be printed straight: the pager is empty or `cat`, or is not there.
    pub fn choose(
        pager: Option<&OsStr>,
        less: Option<&OsStr>,
        is_there: impl Fn(&str) -> bool,
    ) -> Option<Self> {
        let command = pager.unwrap_or(OsStr::new("less"));
        let text = command.to_string_lossy();
        let words: Vec<&str> = text.split_whitespace().collect();
        let program = words
            .iter()
            .find(|word| !word.contains('='))
            .copied()
            .unwrap_or_default();
        let name = program.rsplit('/').next().unwrap_or_default();
        if matches!(name, "" | "cat") {
            return None;
        }
        // What only the shell understands is left to the shell.
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '_' | '-' | '+');
        if program.chars().all(plain) && !is_there(program) {
            return None;
        }
        let raw = |options: &str| options.contains(['R', 'r']);
        let set_to_show = less.is_none_or(|options| raw(&options.to_string_lossy()));
        let told_to_show = words.iter().any(|word| word.starts_with('-') && raw(word));
        let shows_colours = name == "less" && (set_to_show || told_to_show);
        Some(Self {
            command: command.to_owned(),
            less: less.is_none().then_some(LESS),
            shows_colours,
        })
    }

    /// Becomes the pager, with `text` to show. Returns only when that cannot be done.
    ///
    /// # Errors
    /// `memfd_create(2)`, `write(2)` or `execve(2)` failed.
    pub fn exec(&self, text: &str) -> io::Result<Infallible> {
        let mut memory = File::from(memfd_create(c"text", MFdFlags::MFD_CLOEXEC)?);
        memory.write_all(text.as_bytes())?;
        memory.rewind()?;
        let mut shell = Command::new("sh");
        shell.arg("-c").arg(&self.command).stdin(memory);
        if let Some(less) = self.less {
            shell.env("LESS", less);
        }
        // What is shown is UTF-8, as everywhere here; less asks the locale, which a bare login lacks.
        if env::var_os("LESSCHARSET").is_none() {
            shell.env("LESSCHARSET", "utf-8");
        }
        Err(shell.exec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choose(pager: Option<&str>, less: Option<&str>) -> Option<Pager> {
        Pager::choose(pager.map(OsStr::new), less.map(OsStr::new), |name| {
            name != "missing"
        })
    }

    #[test]
    fn without_a_wish_less_is_used_and_its_own_settings_stay() {
        let pager = choose(None, None).unwrap();
        assert_eq!((pager.less, pager.shows_colours), (Some("FRX"), true));
        let pager = choose(None, Some("-iR")).unwrap();
        assert_eq!((pager.less, pager.shows_colours), (None, true));
    }

    #[test]
    fn colours_are_kept_from_a_pager_that_would_show_them_as_signs() {
        assert!(!choose(None, Some("-i")).unwrap().shows_colours);
        assert!(choose(Some("less -R"), Some("-i")).unwrap().shows_colours);
        assert!(!choose(Some("more"), None).unwrap().shows_colours);
    }

    #[test]
    fn an_empty_pager_and_cat_print_straight() {
        for pager in ["", "  ", "cat", "/bin/cat"] {
            assert_eq!(choose(Some(pager), None), None, "{pager:?}");
        }
    }

    #[test]
    fn a_pager_that_is_not_there_prints_straight_but_shell_words_are_the_shells() {
        assert_eq!(choose(Some("missing -x"), None), None);
        assert!(choose(Some("LESS=R less"), None).is_some());
        assert!(choose(Some("$MY_PAGER"), None).is_some());
    }
}
