//! Words about the program itself: where it waits, how it ended, what stands at its address.

use crate::check::observation::{Observation, ProgramState};

/// Where the program is while nothing happens.
pub(super) fn whereabouts(seen: &Observation) -> String {
    let program = &seen.program;
    if program.exited || !program.signal.is_empty() {
        return format!("the program {}", end(program));
    }
    if program.syscall.is_empty() {
        let cpu = program.cpu_ms;
        return format!("the program is not waiting, it used {cpu} ms of CPU time");
    }
    format!("the program {}", waits(program))
}

/// `waits in accept4 on descriptor 3, a listening socket`: for a program that is in a call.
pub fn waits(program: &ProgramState) -> String {
    if program.syscall_fd < 0 {
        return format!("waits in {}", program.syscall);
    }
    let kind = match program.syscall_fd_kind.as_str() {
        "not open" => "which is not open".to_owned(),
        kind if kind.starts_with(['a', 'e', 'i', 'o', 'u']) => format!("an {kind}"),
        kind => format!("a {kind}"),
    };
    format!(
        "waits in {} on descriptor {}, {kind}",
        program.syscall, program.syscall_fd
    )
}

/// What makes the program ready.
pub(super) fn ready(seen: &Observation) -> String {
    let (path, wanted) = (&seen.address.path, seen.address.wanted);
    let does = if wanted == "dgram" {
        "bound"
    } else {
        "listening"
    };
    format!("a {does} {wanted} socket at {path}")
}

pub(super) fn not_ready(seen: &Observation) -> String {
    let address = &seen.address;
    match (address.kind, address.state) {
        ("missing", _) if address.others.is_empty() => "nothing is there".to_owned(),
        ("missing", _) => {
            format!(
                "nothing is there; the directory holds {}",
                address.others.join(", ")
            )
        }
        ("socket", "bound") => format!(
            "a {} socket is bound there, but it does not listen",
            address.socket_type
        ),
        ("socket", "none") => "a socket file is there, but no process has it bound".to_owned(),
        ("socket", "listening") => "another process listens there".to_owned(),
        (kind, _) => format!("there is a {kind}"),
    }
}

pub(super) fn ending(seen: &Observation) -> String {
    end(&seen.instance)
}

/// How an instance ended.
fn end(program: &ProgramState) -> String {
    if !program.signal.is_empty() {
        format!("was ended by {}", program.signal)
    } else if program.exited {
        format!("ended with status {}", program.status)
    } else {
        "is running".to_owned()
    }
}
