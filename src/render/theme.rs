//! What each [`Role`] looks like: plain data that the command line and the screen both turn into
//! their own styles.
//!
//! Only the sixteen ANSI colours are used, so that the palette of the user's terminal decides what
//! can be read. Backgrounds are never painted. Nothing is told by colour alone: signs and words in
//! the text carry the meaning, so [`Palette::Mono`] and [`Palette::Bare`] lose none of it.

use std::env;
use std::ffi::OsString;

use super::text::Role;

/// One of the ANSI colours, as the user's terminal defines it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Hue {
    /// Colour 1.
    Red,
    /// Colour 2.
    Green,
    /// Colour 3: hard to read on white.
    Yellow,
    /// Colour 4: hard to read on black.
    Blue,
    /// Colour 5.
    Magenta,
    /// Colour 6.
    Cyan,
    /// Colour 12.
    BrightBlue,
}

/// How a piece of text is to look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Look {
    /// Colour of the characters; the terminal's own when `None`.
    pub fg: Option<Hue>,
    /// Heavier.
    pub bold: bool,
    /// Slanted.
    pub italic: bool,
    /// Underlined.
    pub underline: bool,
    /// Fainter.
    pub dim: bool,
    /// Foreground and background exchanged.
    pub reverse: bool,
}

/// A set of looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Palette {
    /// Colours that can be read on black.
    Dark,
    /// Colours that can be read on white.
    Light,
    /// Bold, underline and reverse, no colour: what NO_COLOR asks for.
    Mono,
    /// Characters only: a file, a pipe, TERM=dumb.
    Bare,
}

/// When to use colour: what the user asked for on the command line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ColorWish {
    /// When standard output is a terminal and nothing forbids it.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// What the background of the terminal is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Background {
    /// Black or nearly so.
    Dark,
    /// White or nearly so.
    Light,
}

/// What the environment says about colour.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Surroundings {
    /// Whether the output is a terminal.
    pub terminal: bool,
    /// `$NO_COLOR`: any text but the empty one forbids colour.
    pub no_color: Option<OsString>,
    /// `$CLICOLOR_FORCE`: anything but empty or `0` asks for colour even in a pipe.
    pub clicolor_force: Option<OsString>,
    /// `$TERM`: `dumb` understands no escape sequence.
    pub term: Option<OsString>,
    /// `$COLORFGBG`: `15;0`, foreground and background as colour numbers.
    pub colorfgbg: Option<OsString>,
}

impl Surroundings {
    /// Reads the environment; `terminal` says whether the output is one.
    pub fn of_output(terminal: Terminal) -> Self {
        Self {
            terminal: terminal == Terminal::Yes,
            no_color: env::var_os("NO_COLOR"),
            clicolor_force: env::var_os("CLICOLOR_FORCE"),
            term: env::var_os("TERM"),
            colorfgbg: env::var_os("COLORFGBG"),
        }
    }

    /// The background that `$COLORFGBG` names, if any: colours 7 and 9 to 15 are light.
    pub fn background(&self) -> Option<Background> {
        let value = self.colorfgbg.as_ref()?.to_str()?;
        let number: u8 = value.rsplit(';').next()?.parse().ok()?;
        match number {
            0..=6 | 8 => Some(Background::Dark),
            7 | 9..=15 => Some(Background::Light),
            _ => None,
        }
    }
}

/// Whether the output is a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Terminal {
    /// It is.
    Yes,
    /// It is a file, a pipe, a socket.
    No,
}

impl Terminal {
    /// Asks the kernel about a stream.
    pub fn of(stream: &impl std::io::IsTerminal) -> Self {
        if stream.is_terminal() {
            Self::Yes
        } else {
            Self::No
        }
    }
}

/// Gives every role its look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Theme {
    palette: Palette,
}

impl Theme {
    /// A theme with this palette.
    pub fn new(palette: Palette) -> Self {
        Self { palette }
    }

    /// Decides from what the user asked for and what the environment says. The command line wins
    /// over `NO_COLOR`, which wins over `CLICOLOR_FORCE`; an unknown background is taken as dark.
    pub fn for_terminal(
        wish: ColorWish,
        background: Option<Background>,
        surroundings: &Surroundings,
    ) -> Self {
        let set = |value: &Option<OsString>| value.as_ref().is_some_and(|text| !text.is_empty());
        let forced = set(&surroundings.clicolor_force)
            && surroundings.clicolor_force.as_deref() != Some("0".as_ref());
        let dumb = surroundings.term.as_deref() == Some("dumb".as_ref());
        let escapes = surroundings.terminal && !dumb;
        let coloured = match background.or_else(|| surroundings.background()) {
            Some(Background::Light) => Palette::Light,
            Some(Background::Dark) | None => Palette::Dark,
        };
        Self::new(match wish {
            ColorWish::Always => coloured,
            ColorWish::Never if escapes => Palette::Mono,
            ColorWish::Never => Palette::Bare,
            ColorWish::Auto if set(&surroundings.no_color) && escapes => Palette::Mono,
            ColorWish::Auto if set(&surroundings.no_color) => Palette::Bare,
            ColorWish::Auto if forced || escapes => coloured,
            ColorWish::Auto => Palette::Bare,
        })
    }

    /// Which palette it uses.
    pub fn palette(self) -> Palette {
        self.palette
    }

    /// How a role looks.
    pub fn look(self, role: Role) -> Look {
        match self.palette {
            Palette::Bare => Look::default(),
            Palette::Mono => mono(role),
            Palette::Dark => coloured(role, Hue::BrightBlue, Hue::Yellow),
            Palette::Light => coloured(role, Hue::Blue, Hue::Red),
        }
    }
}

/// `blue` and `warm` are the two colours that differ between black and white backgrounds.
fn coloured(role: Role, blue: Hue, warm: Hue) -> Look {
    let attributes = mono(role);
    let fg = match role {
        Role::Plain | Role::Strong | Role::Emphasis | Role::Dim => None,
        Role::Heading | Role::Subheading => Some(blue),
        Role::Code | Role::Value => Some(Hue::Cyan),
        Role::Link => Some(blue),
        Role::Good => Some(Hue::Green),
        Role::Bad => Some(Hue::Red),
        Role::Warning => Some(warm),
        Role::Note | Role::Key => Some(Hue::Magenta),
        Role::CodeKeyword => Some(Hue::Magenta),
        Role::CodeType => Some(Hue::Cyan),
        Role::CodeFunction => Some(blue),
        Role::CodeString => Some(Hue::Green),
        Role::CodeNumber => Some(warm),
        Role::CodeComment => None,
    };
    // Colour sets code and values apart already; bold as well would shout.
    let bold = attributes.bold && !matches!(role, Role::Code | Role::Value | Role::CodeKeyword);
    Look {
        fg,
        bold,
        ..attributes
    }
}

fn mono(role: Role) -> Look {
    let plain = Look::default();
    let bold = Look {
        bold: true,
        ..plain
    };
    match role {
        Role::Heading
        | Role::Subheading
        | Role::Strong
        | Role::Code
        | Role::Bad
        | Role::Warning
        | Role::Note
        | Role::Value
        | Role::Key
        | Role::CodeKeyword => bold,
        Role::Emphasis => Look {
            italic: true,
            ..plain
        },
        Role::Link => Look {
            underline: true,
            ..plain
        },
        Role::Dim | Role::CodeComment => Look { dim: true, ..plain },
        Role::Plain
        | Role::Good
        | Role::CodeType
        | Role::CodeFunction
        | Role::CodeString
        | Role::CodeNumber => plain,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terminal() -> Surroundings {
        Surroundings {
            terminal: true,
            ..Surroundings::default()
        }
    }

    fn palette(wish: ColorWish, surroundings: &Surroundings) -> Palette {
        Theme::for_terminal(wish, None, surroundings).palette()
    }

    #[test]
    fn a_pipe_gets_characters_only_unless_colour_is_forced() {
        let pipe = Surroundings::default();
        assert_eq!(palette(ColorWish::Auto, &pipe), Palette::Bare);
        assert_eq!(palette(ColorWish::Always, &pipe), Palette::Dark);
        let forced = Surroundings {
            clicolor_force: Some("1".into()),
            ..pipe.clone()
        };
        assert_eq!(palette(ColorWish::Auto, &forced), Palette::Dark);
        let zero = Surroundings {
            clicolor_force: Some("0".into()),
            ..pipe
        };
        assert_eq!(palette(ColorWish::Auto, &zero), Palette::Bare);
    }

    #[test]
    fn no_color_keeps_bold_and_an_empty_one_means_nothing() {
        let mut asked = terminal();
        asked.no_color = Some("1".into());
        assert_eq!(palette(ColorWish::Auto, &asked), Palette::Mono);
        assert_eq!(palette(ColorWish::Always, &asked), Palette::Dark);
        asked.no_color = Some("".into());
        assert_eq!(palette(ColorWish::Auto, &asked), Palette::Dark);
        for index in ROLES {
            assert_eq!(Theme::new(Palette::Mono).look(index).fg, None);
        }
    }

    #[test]
    fn a_dumb_terminal_gets_no_escape_sequence() {
        let mut dumb = terminal();
        dumb.term = Some("dumb".into());
        assert_eq!(palette(ColorWish::Auto, &dumb), Palette::Bare);
        for role in ROLES {
            assert_eq!(Theme::new(Palette::Bare).look(role), Look::default());
        }
    }

    #[test]
    fn the_background_comes_from_the_option_then_from_colorfgbg() {
        let mut light = terminal();
        light.colorfgbg = Some("0;default;15".into());
        assert_eq!(palette(ColorWish::Auto, &light), Palette::Light);
        let option = Some(Background::Dark);
        let theme = Theme::for_terminal(ColorWish::Auto, option, &light);
        assert_eq!(theme.palette(), Palette::Dark);
        light.colorfgbg = Some("15;8".into());
        assert_eq!(palette(ColorWish::Auto, &light), Palette::Dark);
        light.colorfgbg = Some("default;default".into());
        assert_eq!(palette(ColorWish::Auto, &light), Palette::Dark);
    }

    #[test]
    fn yellow_is_never_used_on_white_nor_dark_blue_on_black() {
        for role in ROLES {
            assert_ne!(Theme::new(Palette::Light).look(role).fg, Some(Hue::Yellow));
            assert_ne!(Theme::new(Palette::Dark).look(role).fg, Some(Hue::Blue));
        }
    }

    const ROLES: [Role; 20] = [
        Role::Plain,
        Role::Strong,
        Role::Emphasis,
        Role::Heading,
        Role::Subheading,
        Role::Dim,
        Role::Code,
        Role::Link,
        Role::Good,
        Role::Bad,
        Role::Warning,
        Role::Note,
        Role::Value,
        Role::Key,
        Role::CodeKeyword,
        Role::CodeType,
        Role::CodeFunction,
        Role::CodeString,
        Role::CodeNumber,
        Role::CodeComment,
    ];
}
