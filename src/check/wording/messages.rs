//! Words about messages, the descriptors they carry, and files of the stage.

use super::{count, payload};
use crate::check::observation::Observation;
use crate::check::verdict::Shown;
use crate::curriculum::scenario::{
    AttachedFile, Binding, Claim, ExpectDescriptor, ExpectMessage, FileContent, MakeFile,
    OpenSocket, SendMessage, Sender,
};

pub(super) fn makes(making: &MakeFile) -> String {
    let what = match &making.content {
        FileContent::Data(data) => format!("a file of {}", payload(data)),
        FileContent::Directory => "a directory".to_owned(),
        FileContent::Fifo => "a FIFO".to_owned(),
        FileContent::Link(to) => format!("a symbolic link to {to}"),
    };
    let mode = making
        .mode
        .map_or_else(String::new, |mode| format!(", permissions {mode:03o}"));
    format!("makes {what} at {}{mode}", making.path)
}

pub(super) fn opens(opening: &OpenSocket) -> String {
    let bound = match &opening.bind {
        Binding::Nothing => "without a name",
        Binding::Autobind => "with a name that the kernel chooses",
        Binding::Own | Binding::At(_) | Binding::Path(_) => "with a path",
    };
    format!(
        "opens a datagram socket {bound} (socket {})",
        opening.connection
    )
}

pub(super) fn sends(message: &SendMessage) -> String {
    let mut with = Vec::new();
    for attached in &message.attach {
        let one = match attached.file {
            AttachedFile::Regular => "a file's descriptor",
            AttachedFile::ReadWrite => "the descriptor of a file that can be written",
            AttachedFile::Pipe => "the reading end of a pipe",
            AttachedFile::Eventfd => "an eventfd",
            AttachedFile::Directory => "a directory's descriptor",
            AttachedFile::Socket => "a connected socket",
            AttachedFile::Itself => "its own end of the connection",
        };
        with.push(match attached.count {
            1 => one.to_owned(),
            several => format!("{several} copies of {one}"),
        });
    }
    if message.credentials == Claim::Oneself {
        with.push("its credentials".to_owned());
    }
    let with = match with.as_slice() {
        [] => String::new(),
        all => format!(" with {} attached", all.join(", ")),
    };
    let pieces = match message.pieces {
        1 => String::new(),
        pieces => format!(", gathered from {pieces} buffers,"),
    };
    let times = match message.times {
        1 => String::new(),
        times => format!(", {times} times"),
    };
    format!(
        "sends {}{pieces}{with} in one message on {}{times}",
        payload(&message.data),
        message.connection
    )
}

pub(super) fn awaits(wanted: &ExpectMessage) -> String {
    match wanted.times {
        1 => format!("waits for a message on {}", wanted.connection),
        times => format!("waits for {times} messages on {}", wanted.connection),
    }
}

pub(super) fn message_wanted(wanted: &ExpectMessage) -> String {
    let mut words = format!("one message of {}", count(wanted.data.length(), "byte"));
    if wanted.descriptors > 0 {
        let descriptors = count(wanted.descriptors.into(), "descriptor");
        words = format!("{words} with {descriptors}");
    }
    match wanted.from {
        Sender::Anybody => words,
        Sender::Named => format!("{words}, from a socket that has a name"),
        Sender::Program => format!("{words}, from the program's address"),
    }
}

pub(super) fn message_came(seen: &Observation) -> String {
    let message = &seen.message;
    let cut = if message.control_cut {
        ", and more that had no room"
    } else {
        ""
    };
    let came = format!(
        "the right bytes, with {}{cut}",
        count(message.descriptors, "descriptor")
    );
    match message.from.as_str() {
        // Who sent it is not what is wrong; on a connection nobody has a name.
        _ if seen.outcome == "other-descriptors" => came,
        "" => format!("{came}, from a socket without a name"),
        name => format!("{came}, from {name}"),
    }
}

pub(super) fn examines(wanted: &ExpectDescriptor) -> String {
    format!("looks at descriptor {} that came", wanted.index)
}

pub(super) fn descriptor_wanted(wanted: &ExpectDescriptor) -> String {
    let mut words = wanted
        .file
        .map_or("an open file", |file| file.word())
        .to_owned();
    if let Some(access) = wanted.access {
        words = format!("{words}, open for {}", access.word());
    }
    if let Some(offset) = wanted.offset {
        words = format!("{words}, its offset at {offset}");
    }
    if !wanted.seals.is_empty() {
        let seals: Vec<&str> = wanted.seals.iter().map(|seal| seal.word()).collect();
        words = format!("{words}, seals: {}", seals.join(" "));
    }
    match &wanted.unlike {
        Some(other) => format!("{words}, another one than on connection {other}"),
        None => words,
    }
}

pub(super) fn descriptor_came(seen: &Observation) -> String {
    let found = &seen.descriptor;
    let offset = match found.offset {
        -1 => String::new(),
        offset => format!(", its offset at {offset}"),
    };
    let seals = match (found.file, found.seals.as_str()) {
        ("memfd", "") => ", no seals".to_owned(),
        ("memfd", seals) => format!(", seals: {seals}"),
        _ => String::new(),
    };
    let same = match found.same_as.as_str() {
        "" => String::new(),
        "checker" => ", and it is the one that the checker is in".to_owned(),
        other => format!(", and it is the same file as on connection {other}"),
    };
    format!(
        "{}, open for {}{offset}{seals}{same}",
        found.file, found.access
    )
}

pub(super) fn entry_wanted(seen: &Observation) -> Shown {
    let entry = &seen.entry;
    let words = match (seen.outcome, entry.field.as_str()) {
        ("field-there", field) => format!("an entry for the journal without the field {field}"),
        (_, "") => "an entry for the journal, as one datagram".to_owned(),
        (_, field) => format!("an entry for the journal whose field {field} holds"),
    };
    let shown = !entry.field.is_empty() && seen.outcome != "field-there";
    Shown {
        words,
        bytes: shown.then(|| entry.wanted.clone()),
        caret: None,
        lines: Vec::new(),
    }
}

pub(super) fn entry_came(seen: &Observation) -> Shown {
    let entry = &seen.entry;
    let words = match seen.outcome {
        "entry-malformed" => match entry.malformed {
            "no-line-feed" => "a datagram whose last field does not end with a line feed",
            "name" => "a datagram with a name of a field that journald does not take",
            _ => "a datagram in which the length of a value is not that of what follows",
        }
        .to_owned(),
        "field-missing" => format!("an entry with the fields {}", entry.fields),
        _ => format!("an entry whose field {} holds", entry.field),
    };
    Shown {
        words,
        bytes: (seen.outcome != "field-missing").then(|| entry.got.clone()),
        caret: None,
        lines: Vec::new(),
    }
}

pub(super) fn file_wanted(seen: &Observation) -> String {
    let file = &seen.file;
    match file.wanted_mode.as_str() {
        "" => format!("{} at {}", file.wanted, file.path),
        mode => format!("{} at {}, permissions {mode}", file.wanted, file.path),
    }
}

pub(super) fn file_found(seen: &Observation) -> String {
    let file = &seen.file;
    match file.kind {
        "missing" => "nothing is there".to_owned(),
        kind => format!("{kind}, permissions {}", file.mode),
    }
}
