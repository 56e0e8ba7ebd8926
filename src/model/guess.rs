//! What somebody might think a call comes back with: the true outcome among some that a likely
//! mistake would give.
//!
//! A mistake is an error of [`super::fault`], under which the calls before answer alike, and this one
//! does not; or an answer that such a call often gives. The same run gives the same question.

use nix::errno::Errno;

use super::call::{Asked, Call, Events, Flags};
use super::fault::Fault;
use super::file::Kind;
use super::id::{FileId, Pid};
use super::kernel::Kernel;
use super::outcome::{Answer, Credentials, Outcome, Received, Reported, Wait};
use super::run::Run;
use super::script::{Action, Expected};
use super::socket::Socket;
use super::tree::NodeKind;

/// The most answers that are offered.
const MOST: usize = 4;
/// The most of them that are mistakes about the kernel.
const MOST_FAULTS: usize = 2;
/// No mistakes about the kernel are tried in a run of more calls.
const LONGEST: usize = 2_000;

/// An answer that is offered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guess {
    /// What the call would come back with.
    pub answer: Expected,
    /// What would have to hold for that, where it is one thing.
    pub because: Option<Fault>,
}

/// A question about what a call comes back with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// What is offered.
    pub guesses: Vec<Guess>,
    /// Which of them is true.
    pub right: usize,
}

/// What may be asked before a step; `None`: it is not worth a question.
pub fn question(run: &Run, step: usize) -> Option<Question> {
    let made = run.steps().get(step)?;
    let (Action::Call { pid, call }, Some(outcome)) = (&made.line.action, &made.outcome) else {
        return None;
    };
    // Whether there was a signal, too, is not asked.
    let truth = Expected::of(&outcome.without_signal());
    let mut wrong: Vec<Guess> = mistaken(run, step, call);
    wrong.retain(|guess| guess.answer != truth);
    // That something can be sent is no news.
    let sends = matches!(
        call,
        Call::Send { .. } | Call::Write { .. } | Call::Writev { .. }
    );
    if sends && wrong.is_empty() && matches!(outcome, Outcome::Done(_)) {
        return None;
    }
    let kernel = run.before(step);
    for answer in typical(kernel, *pid, call) {
        wrong.push(Guess {
            answer: Expected::of(&answer),
            because: None,
        });
    }
    let mut guesses = vec![Guess {
        answer: truth.clone(),
        because: None,
    }];
    for guess in wrong {
        let known = guesses.iter().any(|other| other.answer == guess.answer);
        if !known && guesses.len() < MOST {
            guesses.push(guess);
        }
    }
    if guesses.len() < 3 {
        return None;
    }
    // Nothing but the answers themselves decides their order.
    guesses.sort_by_key(|guess| guess.answer.to_string());
    let right = guesses.iter().position(|guess| guess.answer == truth)?;
    Some(Question { guesses, right })
}

/// What a call of this kind would come back with, if one thing about the kernel were otherwise.
fn mistaken(run: &Run, step: usize, call: &Call) -> Vec<Guess> {
    let mut guesses: Vec<Guess> = Vec::new();
    let calls: usize = run.steps()[..=step].iter().map(|one| one.line.times).sum();
    if !is_asked_about(call) || calls > LONGEST {
        return guesses;
    }
    for fault in Fault::ALL {
        if guesses.len() == MOST_FAULTS {
            break;
        }
        let Some(outcome) = under(run, step, *fault) else {
            continue;
        };
        let answer = Expected::of(&outcome.without_signal());
        let truth = run.steps()[step].outcome.as_ref();
        let truth = truth.map(|truth| Expected::of(&truth.without_signal()));
        let known = guesses.iter().any(|guess| guess.answer == answer);
        if !known && truth != Some(answer.clone()) {
            guesses.push(Guess {
                answer,
                because: Some(*fault),
            });
        }
    }
    guesses
}

/// What a step comes back with under a mistake that shows in no call before it.
fn under(run: &Run, step: usize, fault: Fault) -> Option<Outcome> {
    let mut kernel = run.before(0).clone().mistaken(fault);
    for earlier in &run.steps()[..step] {
        let outcome = earlier.line.run(&mut kernel).ok()?;
        if outcome != earlier.outcome {
            return None;
        }
    }
    run.steps()[step].line.run(&mut kernel).ok()?
}

/// Whether it is a call whose answer depends on others.
fn is_asked_about(call: &Call) -> bool {
    matches!(
        call,
        Call::Bind { .. }
            | Call::Connect { .. }
            | Call::Accept { .. }
            | Call::Send { .. }
            | Call::Receive { .. }
            | Call::Write { .. }
            | Call::Read { .. }
            | Call::Getpeername { .. }
            | Call::Getsockopt { .. }
            | Call::Poll { .. }
            | Call::EpollWait { .. }
    )
}

/// Answers that such a call often gives, the likeliest first.
fn typical(kernel: &Kernel, pid: Pid, call: &Call) -> Vec<Outcome> {
    if let Call::EpollWait { fd, .. } = call {
        return of_epoll(kernel, kernel.descriptor(pid, *fd));
    }
    let (fd, flags) = match call {
        Call::Receive { fd, flags, .. } | Call::Send { fd, flags, .. } => (*fd, *flags),
        Call::Read { fd, .. }
        | Call::Write { fd, .. }
        | Call::Connect { fd, .. }
        | Call::Accept { fd, .. }
        | Call::Getpeername { fd }
        | Call::Getsockopt { fd, .. }
        | Call::Poll { fd, .. } => (*fd, Flags::default()),
        _ => return Vec::new(),
    };
    let Some(file) = kernel.descriptor(pid, fd) else {
        return Vec::new();
    };
    let socket = match kernel.file(file).kind {
        Kind::Socket(sock) => kernel.sock(sock),
        Kind::Regular { .. } => return of_regular_file(kernel, file, call),
        _ => return Vec::new(),
    };
    let waits = match kernel.file(file).nonblock || flags.has(Flags::DONTWAIT) {
        true => Outcome::Failed(Errno::EAGAIN),
        false => Outcome::Sleeps(Wait::Other),
    };
    let number = |number: usize| Outcome::Done(Answer::Number(number as i64));
    match call {
        Call::Receive { len, .. } | Call::Read { len, .. } => {
            let mut answers = vec![waits, received(&[])];
            answers.extend(next_bytes(socket, *len));
            answers.push(Outcome::Failed(Errno::ECONNRESET));
            answers
        }
        Call::Send { payload, .. } | Call::Write { payload, .. } => {
            vec![number(payload.len), Outcome::Failed(Errno::EPIPE), waits]
        }
        Call::Connect { .. } => {
            let refused = Outcome::Failed(Errno::ECONNREFUSED);
            vec![number(0), refused, waits, Outcome::Failed(Errno::EACCES)]
        }
        Call::Accept { .. } => {
            let free = kernel.process(pid).lowest_free();
            let mut answers = vec![waits];
            answers.extend(free.map(|fd| Outcome::Done(Answer::Descriptor(fd))));
            answers.push(Outcome::Failed(Errno::EINVAL));
            answers
        }
        Call::Getpeername { .. } => vec![
            Outcome::Done(Answer::Name(None)),
            Outcome::Failed(Errno::ENOTCONN),
            Outcome::Failed(Errno::ECONNREFUSED),
        ],
        Call::Getsockopt {
            option: Asked::PeerCred,
            ..
        } => processes(kernel),
        Call::Poll { events, .. } => readiness(*events),
        _ => Vec::new(),
    }
}

fn received(bytes: &[u8]) -> Outcome {
    Outcome::Done(Answer::Received(Received {
        count: bytes.len(),
        data: bytes.to_vec(),
        ..Received::default()
    }))
}

/// What is read next, if it were all.
fn next_bytes(socket: &Socket, len: usize) -> Option<Outcome> {
    let skb = socket.queue.front().filter(|skb| skb.embryo.is_none())?;
    let left = &skb.data[skb.consumed..];
    Some(received(&left[..left.len().min(len)]))
}

/// Reading a file: from where somebody else stopped, from its start, or at its end.
fn of_regular_file(kernel: &Kernel, file: FileId, call: &Call) -> Vec<Outcome> {
    let (Call::Read { len, .. }, Kind::Regular { node, .. }) = (call, kernel.file(file).kind)
    else {
        return Vec::new();
    };
    let NodeKind::Regular(data) = &kernel.tree().node(node).kind else {
        return Vec::new();
    };
    let start = &data[..data.len().min(*len)];
    let end = &data[data.len() - data.len().min(*len)..];
    let mut answers = vec![received(start), received(&[]), received(end)];
    answers.push(Outcome::Failed(Errno::EBADF));
    answers
}

/// Each process, and nobody.
fn processes(kernel: &Kernel) -> Vec<Outcome> {
    let known = kernel.processes().map(|(pid, process)| Credentials {
        pid: Some(pid),
        uid: process.euid,
        gid: process.egid,
    });
    let nobody = Credentials {
        pid: None,
        uid: u32::MAX,
        gid: u32::MAX,
    };
    let all = known.chain([nobody]);
    all.map(|of| Outcome::Done(Answer::Credentials(of)))
        .collect()
}

/// What a set of epoll(7) could tell: nothing, one of what it watches, all of it.
fn of_epoll(kernel: &Kernel, file: Option<FileId>) -> Vec<Outcome> {
    let Some(Kind::Epoll(epoll)) = file.map(|file| kernel.file(file).kind) else {
        return Vec::new();
    };
    let watched = kernel.epoll(epoll).watched.iter();
    let all: Vec<Reported> = watched
        .map(|watch| Reported {
            fd: watch.key.1,
            events: watch.interest.asked_for().events,
        })
        .filter(|reported| reported.events != Events::default())
        .collect();
    let alone = all.iter().map(|one| vec![*one]);
    let answers = [Vec::new(), all.clone()].into_iter().chain(alone);
    answers
        .map(|reported| Outcome::Done(Answer::Reported(reported)))
        .collect()
}

/// What poll could say of what it is asked for.
fn readiness(asked: Events) -> Vec<Outcome> {
    let words = [
        Events::default(),
        Events(asked.0 & Events::OUT.0),
        Events(asked.0 & Events::IN.0),
        Events(asked.0 & (Events::IN.0 | Events::OUT.0)),
    ];
    let all = words
        .into_iter()
        .map(|events| Outcome::Done(Answer::Ready(events)));
    all.collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::Arc;

    use super::*;
    use crate::model::script::Script;
    use crate::model::settings::Settings;

    fn run(source: &str) -> Run {
        let script = Script::parse(source).unwrap();
        Run::of(&script, Arc::new(Settings::default())).unwrap()
    }

    fn texts(question: &Question) -> Vec<String> {
        let guesses = question.guesses.iter();
        guesses.map(|guess| guess.answer.to_string()).collect()
    }

    #[test]
    fn the_truth_is_among_three_or_four_different_answers() {
        let source = "socketpair stream\nfork\nclose 4\nclose 3\nB: recv 4 100 dontwait\n\
                      B: close 3\nB: recv 4 100\n";
        let run = run(source);
        let asked: Vec<Option<Question>> = (0..7).map(|step| question(&run, step)).collect();
        let which: Vec<bool> = asked.iter().map(Option::is_some).collect();
        assert_eq!(which, [false, false, false, false, true, false, true]);
        for (step, question) in asked.iter().enumerate() {
            let Some(question) = question else { continue };
            let texts = texts(question);
            let different: BTreeSet<&String> = texts.iter().collect();
            assert_eq!(different.len(), texts.len());
            assert!((3..=MOST).contains(&texts.len()), "{texts:?}");
            let truth = Expected::of(run.steps()[step].outcome.as_ref().unwrap());
            assert_eq!(question.guesses[question.right].answer, truth);
            assert_eq!(question.guesses[question.right].because, None);
        }
        // Who thinks that closing one of two descriptors tells the peer expects an end here.
        let early = asked[4].as_ref().unwrap();
        let end = early
            .guesses
            .iter()
            .find(|guess| guess.answer.to_string() == "0 \"\"");
        assert_eq!(end.unwrap().because, Some(Fault::CloseShutsDown));
    }

    #[test]
    fn a_question_is_the_same_each_time() {
        let run = run("socketpair dgram\nsend 3 \"abcdef\"\nrecv 4 3\n");
        let first = question(&run, 2).unwrap();
        assert_eq!(Some(&first), question(&run, 2).as_ref());
        let without = first
            .guesses
            .iter()
            .find(|guess| guess.because == Some(Fault::NoTrunc));
        assert_eq!(without.unwrap().answer.to_string(), "3 \"abc\"");
    }

    #[test]
    fn what_is_sent_without_any_trouble_is_not_asked_about() {
        let run = run("socketpair stream\nsend 3 \"x\"\ncollect\n");
        for step in 0..3 {
            assert_eq!(question(&run, step), None);
        }
        assert_eq!(question(&run, 9), None);
    }
}
