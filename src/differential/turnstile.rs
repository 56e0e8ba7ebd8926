//! One at a time: rows bind abstract names that are as long as they must be, so they cannot be told apart
//! from those of others. Where these names belong to the whole machine, whoever plays rows holds a name
//! that says so; the next waits until it is free.

use std::io::{self, Read};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};

/// The abstract name that is held.
pub const NAME: &str = "ipc-mastery-rows";

/// How often it may be seen bound and not listening: it is so between two calls of another program.
const REFUSED: u32 = 100_000;

/// Held until it is dropped, or its process ends.
#[derive(Debug)]
pub struct Turnstile {
    /// A connection that is not accepted ends when this is closed: that tells who waits.
    _held: UnixListener,
}

impl Turnstile {
    /// Passes when nobody else is through; `taken` is told, once, that somebody is.
    ///
    /// # Errors
    /// Those of bind(2) and connect(2); EADDRINUSE and ECONNREFUSED only where somebody has bound the
    /// name and does not listen.
    pub fn pass(name: &str, taken: impl FnOnce()) -> io::Result<Self> {
        let address = SocketAddr::from_abstract_name(name)?;
        let mut taken = Some(taken);
        let mut refused = 0;
        loop {
            match UnixListener::bind_addr(&address) {
                Ok(held) => return Ok(Self { _held: held }),
                Err(error) if error.kind() == io::ErrorKind::AddrInUse => {}
                Err(error) => return Err(error),
            }
            match UnixStream::connect_addr(&address) {
                Ok(mut waits) => {
                    if let Some(taken) = taken.take() {
                        taken();
                    }
                    // Nobody writes: it comes back when the other end is gone, however it went.
                    let _ = waits.read(&mut [0]);
                }
                // It was given up meanwhile, or is bound and about to listen.
                Err(error)
                    if error.kind() == io::ErrorKind::ConnectionRefused && refused < REFUSED =>
                {
                    refused += 1;
                }
                Err(error) => return Err(error),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;
    use std::thread;

    use super::Turnstile;

    #[test]
    fn the_second_passes_when_the_first_is_gone() {
        let name = format!("ipc-mastery-turnstile-{}", std::process::id());
        let first = Turnstile::pass(&name, || panic!("nobody is through")).expect("passed");
        let (tell, told) = channel();
        let second = thread::spawn({
            let name = name.clone();
            move || {
                let second = Turnstile::pass(&name, || tell.send("waits").expect("heard"));
                drop(second.expect("passed"));
                tell.send("passed").expect("heard");
            }
        });
        assert_eq!(told.recv(), Ok("waits"));
        assert!(told.try_recv().is_err());
        drop(first);
        assert_eq!(told.recv(), Ok("passed"));
        second.join().expect("no panic");
    }
}
