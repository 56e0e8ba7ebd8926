//! Where a routine directs its processes and every call is written down.
//!
//! [`Stage::call`] records a call, [`Stage::decisive`] records and marks the one that decides,
//! [`Stage::quietly`] does what the learner already knows without a line of its own.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixListener;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, Stdio};

use nix::sys::signal::Signal;

use super::identity::Act;
use super::letter::Letter;
use super::order::{Environment, Got, Order, Outcome};
use super::request::Request;
use super::runner::{OURSELVES, ROLE};
use super::{Call, Failure};

/// The calls of an experiment as they happen.
#[derive(Debug, Default)]
pub struct Stage {
    part: String,
    calls: Vec<Call>,
    /// Forked actors so far.
    meetings: usize,
}

/// A process of the experiment. It ends when it is dropped.
#[derive(Debug)]
pub struct Actor {
    name: String,
    pid: u32,
    /// Ours to wait for, unless another actor has forked it.
    child: Option<Child>,
    orders: Option<File>,
    answers: BufReader<File>,
}

impl Stage {
    /// Begins a part: `a`, `b`, …
    pub fn part(&mut self, id: &str) {
        id.clone_into(&mut self.part);
    }

    /// Starts a process that is called `name` in the transcript.
    ///
    /// # Errors
    /// When no process can be made.
    pub fn actor(&self, name: &str) -> Result<Actor, Failure> {
        self.actor_with(name, &[])
    }

    /// Starts a process with more variables in its environment.
    ///
    /// # Errors
    /// When no process can be made.
    pub fn actor_with(&self, name: &str, variables: &[(&str, &str)]) -> Result<Actor, Failure> {
        let start = || -> io::Result<Actor> {
            let mut child = Command::new(OURSELVES)
                .args(ROLE)
                .envs(variables.iter().copied())
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .spawn()?;
            let missing = || io::Error::other("a pipe is missing");
            let orders = child.stdin.take().ok_or_else(missing)?;
            let mut orders = File::from(OwnedFd::from(orders));
            let answers = child.stdout.take().ok_or_else(missing)?;
            orders.write_all(Request::Act.line().as_bytes())?;
            Ok(Actor {
                name: name.to_owned(),
                pid: child.id(),
                child: Some(child),
                orders: Some(orders),
                answers: BufReader::new(OwnedFd::from(answers).into()),
            })
        };
        start().map_err(|error| Failure::Fault(format!("cannot start a process: {error}")))
    }

    /// Has an actor make a call, and writes it down.
    ///
    /// # Errors
    /// When the actor is gone. A call that fails is an [`Outcome`].
    pub fn call(&mut self, actor: &mut Actor, order: Order) -> Result<Outcome, Failure> {
        let outcome = self.quietly(actor, &order)?;
        self.record(&actor.name, &outcome);
        Ok(outcome)
    }

    /// Like [`Stage::call`], for the call that decides.
    ///
    /// # Errors
    /// When the actor is gone.
    pub fn decisive(&mut self, actor: &mut Actor, order: Order) -> Result<Outcome, Failure> {
        let outcome = self.call(actor, order)?;
        if let Some(call) = self.calls.last_mut() {
            call.decisive = true;
        }
        Ok(outcome)
    }

    /// Like [`Stage::decisive`], for a call that may end the actor: then what it gave is
    /// [`Got::Killed`], and the actor is good for nothing more.
    ///
    /// # Errors
    /// When the actor is gone and no signal has ended it.
    pub fn perhaps_last(&mut self, actor: &mut Actor, order: Order) -> Result<Outcome, Failure> {
        let call = order.text();
        let outcome = match self.quietly(actor, &order) {
            Ok(outcome) => outcome,
            Err(gone) => Outcome {
                call,
                result: Ok(Got::Killed(actor.killed_by().ok_or(gone)?)),
            },
        };
        self.record(&actor.name, &outcome);
        if let Some(call) = self.calls.last_mut() {
            call.decisive = true;
        }
        Ok(outcome)
    }

    /// Has an actor start a program that looks at one variable of its environment. The program's
    /// two calls are written down under the name `program`.
    ///
    /// # Errors
    /// When the actor is gone.
    pub fn start_program(
        &mut self,
        actor: &mut Actor,
        program: &str,
        environment: Environment,
        variable: &str,
    ) -> Result<Outcome, Failure> {
        let passed = match environment {
            Environment::Empty => "no variables",
            Environment::Own => "environ",
        };
        let order = Order::Execute(environment, variable.to_owned());
        let outcome = self.quietly(actor, &order)?;
        let started = Outcome {
            call: format!("execve(program, {passed})"),
            result: outcome.result.clone().map(|_| Got::Done),
        };
        self.record(program, &started);
        if outcome.result.is_ok() {
            self.record(program, &outcome);
        }
        Ok(outcome)
    }

    /// Has an actor fork, and writes it down. The child has the actor's descriptors and is called
    /// `name` in the transcript.
    ///
    /// # Errors
    /// When the actor is gone or cannot fork.
    pub fn fork(&mut self, actor: &mut Actor, name: &str) -> Result<Actor, Failure> {
        let (child, outcome) = self.meet(actor, name)?;
        self.record(&actor.name, &outcome);
        Ok(child)
    }

    /// Like [`Stage::fork`], without a line in the transcript.
    ///
    /// # Errors
    /// When the actor is gone or cannot fork.
    pub fn fork_quietly(&mut self, actor: &mut Actor, name: &str) -> Result<Actor, Failure> {
        self.meet(actor, name).map(|(child, _)| child)
    }

    fn meet(&mut self, actor: &mut Actor, name: &str) -> Result<(Actor, Outcome), Failure> {
        let fault = |error: io::Error| Failure::Fault(format!("cannot meet a child: {error}"));
        self.meetings += 1;
        let path = format!(".child-of-{}-{}", actor.pid, self.meetings);
        let meeting = UnixListener::bind(&path).map_err(fault)?;
        let forked = self.quietly(actor, &Order::Identity(Act::Fork(path)))?;
        let pid = forked.process()?;
        let (stream, _) = meeting.accept().map_err(fault)?;
        let answers = stream.try_clone().map_err(fault)?;
        let child = Actor {
            name: name.to_owned(),
            pid: pid.unsigned_abs(),
            child: None,
            orders: Some(OwnedFd::from(stream).into()),
            answers: BufReader::new(OwnedFd::from(answers).into()),
        };
        Ok((child, forked))
    }

    /// Has a forked actor execute a program, and writes it down. It keeps its place in the
    /// transcript under the name `name`.
    ///
    /// # Errors
    /// When the actor is gone or the program cannot be executed.
    pub fn execute(&mut self, actor: &mut Actor, name: &str) -> Result<(), Failure> {
        name.clone_into(&mut actor.name);
        self.call(actor, Order::Identity(Act::Execute))?.done()?;
        actor.request()
    }

    /// Ends an actor, and writes it down.
    pub fn end(&mut self, actor: Actor) {
        self.calls.push(Call {
            part: self.part.clone(),
            who: actor.name.clone(),
            call: "exit_group(0)".to_owned(),
            result: "?".to_owned(),
            decisive: false,
        });
        drop(actor);
    }

    /// Has an actor make a call that is not written down.
    ///
    /// # Errors
    /// When the actor is gone.
    pub fn quietly(&self, actor: &mut Actor, order: &Order) -> Result<Outcome, Failure> {
        actor
            .perform(order)
            .map_err(|error| Failure::Fault(format!("{} is gone: {error}", actor.name)))
    }

    /// Has a forked actor execute another program, and writes it down: [`Letter::Execute`] or
    /// [`Letter::Wrapped`]. It keeps its place in the transcript under the name `name`.
    ///
    /// # Errors
    /// When the actor is gone.
    pub fn become_program(
        &mut self,
        actor: &mut Actor,
        name: &str,
        letter: Letter,
    ) -> Result<(), Failure> {
        name.clone_into(&mut actor.name);
        self.call(actor, Order::Letter(letter))?.done()?;
        actor.request()
    }

    /// Like [`Stage::become_program`], without a line in the transcript.
    ///
    /// # Errors
    /// When the actor is gone.
    pub fn become_quietly(&self, actor: &mut Actor, letter: Letter) -> Result<(), Failure> {
        self.quietly(actor, &Order::Letter(letter))?.done()?;
        actor.request()
    }

    /// Writes down what was not an actor's call: what a program of this machine was asked and said.
    pub fn note(&mut self, who: &str, call: &str, result: &str) {
        self.calls.push(Call {
            part: self.part.clone(),
            who: who.to_owned(),
            call: call.to_owned(),
            result: result.to_owned(),
            decisive: false,
        });
    }

    /// Marks the call that was written down last as the one that decides.
    pub fn mark(&mut self) {
        if let Some(call) = self.calls.last_mut() {
            call.decisive = true;
        }
    }

    /// Adds what another stage has written down, with its part.
    pub(super) fn append(&mut self, other: Self) {
        self.part = other.part;
        self.calls.extend(other.calls);
        self.meetings += other.meetings;
    }

    /// What was written down so far, in order.
    pub fn so_far(&self) -> &[Call] {
        &self.calls
    }

    /// The calls so far, in order.
    pub fn into_calls(self) -> Vec<Call> {
        self.calls
    }

    fn record(&mut self, who: &str, outcome: &Outcome) {
        self.calls.push(Call {
            part: self.part.clone(),
            who: who.to_owned(),
            call: outcome.call.clone(),
            result: outcome.text(),
            decisive: false,
        });
    }
}

impl Actor {
    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Its name in the transcript.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Gives it another name in the transcript.
    pub fn rename(&mut self, name: &str) {
        name.clone_into(&mut self.name);
    }

    /// Waits for its end: the name of the signal, if one has ended it.
    fn killed_by(&mut self) -> Option<String> {
        drop(self.orders.take());
        let signal = self.child.as_mut()?.wait().ok()?.signal()?;
        Signal::try_from(signal)
            .map(|signal| signal.as_str().to_owned())
            .ok()
    }

    /// Asks a program that an actor has become to serve orders.
    fn request(&mut self) -> Result<(), Failure> {
        let gone = |error: io::Error| Failure::Fault(format!("a program is gone: {error}"));
        let orders = self.orders.as_mut();
        let orders = orders.ok_or_else(|| gone(io::ErrorKind::BrokenPipe.into()))?;
        orders
            .write_all(Request::Act.line().as_bytes())
            .map_err(gone)
    }

    /// Kills it: for what an actor has become that serves no orders and ends at no end of input.
    pub fn kill(&mut self) {
        if let Some(child) = &mut self.child {
            // It is not waited for yet; one that has ended already is as good.
            let _ = child.kill();
        }
    }

    fn perform(&mut self, order: &Order) -> io::Result<Outcome> {
        let orders = self
            .orders
            .as_mut()
            .ok_or_else(|| io::Error::other("it has ended"))?;
        let line = serde_json::to_string(order)? + "\n";
        orders.write_all(line.as_bytes())?;
        let mut answer = String::new();
        if self.answers.read_line(&mut answer)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(serde_json::from_str(&answer)?)
    }
}

impl Drop for Actor {
    fn drop(&mut self) {
        if let Some(orders) = self.orders.take() {
            // Both directions of a forked actor are one socket; a pipe refuses, and is closed here.
            let _ = rustix::net::shutdown(&orders, rustix::net::Shutdown::Write);
        }
        // Its input has ended, so it ends; there is nobody left to tell if it cannot be waited for.
        let _ = match &mut self.child {
            Some(child) => child.wait().map(drop),
            None => io::copy(&mut self.answers, &mut io::sink()).map(drop),
        };
    }
}
