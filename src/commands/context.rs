//! What every subcommand needs: where the curriculum is, how wide and how colourful the output may
//! be, and a way to print that survives a reader who has gone.

use std::io::{self, Write};
use std::path::PathBuf;

use anstream::ColorChoice;

use super::error::CommandError;
use crate::check;
use crate::cli::{self, Cli, Colours, When};
use crate::curriculum::pages::Pages;
use crate::curriculum::problem::Problems;
use crate::curriculum::source::Source;
use crate::curriculum::{Curriculum, LoadError, manual, model};
use crate::experiment::lint;
use crate::render::ansi::{self, Painter};
use crate::render::text::{Sink, Text};
use crate::render::theme::{Background, ColorWish, Surroundings, Terminal, Theme};

/// The probes that a lesson may show: the names of `ipc-mastery probe`.
pub const PROBES: [&str; 5] = ["runtime-dir", "sockets", "creds", "env", "fds"];

/// Settings of this run.
#[derive(Debug)]
pub struct Context {
    source: Source,
    color: ColorChoice,
    theme: Theme,
    colours: Colours,
}

/// Whether anybody reads what is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// Somebody may.
    There,
    /// Standard output is a pipe or socket whose other end is closed.
    Gone,
}

impl Context {
    /// The settings a command line asks for.
    pub fn new(cli: &Cli) -> Self {
        let color = match cli.colours.color {
            When::Auto => ColorChoice::Auto,
            When::Always => ColorChoice::Always,
            When::Never => ColorChoice::Never,
        };
        Self {
            source: source(cli.curriculum.clone()),
            color,
            theme: cli.colours.theme(&io::stdout()),
            colours: cli.colours,
        }
    }

    /// How text on standard output looks.
    pub fn theme(&self) -> Theme {
        self.theme
    }

    /// What the user wants of colours.
    pub fn colours(&self) -> Colours {
        self.colours
    }

    /// Where lessons and exercises come from.
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// Loads the curriculum. A directory is also checked against the experiments, probes and
    /// observations that exist; for what is built in, the tests have done so.
    ///
    /// # Errors
    /// When it cannot be read, or with all its mistakes.
    pub fn curriculum(&self) -> Result<Curriculum, CommandError> {
        match &self.source {
            Source::Embedded => Ok(Curriculum::load(&self.source)?),
            Source::Directory(_) => self.load(&self.source),
        }
    }

    /// Loads and checks a curriculum, wherever it comes from.
    ///
    /// # Errors
    /// When it cannot be read, or with all its mistakes.
    pub fn load(&self, source: &Source) -> Result<Curriculum, CommandError> {
        let curriculum = Curriculum::load(source)?;
        let files = source.files().map_err(LoadError::from)?;
        let mut problems = lint::problems(&curriculum, &files, &PROBES);
        problems.extend(check::lint::problems(&curriculum, &files));
        problems.extend(manual::problems(&files, &PROBES));
        problems.extend(Pages::problems(source, &curriculum));
        problems.extend(model::problems(source));
        if problems.is_empty() {
            Ok(curriculum)
        } else {
            Err(LoadError::Problems(Problems(problems)).into())
        }
    }

    /// Prints data to standard output. A reader that has gone is no error.
    ///
    /// # Errors
    /// When standard output cannot be written for any other reason, such as a full disk.
    pub fn print(&self, text: &str) -> Result<(), CommandError> {
        write_to(
            &mut anstream::AutoStream::new(io::stdout().lock(), self.color),
            text,
        )
    }

    /// Prints text with roles to standard output, as the theme has it. A reader that has gone is
    /// no error.
    ///
    /// # Errors
    /// When standard output cannot be written for any other reason, such as a full disk.
    pub fn print_text(&self, text: &Text) -> Result<(), CommandError> {
        write_to(&mut io::stdout().lock(), &ansi::paint(text, self.theme))
    }

    /// Prints to standard output while it is drawn: for what may be too large to be kept whole. A
    /// reader that has gone is no error.
    ///
    /// # Errors
    /// When standard output cannot be written for any other reason, such as a full disk.
    pub fn print_drawn(&self, draw: impl FnOnce(&mut dyn Sink)) -> Result<(), CommandError> {
        let mut painter = Painter::new(io::stdout().lock(), self.theme);
        draw(&mut painter);
        audience(painter.finish()).map(drop)
    }

    /// Prints data to standard output as JSON.
    ///
    /// # Errors
    /// When standard output cannot be written for any other reason than a reader that has gone.
    pub fn print_json(&self, data: &impl serde::Serialize) -> Result<(), CommandError> {
        let json = serde_json::to_string_pretty(data).expect("what is printed is plain data");
        self.print(&(json + "\n"))
    }

    /// Prints text with roles, and tells whether anybody still reads: for what prints on and on.
    ///
    /// # Errors
    /// When standard output cannot be written for any other reason than a reader that has gone.
    pub fn print_lines(&self, text: &Text) -> Result<Audience, CommandError> {
        tell(&mut io::stdout().lock(), &ansi::paint(text, self.theme))
    }

    /// Prints data as JSON on one line, and tells whether anybody still reads.
    ///
    /// # Errors
    /// When standard output cannot be written for any other reason than a reader that has gone.
    pub fn print_line_json(&self, data: &impl serde::Serialize) -> Result<Audience, CommandError> {
        let json = serde_json::to_string(data).expect("what is printed is plain data");
        tell(&mut io::stdout().lock(), &(json + "\n"))
    }

    /// Says something to the user on standard error, where it does not mix with data. When that is
    /// closed, nobody listens, which is no error.
    pub fn say(&self, line: &str) {
        drop(writeln!(io::stderr().lock(), "{line}"));
    }
}

fn write_to(out: &mut impl Write, text: &str) -> Result<(), CommandError> {
    tell(out, text).map(drop)
}

fn tell(out: &mut impl Write, text: &str) -> Result<Audience, CommandError> {
    audience(out.write_all(text.as_bytes()).and_then(|()| out.flush()))
}

/// Whether anybody still read what was written.
fn audience(written: io::Result<()>) -> Result<Audience, CommandError> {
    match written {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(Audience::Gone),
        Err(error) => Err(error.into()),
        Ok(()) => Ok(Audience::There),
    }
}

impl Colours {
    /// How text on a stream looks.
    pub fn theme(self, stream: &impl io::IsTerminal) -> Theme {
        let surroundings = Surroundings::of_output(Terminal::of(stream));
        Theme::for_terminal(self.color.into(), self.background.into(), &surroundings)
    }
}

impl From<cli::Background> for Option<Background> {
    fn from(background: cli::Background) -> Self {
        match background {
            cli::Background::Auto => None,
            cli::Background::Dark => Some(Background::Dark),
            cli::Background::Light => Some(Background::Light),
        }
    }
}

impl From<When> for ColorWish {
    fn from(when: When) -> Self {
        match when {
            When::Auto => Self::Auto,
            When::Always => Self::Always,
            When::Never => Self::Never,
        }
    }
}

fn source(directory: Option<PathBuf>) -> Source {
    directory.map_or(Source::Embedded, Source::Directory)
}
