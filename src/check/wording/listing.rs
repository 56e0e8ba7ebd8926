//! Words about sockets that are only there, and about the lines a program prints about them.

use super::saw::common_prefix;
use super::{count, payload};
use crate::check::observation::Observation;
use crate::check::verdict::Shown;
use crate::curriculum::scenario::{MakeSocket, Namespace, SocketFile, SocketState};

/// `makes a stream socket that listens at the path … 9 bytes "door.sock" (socket door)`.
pub(super) fn makes(making: &MakeSocket) -> String {
    let kind = making.kind.word();
    let many = making.count > 1;
    let what = if many {
        format!("{} {kind} sockets", making.count)
    } else {
        format!("a {kind} socket")
    };
    let name = making.name.as_ref().map(|name| {
        let place = match name.namespace {
            Namespace::Path => "a path that ends with",
            Namespace::Relative => "the relative path",
            Namespace::Abstract => "an abstract name that ends with",
        };
        let number = if many { " and a number" } else { "" };
        let length = match name.bytes {
            Some(bytes) => format!(", made {bytes} bytes long"),
            None => String::new(),
        };
        format!("{place} {}{number}{length}", payload(&name.name))
    });
    let name = name.unwrap_or_default();
    let to = making.to.as_deref().unwrap_or_default();
    let does = match making.state {
        SocketState::Unnamed => "without a name".to_owned(),
        SocketState::Bound => format!("bound to {name}"),
        SocketState::Listening => format!("listening at {name}"),
        SocketState::Connected if name.is_empty() => format!("connected to `{to}`"),
        SocketState::Connected => format!("bound to {name}, connected to `{to}`"),
        SocketState::Accepted => format!("by accepting from `{to}`"),
    };
    let then = match making.file {
        SocketFile::Kept => "",
        SocketFile::Removed => ", and removes its file",
        SocketFile::Renamed => ", and renames its file",
    };
    format!("makes {what} {does} (`{}`){then}", making.socket)
}

/// `` `a` and `b` ``.
pub(super) fn names(sockets: &[String]) -> String {
    let quoted: Vec<String> = sockets.iter().map(|name| format!("`{name}`")).collect();
    match quoted.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => quoted.join(""),
    }
}

/// `the line about …`, `the lines about …`.
pub(super) fn lines_about(sockets: &[String]) -> String {
    let line = if sockets.len() == 1 { "line" } else { "lines" };
    format!("the {line} about {}", names(sockets))
}

/// What had to be printed about a socket.
pub(super) fn expected(seen: &Observation) -> Shown {
    let socket = &seen.socket;
    let (words, bytes) = if seen.line.wanted.is_empty() {
        (format!("no such line about `{}`", socket.label), None)
    } else {
        let words = format!("this line about `{}`", socket.label);
        (words, Some(seen.line.wanted.clone()))
    };
    Shown {
        words,
        bytes,
        caret: None,
        lines: Vec::new(),
    }
}

/// What was printed about it.
pub(super) fn saw(seen: &Observation) -> Shown {
    let line = &seen.line;
    let lines = count(seen.instance.stdout_lines as u64, "line");
    let (words, bytes, caret) = match seen.outcome {
        "listed" => ("this line".to_owned(), Some(&line.got), None),
        "listed-otherwise" => {
            let caret = common_prefix(&line.wanted, &line.got);
            ("this line".to_owned(), Some(&line.got), Some(caret))
        }
        _ if !line.similar.is_empty() => {
            let words = format!("{lines}, this one with its name in it");
            (words, Some(&line.similar), None)
        }
        _ if seen.instance.stdout_lines == 0 => ("no line at all".to_owned(), None, None),
        _ => (format!("{lines}, none about it"), None, None),
    };
    Shown {
        words,
        bytes: bytes.cloned(),
        caret,
        lines: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::names;

    #[test]
    fn names_are_listed_as_in_a_sentence() {
        let list = |list: &[&str]| {
            let owned: Vec<String> = list.iter().map(|name| (*name).to_owned()).collect();
            names(&owned)
        };
        assert_eq!(list(&["a"]), "`a`");
        assert_eq!(list(&["a", "b", "c"]), "`a`, `b` and `c`");
    }
}
