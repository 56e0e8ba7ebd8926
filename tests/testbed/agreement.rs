//! The probe beside `ss -xap` and `lsof -U`: the same sockets, peers, states and owners. Every way
//! in which they differ is told here, and nothing else may differ:
//!
//! - ss and `/proc/net/unix` break a line where a name holds a line feed: such a socket cannot be
//!   read from their output, and is left out. That is a fault of theirs.
//! - A client that waits to be accepted has no peer for ss; the probe names the listener.
//! - A datagram socket is `ESTAB` for ss as soon as another one connects to it
//!   (unix_dgram_connect()); the probe calls it bound, as it has no peer.
//! - lsof lists what processes hold, so a socket that nobody holds, or whose holder may not be read,
//!   is in ss and in the probe alone.
//! - lsof 4.95 leaves out a process altogether whose name (`comm`) holds such bytes as a line feed.
//!   That is a fault of its own.
//!
//! Only sockets that stay are compared: those that two listings of the same tool, one before and one
//! after the probe, tell alike.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::Value;

use super::{as_user, pids, probe, skip, text};

/// What a tool says of a socket.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Told {
    state: String,
    peer: u64,
    owners: BTreeSet<u64>,
}

/// All that is the same in both.
fn steady<T: PartialEq + Clone>(
    before: &BTreeMap<u64, T>,
    after: &BTreeMap<u64, T>,
) -> BTreeMap<u64, T> {
    let same = before
        .iter()
        .filter(|(inode, told)| after.get(inode) == Some(told));
    same.map(|(&inode, told)| (inode, told.clone())).collect()
}

/// `Netid State Recv-Q Send-Q Name Inode PeerName PeerInode users:((…))`, where names may hold blanks.
fn told_by_ss(user: Option<u32>) -> BTreeMap<u64, Told> {
    let output = as_user(Path::new("ss"), user)
        .args(["-xapH"])
        .output()
        .expect("ss runs");
    let output = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut all = BTreeMap::new();
    for line in output.lines().filter(|line| line.starts_with("u_")) {
        let (left, users) = line.split_once(" users:((").unwrap_or((line, ""));
        let words: Vec<&str> = left.split_whitespace().collect();
        let number = |back: usize| {
            let at = words.len().checked_sub(back)?;
            words.get(at)?.parse::<u64>().ok()
        };
        let (Some(inode), Some(peer)) = (number(3), number(1)) else {
            continue;
        };
        let pids = users.split("\",pid=").skip(1);
        let pids = pids.filter_map(|rest| rest.split(',').next()?.parse().ok());
        let told = Told {
            state: words[1].to_owned(),
            peer,
            owners: pids.collect(),
        };
        all.insert(inode, told);
    }
    all
}

/// Who holds what, for lsof.
fn told_by_lsof(user: Option<u32>) -> BTreeMap<u64, BTreeSet<u64>> {
    let output = as_user(Path::new("lsof"), user)
        .args(["-U", "-w", "-n", "-F", "pfi"])
        .output()
        .expect("lsof runs");
    let output = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut all: BTreeMap<u64, BTreeSet<u64>> = BTreeMap::new();
    let mut pid = 0;
    for line in output.lines() {
        if let Some(number) = line.strip_prefix('p') {
            pid = number.parse().expect("a pid");
        } else if let Some(inode) = line.strip_prefix('i').and_then(|text| text.parse().ok()) {
            all.entry(inode).or_default().insert(pid);
        }
    }
    all
}

/// Compares what the probe tells with what ss and lsof tell, all run as this user; as ourselves when
/// `None`. The differences, one a line.
pub(super) fn differences(program: &Path, directory: &str, user: Option<u32>) -> Vec<String> {
    if let Some(missing) = ["ss", "lsof"]
        .into_iter()
        .find(|tool| which::which(tool).is_err())
    {
        skip(
            "agreement with ss and lsof",
            &format!("{missing} is not installed"),
        );
        return Vec::new();
    }
    let (ss, lsof) = (told_by_ss(user), told_by_lsof(user));
    let first = probe(program, "sockets", directory, user);
    let second = probe(program, "sockets", directory, user);
    let ss = steady(&ss, &told_by_ss(user));
    let lsof = steady(&lsof, &told_by_lsof(user));
    let ours = steady(&by_inode(&first), &by_inode(&second));
    let mut faults = Vec::new();
    for (inode, told) in &ss {
        match ours.get(inode) {
            Some(row) => faults.extend(unlike(told, row).map(|why| format!("ss: {inode}: {why}"))),
            // It is there, and changed while we looked.
            None if by_inode(&second).contains_key(inode) => {}
            None => faults.push(format!("ss alone lists {inode}: {told:?}")),
        }
    }
    let mut compared = 0;
    for (inode, row) in &ours {
        let name = super::bytes(&row["name"]["name"]);
        compared += 1;
        if !ss.contains_key(inode) && !name.contains(&b'\n') && !listed(user, *inode) {
            faults.push(format!("the probe alone lists {inode}: {row}"));
        }
        let owners: BTreeSet<u64> = pids(&row["holders"]).into_iter().collect();
        match lsof.get(inode) {
            Some(found) if *found != owners => {
                faults.push(format!("lsof: {inode}: held by {found:?}, not {owners:?}"));
            }
            None if hostile_holder(row) => {}
            None if !owners.is_empty() && told_by_lsof(user).get(inode) != Some(&owners) => {
                faults.push(format!(
                    "lsof does not list {inode}, held by {owners:?}: {}",
                    row["name"]
                ));
            }
            _ => {}
        }
    }
    faults.extend(
        lsof.keys()
            .filter(|inode| !ours.contains_key(inode))
            .filter_map(|inode| {
                let there = by_inode(&second).contains_key(inode);
                (!there).then(|| format!("lsof alone lists {inode}"))
            }),
    );
    assert!(compared > 20, "only {compared} sockets stayed");
    faults
}

/// Whether a process with control characters in its name holds it.
fn hostile_holder(row: &Value) -> bool {
    let holders = row["holders"]["processes"].as_array();
    let mut holders = holders.into_iter().flatten();
    holders.any(|holder| !holder["comm"]["hex"].is_null())
}

/// Whether ss lists it now.
fn listed(user: Option<u32>, inode: u64) -> bool {
    told_by_ss(user).contains_key(&inode)
}

/// Rows without what changes while nothing happens to a socket.
fn by_inode(seen: &Value) -> BTreeMap<u64, Value> {
    let rows = seen["sockets"].as_array().unwrap();
    let row = |row: &Value| (row["inode"].as_u64().unwrap(), row.clone());
    rows.iter().map(row).collect()
}

/// In what a row differs from what ss tells, apart from what is explained above.
fn unlike(told: &Told, row: &Value) -> Option<String> {
    let owners: BTreeSet<u64> = pids(&row["holders"]).into_iter().collect();
    if owners != told.owners {
        return Some(format!("held by {:?}, not {owners:?}", told.owners));
    }
    let waits = text(&row["peer"], "relation") == "waits-for";
    let peer = row["peer"]["inode"].as_u64().filter(|_| !waits);
    if peer.unwrap_or(0) != told.peer {
        return Some(format!("its peer is {}, not {peer:?}", told.peer));
    }
    let condition = text(row, "condition");
    let state = match condition {
        "listening" => "LISTEN",
        "bound" if text(row, "type") == "dgram" && told.state == "ESTAB" && told.peer == 0 => {
            "ESTAB"
        }
        "bound" | "unconnected" => "UNCONN",
        _ => "ESTAB",
    };
    (state != told.state).then(|| format!("it is {}, not {condition}", told.state))
}
