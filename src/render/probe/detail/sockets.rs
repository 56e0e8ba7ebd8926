//! What is known of a socket: the sentences of `probe sockets --inode`, and where to go from it.

use super::super::sockets;
use super::{Page, Target};
use crate::probe::sockets::{Condition, Relation, Row, Sockets};
use crate::render::text::{Line, Role};

pub(super) fn tell(page: &mut Page<'_>, seen: &Sockets, row: &Row) {
    let title = format!("Socket {}", row.inode);
    let what = format!("   {}, {}", row.kind.word(), row.condition.words());
    page.title(Line::of(Role::Heading, title).with(Role::Plain, what));
    for (label, role, words) in sockets::facts(seen, row) {
        page.fact_as(role, label, &words);
        if label == "service" {
            page.meaning(row.service.as_deref());
        }
    }
    links(page, seen, row);
}

fn links(page: &mut Page<'_>, seen: &Sockets, row: &Row) {
    let holder = row.holders.processes.first();
    let peer = row.peer.as_ref();
    if let Some(peer) = peer
        && seen.sockets.iter().any(|other| other.inode == peer.inode)
    {
        let words = match peer.relation {
            Relation::WaitsFor => "its listener",
            _ => "its peer",
        };
        page.socket(words, peer.inode);
    }
    if matches!(
        row.condition,
        Condition::Connected | Condition::HalfClosed | Condition::PeerClosed
    ) {
        let way = ("creds".to_owned(), Target::Recorded(row.cookie));
        page.ways("recorded of its peer", &[way]);
    }
    if let Some(holder) = holder {
        page.process("holder", holder);
    }
    if let Some(theirs) = peer.and_then(|peer| peer.holders.processes.first()) {
        page.process("peer's", theirs);
    }
    for client in &row.pending {
        if let Some(inode) = client.inode {
            page.socket("waits", inode);
        }
    }
    for other in row.holders.processes.iter().skip(1) {
        page.process("holder", other);
    }
}
