//! `model play`: calls as somebody thinks of them, on the model and on the running kernel.
//!
//! ```text
//! $ ipc-mastery model play
//! $ printf 'socketpair stream\nsend 3 "hello"\nrecv 4 100\n' | ipc-mastery model play
//! ```
//!
//! On a terminal there is a prompt, and the state of the model above it. Else a script is read from
//! standard input, and each call is shown with both answers; the exit status is 1 when they differ,
//! and 3 when one was not tried here.

use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;

use super::context::Context;
use super::error::CommandError;
use super::learn::{self, Drawable, Opened};
use super::model;
use crate::curriculum::problem::SourceFile;
use crate::differential::play::{Reply, Turn};
use crate::differential::role::Request;
use crate::differential::session::Session;
use crate::exit_code::ExitCode;
use crate::experiment::OURSELVES;
use crate::model::script::Script;
use crate::render::{ansi, model_play};
use crate::tui::Play;

/// Plays.
///
/// # Errors
/// When the script holds a mistake, no process can be started, or standard output cannot be written.
pub fn run(context: &Context) -> Result<ExitCode, CommandError> {
    if learn::drawable() == Drawable::Yes {
        let opened = Opened {
            play: Play::Begun,
            ..Opened::default()
        };
        return learn::show(context, context.curriculum()?, opened);
    }
    let mut text = String::new();
    io::stdin().read_to_string(&mut text).map_err(|error| {
        CommandError::usage("standard input is no text in UTF-8").caused_by(error)
    })?;
    let file = Arc::new(SourceFile {
        name: "-".to_owned(),
        text,
    });
    let script = Script::parse(&file.text).map_err(|mistake| model::told(&file, mistake))?;
    let width = ansi::terminal_width();
    let (mut calls, mut differ, mut refused) = (0, 0, 0);
    let mut session = started(&script)?;
    for line in &script.lines {
        let turn = Turn::of(line);
        let reply = session
            .ask(&turn)
            .map_err(|error| CommandError::internal("the play broke off").caused_by(error))?;
        match reply {
            Reply::Answered { agree, .. } => {
                calls += 1;
                differ += usize::from(!agree);
            }
            Reply::Refused(_) => refused += 1,
            Reply::Done => {}
        }
        context.print_text(&model_play::turn(line, &reply, width))?;
    }
    context.print_text(&model_play::sum(calls, differ, width))?;
    Ok(match (differ, refused) {
        (0, 0) => ExitCode::Success,
        (0, _) => ExitCode::CannotJudge,
        _ => ExitCode::Failed,
    })
}

fn started(script: &Script) -> Result<Session, CommandError> {
    let processes = script.processes.iter().map(|(pid, user)| (pid.0, *user));
    let processes: Vec<(u32, u32)> = processes.collect();
    let start = |directory| Request::Play {
        processes,
        directory,
    };
    let cannot = |error| CommandError::internal("nothing can be played").caused_by(error);
    Session::start(Path::new(OURSELVES), start).map_err(cannot)
}
