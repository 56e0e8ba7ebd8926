//! The picture of the screen in README and book: drives the real program on a terminal, draws what
//! the terminal then shows as SVG, and holds the stored picture to it.
//!
//! `UPDATE_DOCUMENTS=1 cargo test --test picture` draws it anew.

use std::fs::{self, File};
use std::io::{Read, Write as _};
use std::num::NonZeroU16;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::process::{Child, Command};
use std::time::Duration;

use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::pty::{Winsize, openpty};
use vt100::{Cell, Color, Parser, Screen};

const COLUMNS: u16 = 100;
const ROWS: u16 = 31;
const PICTURE: &str = "book/src/images/learn.svg";

/// The program on a terminal of its own.
struct Session {
    child: Child,
    master: File,
    parser: Parser,
}

impl Session {
    fn start(arguments: &[&str], home: &Path) -> Self {
        let size = Winsize {
            ws_row: ROWS,
            ws_col: COLUMNS,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        let pty = openpty(Some(&size), None).expect("a terminal");
        // The program must not inherit them: the descriptors it opens would have other numbers.
        for end in [&pty.master, &pty.slave] {
            fcntl(end, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC)).expect("a descriptor");
        }
        let slave = || -> OwnedFd { pty.slave.try_clone().expect("a descriptor") };
        let child = Command::new(env!("CARGO_BIN_EXE_ipc-mastery"))
            .args(arguments)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", home)
            .env("XDG_RUNTIME_DIR", home)
            .env("TERM", "xterm-256color")
            .stdin(slave())
            .stdout(slave())
            .stderr(slave())
            .spawn()
            .expect("the program runs");
        Self {
            child,
            master: pty.master.into(),
            parser: Parser::new(
                NonZeroU16::new(ROWS).expect("rows"),
                NonZeroU16::new(COLUMNS).expect("columns"),
                0,
            ),
        }
    }

    fn press(&mut self, keys: &str) {
        self.master.write_all(keys.as_bytes()).expect("a terminal");
    }

    /// Reads until the screen shows `text`.
    fn wait_for(&mut self, text: &str) {
        let shows = |screen: &Screen| screen.contents().contains(text);
        let found = self.read_until(Duration::from_secs(60), shows);
        let screen = self.parser.screen().contents();
        assert!(found, "`{text}` did not appear:\n{screen}");
    }

    /// Reads until the screen is as wanted; false when nothing more came for so long. A screen may
    /// be seen half drawn, so what is wanted must be seen only when all of it is there.
    fn read_until(&mut self, patience: Duration, wanted: impl Fn(&Screen) -> bool) -> bool {
        let mut piece = [0; 65536];
        while !wanted(self.parser.screen()) {
            let mut waiting = [PollFd::new(self.master.as_fd(), PollFlags::POLLIN)];
            let wait = PollTimeout::try_from(patience).expect("some seconds");
            if poll(&mut waiting, wait).expect("poll") == 0 {
                return false;
            }
            let count = self.master.read(&mut piece).expect("the program runs");
            self.parser.process(&piece[..count]);
        }
        true
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// How the picture is arrived at: a prediction that most people make, and what the kernel did.
fn drive(session: &mut Session) {
    const END: &str = "\x1b[F";
    session.wait_for("of this network namespace");
    session.press(END);
    session.wait_for("What does this one read return?");
    for (keys, then) in [
        ("1", "Enter commits"),
        ("\r", "How sure are you?"),
        ("3", "▸I am sure"),
        ("\r", "runs it on your kernel"),
        ("\r", "What happened"),
        (END, "State what happened"),
    ] {
        session.press(keys);
        session.wait_for(then);
    }
}

mod svg {
    //! Draws a terminal's screen: text in runs of one style, lines as lines.

    use std::fmt::Write as _;

    use super::{COLUMNS, Cell, Color, ROWS, Screen};

    const WIDTH: f32 = 8.4;
    const HEIGHT: f32 = 18.0;
    const MARGIN: f32 = 16.0;
    const TITLE: f32 = 34.0;
    const INK: &str = "#d7dae0";
    const PAPER: &str = "#14161b";
    const ANSI: [&str; 16] = [
        "#3b404b", "#f2777a", "#8fd694", "#f0c674", "#6ca8ee", "#c99bea", "#66ccc2", "#d7dae0",
        "#8b93a3", "#ff8f8f", "#a8eeb0", "#ffdd99", "#86bbff", "#dcb5fa", "#8ae8de", "#ffffff",
    ];

    #[derive(Clone, PartialEq)]
    struct Style {
        ink: String,
        paper: Option<String>,
        bold: bool,
        italic: bool,
        underline: bool,
        dim: bool,
    }

    fn colour(colour: Color, usual: &str) -> String {
        match colour {
            Color::Default => usual.to_owned(),
            Color::Idx(index @ 0..=15) => ANSI[usize::from(index)].to_owned(),
            Color::Idx(index) => format!("#{0:02x}{0:02x}{0:02x}", index),
            Color::Rgb(red, green, blue) => format!("#{red:02x}{green:02x}{blue:02x}"),
        }
    }

    fn style(cell: &Cell) -> Style {
        let ink = colour(cell.fgcolor(), INK);
        let paper = (cell.bgcolor() != Color::Default).then(|| colour(cell.bgcolor(), PAPER));
        let (ink, paper) = if cell.inverse() {
            (paper.unwrap_or_else(|| PAPER.to_owned()), Some(ink))
        } else {
            (ink, paper)
        };
        Style {
            ink,
            paper,
            bold: cell.bold(),
            italic: cell.italic(),
            underline: cell.underline(),
            dim: cell.dim(),
        }
    }

    /// Where the arms of a line-drawing character go: left, right, up, down.
    fn arms(character: &str) -> Option<[bool; 4]> {
        Some(match character {
            "─" => [true, true, false, false],
            "│" => [false, false, true, true],
            "┌" => [false, true, false, true],
            "┐" => [true, false, false, true],
            "└" => [false, true, true, false],
            "┘" => [true, false, true, false],
            "├" => [false, true, true, true],
            "┤" => [true, false, true, true],
            "┬" => [true, true, false, true],
            "┴" => [true, true, true, false],
            "┼" => [true; 4],
            _ => return None,
        })
    }

    pub fn draw(screen: &Screen, title: &str) -> String {
        let width = f32::from(COLUMNS) * WIDTH + 2.0 * MARGIN;
        let height = f32::from(ROWS) * HEIGHT + TITLE + MARGIN;
        let mut out = String::new();
        let mut line = |text: String| {
            out.push_str(&text);
            out.push('\n');
        };
        line(format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" \
             height=\"{height}\" role=\"img\" aria-label=\"{title}\" font-family=\"ui-monospace, \
             'SF Mono', Menlo, Consolas, 'DejaVu Sans Mono', monospace\" font-size=\"14\" fill=\"{INK}\">"
        ));
        line(format!(
            "<rect width=\"{width}\" height=\"{height}\" rx=\"9\" fill=\"{PAPER}\"/>"
        ));
        for (at, fill) in [(20, "#f2777a"), (40, "#f0c674"), (60, "#8fd694")] {
            line(format!(
                "<circle cx=\"{at}\" cy=\"17\" r=\"5.5\" fill=\"{fill}\"/>"
            ));
        }
        line(format!(
            "<text x=\"{}\" y=\"22\" text-anchor=\"middle\" fill=\"#8b93a3\">{title}</text>",
            width / 2.0
        ));
        for row in 0..ROWS {
            for run in runs(screen, row) {
                line(run);
            }
        }
        line("</svg>".to_owned());
        out
    }

    fn runs(screen: &Screen, row: u16) -> Vec<String> {
        let mut out = Vec::new();
        let mut column = 0;
        let cell = |column| screen.cell(row, column).expect("within the screen");
        while column < COLUMNS {
            let from = column;
            let look = style(cell(from));
            let lines = arms(cell(from).contents());
            let mut text = String::new();
            while column < COLUMNS && style(cell(column)) == look {
                let contents = cell(column).contents();
                if arms(contents) != lines {
                    break;
                }
                text.push_str(if contents.is_empty() { " " } else { contents });
                column += 1;
            }
            let count = f32::from(column - from);
            let (x, y) = (
                MARGIN + f32::from(from) * WIDTH,
                TITLE + f32::from(row) * HEIGHT,
            );
            if let Some(paper) = &look.paper {
                out.push(format!(
                    "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{:.1}\" height=\"{HEIGHT}\" fill=\"{paper}\"/>",
                    count * WIDTH
                ));
            }
            match lines {
                Some(arms) => out.push(drawn(arms, x, y, count, &look)),
                None => out.extend(written(&text, x, y, &look)),
            }
        }
        out
    }

    /// A run of one line-drawing character; only horizontal ones are longer than one cell.
    fn drawn(
        [left, right, up, down]: [bool; 4],
        x: f32,
        y: f32,
        count: f32,
        look: &Style,
    ) -> String {
        let (middle, centre) = (x + WIDTH / 2.0, y + HEIGHT / 2.0);
        let (end, bottom) = (x + count * WIDTH, y + HEIGHT);
        let mut path = String::new();
        let mut stroke = |from: (f32, f32), to: (f32, f32)| {
            write!(path, "M{:.1} {:.1}L{:.1} {:.1}", from.0, from.1, to.0, to.1)
                .expect("a String takes all");
        };
        match (left, right) {
            (true, true) => stroke((x, centre), (end, centre)),
            (true, false) => stroke((x, centre), (middle, centre)),
            (false, true) => stroke((middle, centre), (end, centre)),
            (false, false) => {}
        }
        match (up, down) {
            (true, true) => stroke((middle, y), (middle, bottom)),
            (true, false) => stroke((middle, y), (middle, centre)),
            (false, true) => stroke((middle, centre), (middle, bottom)),
            (false, false) => {}
        }
        let faint = if look.dim { " opacity=\"0.6\"" } else { "" };
        format!("<path d=\"{path}\" stroke=\"{}\"{faint}/>", look.ink)
    }

    fn written(text: &str, x: f32, y: f32, look: &Style) -> Option<String> {
        let blank = text
            .chars()
            .take_while(|character| *character == ' ')
            .count();
        let text = text.trim();
        if text.is_empty() {
            return None;
        }
        let x = x + blank as f32 * WIDTH;
        let long = text.chars().count() as f32 * WIDTH;
        let mut attributes = String::new();
        if look.ink != INK {
            write!(attributes, " fill=\"{}\"", look.ink).expect("a String takes all");
        }
        for (set, attribute) in [
            (look.bold, " font-weight=\"bold\""),
            (look.italic, " font-style=\"italic\""),
            (look.underline, " text-decoration=\"underline\""),
            (look.dim, " opacity=\"0.6\""),
        ] {
            attributes.push_str(if set { attribute } else { "" });
        }
        let text = text
            .replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('>', "&gt;");
        Some(format!(
            "<text xml:space=\"preserve\" x=\"{x:.1}\" y=\"{:.1}\" textLength=\"{long:.1}\" \
             lengthAdjust=\"spacingAndGlyphs\"{attributes}>{text}</text>",
            y + 13.5
        ))
    }
}

/// Without what another machine shows differently: the kernel's release, and how far down in the
/// lesson this is, which depends on how many sockets its live probe lists.
fn without_machine(picture: &str) -> String {
    let differs = |line: &str| line.contains("on Linux ") || line.contains(" %");
    let lines: Vec<&str> = picture.lines().filter(|line| !differs(line)).collect();
    lines.join("\n")
}

#[test]
fn the_picture_shows_what_the_program_shows() {
    let home = tempfile::tempdir().expect("a directory");
    let mut session = Session::start(&["learn", "bytes-not-messages"], home.path());
    drive(&mut session);
    let draw = |screen: &Screen| svg::draw(screen, "ipc-mastery learn");
    let stored = Path::new(env!("CARGO_MANIFEST_DIR")).join(PICTURE);
    if std::env::var_os("UPDATE_DOCUMENTS").is_some() {
        session.read_until(Duration::from_secs(1), |_| false);
        fs::write(&stored, draw(session.parser.screen())).expect("the picture is written");
        return;
    }
    let kept = without_machine(&fs::read_to_string(&stored).expect("the picture"));
    let same = session.read_until(Duration::from_secs(5), |screen| {
        without_machine(&draw(screen)) == kept
    });
    assert!(
        same,
        "{PICTURE} is out of date; `UPDATE_DOCUMENTS=1 cargo test --test picture` draws it anew. \
         The screen now:\n{}",
        session.parser.screen().contents()
    );
}
