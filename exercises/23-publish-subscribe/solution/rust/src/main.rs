//! Exercise 23, reference solution in Rust: a broker that waits for nobody.
//!
//! Each client has two threads: one that reads its commands, and one that writes what waits in its
//! queue. Both may wait for this client, and it is the only one they wait for. Between the threads
//! of a publisher and those of a subscriber there is nothing but the queue, which has a limit.

use std::collections::{HashMap, HashSet, VecDeque};
use std::ffi::OsString;
use std::io::{self, BufReader, ErrorKind, Read, Write};
use std::net::Shutdown;
use std::os::fd::AsFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::process::ExitCode;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

const LONGEST: usize = 65536;
const LONGEST_TOPIC: usize = 100;

/// A whole frame. Many queues hold the same one, and nobody can change it.
type Frame = Arc<[u8]>;

fn frame_of(parts: &[&[u8]]) -> Frame {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let header = (length as u32).to_be_bytes();
    [&header, parts.concat().as_slice()].concat().into()
}

/// What waits for one client.
struct Queue {
    limit: usize,
    state: Mutex<State>,
    news: Condvar,
}

#[derive(Default)]
struct State {
    frames: VecDeque<Frame>,
    /// Bytes of all frames here, and of the one that is being written.
    bytes: usize,
    /// Nothing more is taken in; the client's last word may still be in `frames`.
    closed: bool,
}

impl Queue {
    fn new(limit: usize) -> Self {
        Self {
            limit,
            state: Mutex::default(),
            news: Condvar::new(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state
            .lock()
            .expect("no thread panics while it holds a queue")
    }

    /// Takes a frame in, or says LAG; false when the client gets nothing more.
    fn put(&self, frame: &Frame) -> bool {
        let mut state = self.state();
        if state.closed {
            return false;
        }
        if state.bytes + frame.len() > self.limit {
            // The frame that is being written is no longer in the queue, and is finished. Of the
            // others no byte has been sent: they may go, to the last one.
            state.frames.clear();
            state.frames.push_back(frame_of(&[b"LAG"]));
            state.closed = true;
        } else {
            state.bytes += frame.len();
            state.frames.push_back(Arc::clone(frame));
        }
        self.news.notify_one();
        !state.closed
    }

    /// Nothing more comes; what waits, and this last word, is still sent.
    fn close(&self, last: Option<Frame>) {
        let mut state = self.state();
        if !state.closed {
            state.frames.extend(last);
            state.closed = true;
        }
        self.news.notify_one();
    }

    /// Writes what waits, as long as something may come. Says at the end that this was all, which also
    /// wakes the thread that reads.
    fn write_to(&self, mut client: &UnixStream) {
        loop {
            let wait = |state: &mut State| state.frames.is_empty() && !state.closed;
            let mut state = self
                .news
                .wait_while(self.state(), wait)
                .expect("see state()");
            let Some(frame) = state.frames.pop_front() else {
                break;
            };
            drop(state);
            if client.write_all(&frame).is_err() {
                break; // EPIPE: it is gone, which is no concern of others
            }
            let mut state = self.state();
            state.bytes = state.bytes.saturating_sub(frame.len());
        }
        let mut state = self.state();
        state.closed = true;
        state.frames.clear();
        drop(client.shutdown(Shutdown::Both));
    }
}

enum Command {
    Subscribe(Vec<u8>),
    Unsubscribe(Vec<u8>),
    Publish(Vec<u8>, Vec<u8>),
}

fn parse(payload: &[u8]) -> Option<Command> {
    let mut words = payload.splitn(3, |&byte| byte == b' ').map(<[u8]>::to_vec);
    let (verb, topic, data) = (words.next()?, words.next()?, words.next());
    if topic.is_empty() || topic.len() > LONGEST_TOPIC {
        return None;
    }
    // A PUB has a blank behind its topic, also when the data is empty; the others have none.
    match (verb.as_slice(), data) {
        (b"SUB", None) => Some(Command::Subscribe(topic)),
        (b"UNSUB", None) => Some(Command::Unsubscribe(topic)),
        (b"PUB", Some(data)) => Some(Command::Publish(topic, data)),
        _ => None,
    }
}

/// Takes one frame; `Ok(None)` when it is too long. An error is also the end of the stream, between two
/// frames or inside one.
fn receive(client: &mut impl Read) -> io::Result<Option<Vec<u8>>> {
    let mut header = [0; 4];
    client.read_exact(&mut header)?;
    let length = u32::from_be_bytes(header) as usize;
    if length > LONGEST {
        return Ok(None);
    }
    let mut payload = vec![0; length];
    client.read_exact(&mut payload)?;
    Ok(Some(payload))
}

/// Waits until the other side is closed altogether; a client that has only said its last still listens.
fn wait_for_hang_up(client: &UnixStream) {
    // POLLHUP and POLLERR come without being asked for, and nothing else.
    let mut fds = [PollFd::new(client.as_fd(), PollFlags::empty())];
    while poll(&mut fds, PollTimeout::NONE).is_err() {}
}

struct Broker {
    limit: usize,
    /// The queues of each topic's subscribers. While it is locked, one frame goes into all of them: so
    /// all subscribers see the same order.
    topics: Mutex<HashMap<Vec<u8>, Vec<Arc<Queue>>>>,
}

impl Broker {
    fn topics(&self) -> MutexGuard<'_, HashMap<Vec<u8>, Vec<Arc<Queue>>>> {
        self.topics
            .lock()
            .expect("no thread panics while it holds the topics")
    }

    fn subscribe(&self, queue: &Arc<Queue>, topic: Vec<u8>) {
        self.topics()
            .entry(topic)
            .or_default()
            .push(Arc::clone(queue));
    }

    fn unsubscribe(&self, queue: &Arc<Queue>, topic: &[u8]) {
        let mut topics = self.topics();
        let Some(queues) = topics.get_mut(topic) else {
            return;
        };
        queues.retain(|other| !Arc::ptr_eq(other, queue));
        if queues.is_empty() {
            topics.remove(topic);
        }
    }

    fn publish(&self, publisher: &Arc<Queue>, topic: &[u8], data: &[u8]) {
        let frame = frame_of(&[b"MSG ", topic, b" ", data]);
        if let Some(queues) = self.topics().get_mut(topic) {
            // Goes through the list and takes those off it that get nothing more, in one.
            queues.retain(|queue| Arc::ptr_eq(queue, publisher) || queue.put(&frame));
        }
    }

    /// Carries out commands until the client has said its last. Returns whether that was in order:
    /// false when a frame was no command.
    fn converse(
        &self,
        client: &UnixStream,
        queue: &Arc<Queue>,
        subscribed: &mut HashSet<Vec<u8>>,
    ) -> bool {
        let mut client = BufReader::new(client);
        while let Ok(frame) = receive(&mut client) {
            match frame.as_deref().and_then(parse) {
                Some(Command::Subscribe(topic)) => {
                    if subscribed.insert(topic.clone()) {
                        self.subscribe(queue, topic);
                    }
                }
                Some(Command::Unsubscribe(topic)) => {
                    if subscribed.remove(&topic) {
                        self.unsubscribe(queue, &topic);
                    }
                }
                Some(Command::Publish(topic, data)) => self.publish(queue, &topic, &data),
                None => return false,
            }
            queue.put(&frame_of(&[b"OK"]));
        }
        true
    }

    fn serve(&self, client: &UnixStream) {
        let queue = Arc::new(Queue::new(self.limit));
        let mut subscribed = HashSet::new();
        thread::scope(|scope| {
            scope.spawn(|| queue.write_to(client));
            let in_order = self.converse(client, &queue, &mut subscribed);
            if in_order && !subscribed.is_empty() {
                wait_for_hang_up(client);
            }
            for topic in &subscribed {
                self.unsubscribe(&queue, topic);
            }
            queue.close((!in_order).then(|| frame_of(&[b"ERR"])));
        });
    }
}

fn run(limit: usize, path: &OsString) -> io::Result<()> {
    let listener = UnixListener::bind(path)?;
    let broker = Arc::new(Broker {
        limit,
        topics: Mutex::default(),
    });
    loop {
        let (client, _) = match listener.accept() {
            Err(error) if error.kind() == ErrorKind::ConnectionAborted => continue,
            accepted => accepted?,
        };
        let broker = Arc::clone(&broker);
        thread::spawn(move || broker.serve(&client));
    }
}

fn main() -> ExitCode {
    let words: Vec<OsString> = std::env::args_os().skip(1).collect();
    let [limit, path] = words.as_slice() else {
        eprintln!("usage: publish-subscribe BYTES PATH");
        return ExitCode::FAILURE;
    };
    let Some(limit) = limit.to_str().and_then(|text| text.parse().ok()) else {
        eprintln!(
            "publish-subscribe: not a number of bytes: {}",
            limit.display()
        );
        return ExitCode::FAILURE;
    };
    match run(limit, path) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("publish-subscribe: {error}");
            ExitCode::FAILURE
        }
    }
}
