//! A turn of free play as text: the call, what the model answers, what this kernel answers.
//!
//! ```text
//! A: send 3 "hello"
//!    the model = 5   this kernel = 5   agree
//! ```

use super::model::wrapped;
use super::text::{Role, Span, Text};
use crate::differential::play::Reply;
use crate::model::script::Line as ScriptLine;
use crate::untrusted::readable;

/// A call with both answers.
pub fn turn(line: &ScriptLine, reply: &Reply, width: usize) -> Text {
    let mut text = Text::new();
    let call = line.action.to_string();
    let call = Span::new(Role::Code, readable(&call));
    let times = match line.times {
        1 => String::new(),
        times => format!("   {times} times"),
    };
    text.lines = wrapped(&[call, Span::new(Role::Dim, times)], width, 3);
    text.append(answers(reply, width));
    text
}

/// Both answers, and whether they are the same.
pub fn answers(reply: &Reply, width: usize) -> Text {
    let mut text = Text::new();
    let spans = match reply {
        Reply::Answered {
            model,
            linux,
            agree: true,
        } => {
            let answer = if model == linux { model } else { linux };
            vec![
                Span::new(Role::Dim, "   the model and this kernel: "),
                Span::new(Role::Value, format!("= {}", readable(answer))),
                Span::new(Role::Good, "   agree"),
            ]
        }
        Reply::Answered { model, linux, .. } => vec![
            Span::new(Role::Dim, "   the model: "),
            Span::new(Role::Value, format!("= {}", readable(model))),
            Span::new(Role::Dim, "   this kernel: "),
            Span::new(Role::Value, format!("= {}", readable(linux))),
            Span::new(Role::Bad, "   differ"),
        ],
        Reply::Done => vec![Span::new(
            Role::Dim,
            "   both looked for sockets that nobody can reach",
        )],
        Reply::Refused(why) => vec![
            Span::new(Role::Warning, "   not tried: "),
            Span::new(Role::Plain, readable(why)),
        ],
    };
    text.lines = wrapped(&spans, width, 3);
    text
}

/// How many calls there were, and how many answers differ.
pub fn sum(calls: usize, differ: usize, width: usize) -> Text {
    let mut text = Text::new();
    text.blank();
    let made = match calls {
        0 => "No call was made.".to_owned(),
        1 => "One call was made on both.".to_owned(),
        calls => format!("{calls} calls were made on both."),
    };
    let (role, words) = match differ {
        _ if calls == 0 => (Role::Plain, String::new()),
        0 => (Role::Good, " The model and this kernel agree.".to_owned()),
        1 => (Role::Bad, " One answer differs.".to_owned()),
        differ => (Role::Bad, format!(" {differ} answers differ.")),
    };
    let spans = [Span::new(Role::Plain, made), Span::new(role, words)];
    text.lines.extend(wrapped(&spans, width, 0));
    text
}
