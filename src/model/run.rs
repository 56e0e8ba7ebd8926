//! A script that ran on the model, call by call: each step with its events and the state behind it,
//! so that it can be looked at forwards and backwards.

use std::sync::Arc;

use super::event::Event;
use super::kernel::Kernel;
use super::outcome::Outcome;
use super::script::{Line, Mistake, Script};
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
    /// What its call came back with; `None`: it is no call.
    pub outcome: Option<Outcome>,
    /// What happened meanwhile, in this order.
    pub events: Vec<Event>,
    /// The state behind it.
    pub after: Kernel,
}

impl Step {
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
        let mut kernel = script.kernel(settings).with_events();
        kernel.take_events();
        let start = kernel.clone();
        let mut steps = Vec::new();
        for line in &script.lines {
            let outcome = line.run(&mut kernel)?;
            let events = kernel.take_events();
            steps.push(Step {
                line: line.clone(),
                outcome,
                events,
                after: kernel.clone(),
            });
        }
        Ok(Self { start, steps })
    }

    /// All steps.
    pub fn steps(&self) -> &[Step] {
        &self.steps
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
    use crate::model::id::Pid;

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
}
