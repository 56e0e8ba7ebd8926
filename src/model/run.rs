//! A script that ran on the model, call by call: each step with its events and the state behind it,
//! so that it can be looked at forwards and backwards. The state in the middle of a call is not kept:
//! the call is made once more, up to there.

use std::sync::Arc;

use super::call::Call;
use super::event::Event;
use super::id::Pid;
use super::kernel::Kernel;
use super::outcome::Outcome;
use super::script::{Action, Line, Mistake, Script};
use super::settings::Settings;

/// A script that ran.
#[derive(Clone, Debug)]
pub struct Run {
    start: Kernel,
    steps: Vec<Step>,
}

/// What a line of a script did.
#[derive(Clone, Debug)]
pub struct Step {
    /// The line.
    pub line: Line,
    /// Who makes which call, or goes on with it; `None`: nobody.
    pub made: Option<(Pid, Call)>,
    /// What its call came back with; `None`: it is no call.
    pub outcome: Option<Outcome>,
    /// What happened meanwhile, in this order.
    pub events: Vec<Event>,
    /// The state behind it.
    pub after: Kernel,
}

/// What made a call go on that slept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Roused {
    /// What it slept for.
    Woken,
    /// A signal.
    Interrupted,
    /// Its time was over.
    Expired,
    /// Nothing: it is looked at, and sleeps still.
    ByNobody,
}

impl Step {
    /// What made a call go on that slept, if that is what it is about.
    pub fn rouses(&self) -> Option<Roused> {
        match self.line.action {
            Action::Woken { .. } if self.events.is_empty() => Some(Roused::ByNobody),
            Action::Woken { .. } => Some(Roused::Woken),
            Action::Interrupted { .. } => Some(Roused::Interrupted),
            Action::Expired { .. } => Some(Roused::Expired),
            Action::Call { .. } | Action::Collect => None,
        }
    }

    /// Whether the outcome is what the script says, where it says anything.
    pub fn is_as_expected(&self) -> bool {
        match (&self.line.expected, &self.outcome) {
            (Some(expected), Some(outcome)) => expected.is_met_by(outcome),
            _ => true,
        }
    }
}

impl Run {
    /// Runs a script.
    ///
    /// # Errors
    /// When it is about something that the model leaves out.
    pub fn of(script: &Script, settings: Arc<Settings>) -> Result<Self, Mistake> {
        let mut run = Self::begun(script.kernel(settings));
        for line in &script.lines {
            run.extend(line)?;
        }
        Ok(run)
    }

    /// All steps.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// A run without steps yet.
    pub fn begun(kernel: Kernel) -> Self {
        Self {
            start: kernel.with_events(),
            steps: Vec::new(),
        }
    }

    /// The state in the middle of a step: behind so many of its events. Behind none is before the
    /// step, behind all of them is after it.
    pub fn behind(&self, step: usize, events: usize) -> Kernel {
        let made = &self.steps[step];
        if events == 0 {
            return self.before(step).clone();
        }
        if events >= made.events.len() {
            return made.after.clone();
        }
        let mut kernel = self.before(step).clone();
        kernel.keep_behind(events);
        // What could not be run is not among the steps.
        let _ = made.line.run(&mut kernel);
        kernel.take_kept().unwrap_or_else(|| made.after.clone())
    }

    /// Makes one more step.
    ///
    /// # Errors
    /// When it is about something that the model leaves out.
    pub fn extend(&mut self, line: &Line) -> Result<&Step, Mistake> {
        let mut kernel = self.before(self.steps.len()).clone();
        let made = match &line.action {
            Action::Call { pid, call } => Some((*pid, call.clone())),
            Action::Woken { pid } | Action::Interrupted { pid } | Action::Expired { pid } => {
                kernel.sleeper(*pid).map(|one| (*pid, one.call.clone()))
            }
            Action::Collect => None,
        };
        let outcome = line.run(&mut kernel)?;
        let events = kernel.take_events();
        self.steps.push(Step {
            line: line.clone(),
            made,
            outcome,
            events,
            after: kernel,
        });
        Ok(&self.steps[self.steps.len() - 1])
    }

    /// The state before a step.
    pub fn before(&self, step: usize) -> &Kernel {
        match step.checked_sub(1) {
            Some(last) => &self.steps[last].after,
            None => &self.start,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_keeps_its_own_state() {
        let script = Script::parse("socketpair stream\nclose 3\n= 0\nclose 3\n= 0").unwrap();
        let run = Run::of(&script, Arc::new(Settings::default())).unwrap();
        let pid = Pid(0);
        let open = |kernel: &Kernel| kernel.process(pid).descriptors.len();
        let before: Vec<usize> = (0..3).map(|step| open(run.before(step))).collect();
        let after: Vec<usize> = run.steps().iter().map(|step| open(&step.after)).collect();
        assert_eq!((before, after), (vec![0, 2, 1], vec![2, 1, 1]));
        let met: Vec<bool> = run.steps().iter().map(Step::is_as_expected).collect();
        assert_eq!(met, [true, true, false]);
        assert!(run.steps().iter().all(|step| !step.events.is_empty()));
    }

    #[test]
    fn in_the_middle_of_a_call_the_state_is_what_its_events_say() {
        let script = Script::parse("socketpair stream\nsend 3 \"hello\"\nclose 3\n").unwrap();
        let run = Run::of(&script, Arc::new(Settings::default())).unwrap();
        for (place, step) in run.steps().iter().enumerate() {
            let mut ends = (0, 0);
            for (number, event) in step.events.iter().enumerate() {
                let (before, after) = (run.behind(place, number), run.behind(place, number + 1));
                match event {
                    Event::Queued { sock, skb, .. } => {
                        let waits = |kernel: &Kernel| {
                            kernel.sock(*sock).queue.iter().any(|one| one.id == *skb)
                        };
                        assert_eq!((waits(&before), waits(&after)), (false, true));
                        ends.0 += 1;
                    }
                    Event::DescriptorClosed { pid, fd, .. } => {
                        assert!(before.descriptor(*pid, *fd).is_some());
                        assert!(after.descriptor(*pid, *fd).is_none());
                        ends.1 += 1;
                    }
                    Event::References {
                        file,
                        before: was,
                        after: is,
                    } => {
                        let of = |kernel: &Kernel| kernel.file(*file).references;
                        assert_eq!((of(&before), of(&after)), (*was, *is));
                    }
                    Event::Charged {
                        sock,
                        before: was,
                        after: is,
                    } => {
                        let of = |kernel: &Kernel| kernel.sock(*sock).charged;
                        assert_eq!((of(&before), of(&after)), (*was, *is));
                    }
                    _ => {}
                }
            }
            assert_eq!(ends, [(0, 0), (1, 0), (0, 1)][place]);
        }
    }
}
