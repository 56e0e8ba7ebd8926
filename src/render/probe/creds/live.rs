//! Draws the live run: what each mechanism told, and what it told as things changed.
//!
//! ```text
//! Live on this kernel
//! A process of ours (101) listened. Another one (102) connected and sent a
//! message. What the first was told:
//! MECHANISM        TOLD                                         AS OF
//! SO_PEERCRED      pid 102, uid 0, gid 0                        connect(2)
//! SO_PEERGROUPS    4, 27                                        connect(2)
//! SO_PEERPIDFD     process 102, which runs (pidfd inode 9002)   connect(2)
//! SO_PEERSEC       no label: no security module here gives one  connect(2)
//! SCM_CREDENTIALS  pid 102, uid 0, gid 0                        each send
//! SCM_PIDFD        process 102, which runs (pidfd inode 9002)   each send
//! SO_PASSRIGHTS    not on this kernel: since Linux 6.16         each send
//!
//! The same questions again and again. At each moment a message was sent:
//! WHAT HAPPENED         THE SENDER IS  SO_PEERCRED  SCM_CREDENTIALS  SO_PEERPIDFD
//! the client connects   102 uid 0      102 uid 0    102 uid 0        runs
//! its child sends       103 uid 0      102 uid 0    103 uid 0        runs
//! effective ids change  102 uid 65534  102 uid 0    102 uid 0        runs
//! it ends; child sends  103 uid 0      102 uid 0    103 uid 0        has ended
//! - SO_PEERCRED was recorded once, of who called connect(2), and stayed the same
//!   whatever happened. SCM_CREDENTIALS is made at each send, of who sends.
//! - While only the effective user id was 65534, SCM_CREDENTIALS said 0: the real
//!   one. SO_PEERCRED takes effective ids.
//! - Process 102 has ended, and SO_PEERCRED names it all the same; another process
//!   may get that number. SO_PEERPIDFD tells that it has ended.
//! - The two also had a socketpair(2) between them: SO_PEERCRED named 101, who made
//!   it, at the end whose other end 102 held.
//! - At the client's end SO_PEERCRED named 101: who called listen(2).
//! - On a socket that was never connected SO_PEERCRED succeeds and says pid 0, uid
//!   -1, gid -1: programs must check for it.
//! - Not shown, because the kernel did not let us: "all ids given up" (setgroups:
//!   EPERM). It takes CAP_SETUID and CAP_SETGID, and ids that are mapped into this
//!   user namespace.
//! ```

use super::parts::{Said, bullet, fact, label, numbers, pidfd, ucred};
use crate::probe::creds::{Event, Fact, Live, Moment, Pidfd};
use crate::render::markdown::paragraph;
use crate::render::probe::section;
use crate::render::probe::table::{self, Cell, Column, Cut, Dropped, Row};
use crate::render::text::{Line, Role, Text};
use crate::sys::peer_credentials::Ucred;

const MECHANISMS: &[Column] = &[
    Column::fixed("MECHANISM", 0),
    Column::flexible("TOLD", 20, 0, Cut::End),
    Column::fixed("AS OF", 2),
];

const MOMENTS: &[Column] = &[
    Column::flexible("WHAT HAPPENED", 20, 0, Cut::End),
    Column::fixed("THE SENDER IS", 3),
    Column::fixed("SO_PEERCRED", 0),
    Column::fixed("SCM_CREDENTIALS", 0),
    Column::fixed("SO_PEERPIDFD", 4),
];

pub(super) fn draw(live: &Live, width: usize) -> Text {
    let mut text = Text::new();
    let mut dropped = Dropped::default();
    text.line(Line::of(Role::Heading, section::LIVE));
    let words = format!(
        "A process of ours ({}) listened. Another one ({}) connected and sent a message. \
         What the first was told:",
        live.server.pid, live.client.pid
    );
    text.append(paragraph(Role::Plain, &words, width));
    text.append(table::draw(
        MECHANISMS,
        &mechanisms(live),
        width,
        &mut dropped,
    ));
    text.blank();
    let words = "The same questions again and again. At each moment a message was sent:";
    text.append(paragraph(Role::Plain, words, width));
    let moments: Vec<Row> = live.moments.iter().filter_map(moment).collect();
    text.append(table::draw(MOMENTS, &moments, width, &mut dropped));
    for sentence in sentences(live) {
        text.append(bullet(&Said::new(Role::Plain, sentence), width));
    }
    text.append(dropped.say(width));
    text
}

fn mechanisms(live: &Live) -> Vec<Row> {
    let told = &live.answers;
    let refused = |said: Said| Said {
        words: said.words.replacen("? may not be read", "refused", 1),
        ..said
    };
    let rights = match (&told.passrights, &told.send_refused) {
        (Fact::Known(on), Fact::Known(gave)) => {
            let on = if *on { "on" } else { "off" };
            let error = gave.rsplit(": ").next().unwrap_or(gave);
            Said::value(format!(
                "{on}; when off, sending a descriptor gives {error}"
            ))
        }
        (on, _) => fact(on, "none", |_| String::new()),
    };
    let rows = [
        (
            "SO_PEERCRED",
            fact(&told.peercred, "none", ucred),
            "connect(2)",
        ),
        (
            "SO_PEERGROUPS",
            fact(&told.peergroups, "none", |groups| numbers(groups)),
            "connect(2)",
        ),
        (
            "SO_PEERPIDFD",
            fact(&told.peerpidfd, "none", pidfd),
            "connect(2)",
        ),
        ("SO_PEERSEC", label(&told.peersec), "connect(2)"),
        (
            "SCM_CREDENTIALS",
            fact(&told.scm_credentials, "none came", ucred),
            "each send",
        ),
        (
            "SCM_PIDFD",
            fact(&told.scm_pidfd, "none came", pidfd),
            "each send",
        ),
        ("SO_PASSRIGHTS", rights, "each send"),
    ];
    rows.into_iter()
        .map(|(name, said, when)| {
            let said = refused(said);
            Row::Cells(vec![
                Cell::new(Role::Code, name),
                Cell::new(said.role, said.words),
                Cell::new(Role::Plain, when),
            ])
        })
        .collect()
}

fn event(event: Event) -> &'static str {
    match event {
        Event::Connected => "the client connects",
        Event::ChildSends => "its child sends",
        Event::EffectiveIds => "effective ids change",
        Event::AllIds => "all ids given up",
        Event::ClientGone => "it ends; child sends",
    }
}

/// A row, for what could be shown.
fn moment(moment: &Moment) -> Option<Row> {
    if moment.failed.is_some() {
        return None;
    }
    let cell = |told: &Fact<Ucred>| match told {
        Fact::Known(told) => Cell::new(Role::Value, short(told)),
        _ => Cell::new(Role::Dim, "-"),
    };
    let sender = moment.sender.as_ref().map_or_else(String::new, short);
    let runs = match moment.peerpidfd.known() {
        Some(Pidfd { ended: true, .. }) => "has ended",
        Some(_) => "runs",
        None => "",
    };
    Some(Row::Cells(vec![
        Cell::new(Role::Plain, event(moment.event)),
        Cell::new(Role::Plain, sender),
        cell(&moment.peercred),
        cell(&moment.message),
        Cell::new(Role::Plain, runs),
    ]))
}

/// `4711 uid 0`.
fn short(told: &Ucred) -> String {
    format!("{} uid {}", told.pid, super::parts::id(told.uid))
}

/// What the run showed, each sentence only if it did.
fn sentences(live: &Live) -> Vec<String> {
    let mut said = Vec::new();
    let first = &live.answers.peercred;
    let shown = |event: Event| {
        live.moments
            .iter()
            .find(|moment| moment.event == event && moment.failed.is_none())
    };
    if live.moments.iter().all(|moment| moment.peercred == *first) && first.known().is_some() {
        said.push(
            "SO_PEERCRED was recorded once, of who called connect(2), and stayed the same whatever \
             happened. SCM_CREDENTIALS is made at each send, of who sends."
                .to_owned(),
        );
    }
    let uids = |moment: &Moment| {
        let sender = moment.sender?.uid;
        Some((sender, moment.message.known()?.uid))
    };
    if let Some((effective, told)) = shown(Event::EffectiveIds).and_then(uids)
        && effective != told
    {
        said.push(format!(
            "While only the effective user id was {effective}, SCM_CREDENTIALS said {told}: the \
             real one. SO_PEERCRED takes effective ids."
        ));
    }
    if let Some(groups) = shown(Event::AllIds).and_then(|moment| moment.sender_groups.as_ref())
        && let Some(told) = live.groups_at_end.known()
        && told != groups
    {
        said.push(format!(
            "The client changed its supplementary groups to {} when it gave up its ids; \
             SO_PEERGROUPS still told those it had when it connected: {}.",
            numbers(groups),
            numbers(told)
        ));
    }
    if let Some(gone) = shown(Event::ClientGone)
        && let (Some(told), Some(pidfd)) = (gone.peercred.known(), gone.peerpidfd.known())
        && pidfd.ended
    {
        said.push(format!(
            "Process {} has ended, and SO_PEERCRED names it all the same; another process may get \
             that number. SO_PEERPIDFD tells that it has ended.",
            told.pid
        ));
    }
    if let Some(pair) = live.pair.known()
        && pair.pid == live.server.pid
    {
        said.push(format!(
            "The two also had a socketpair(2) between them: SO_PEERCRED named {}, who made it, at \
             the end whose other end {} held.",
            pair.pid, live.client.pid
        ));
    }
    if let Some(seen) = live.seen_by_client.known() {
        said.push(format!(
            "At the client's end SO_PEERCRED named {}: who called listen(2).",
            seen.pid
        ));
    }
    if let Some(told) = live.unconnected.known()
        && !told.was_recorded()
    {
        said.push(format!(
            "On a socket that was never connected SO_PEERCRED succeeds and says {}: programs must \
             check for it.",
            ucred(told)
        ));
    }
    let mut failures: Vec<String> = live
        .moments
        .iter()
        .filter_map(|moment| {
            let why = moment.failed.as_ref()?;
            Some(format!("\"{}\" ({why})", event(moment.event)))
        })
        .collect();
    if let Some(last) = failures.pop() {
        let mut all = failures.join(", ");
        if !all.is_empty() {
            all += " and ";
        }
        said.push(format!(
            "Not shown, because the kernel did not let us: {all}{last}. It takes \
             CAP_SETUID and CAP_SETGID, and ids that are mapped into this user namespace."
        ));
    }
    said
}
