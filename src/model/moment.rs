//! Moments of a run: before a call, behind each thing that happens in it, and when it is back; the
//! way from one to the next, forwards and backwards.

use super::kernel::Kernel;
use super::run::Run;

/// A moment of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment {
    /// The step: a line of the script.
    pub step: usize,
    /// Behind so many of its events. Behind the last one the call is back; one without events is
    /// back at 1.
    pub behind: usize,
}

impl Run {
    /// The moment at which a step is over.
    pub fn end_of(&self, step: usize) -> Moment {
        let events = self.steps().get(step).map_or(0, |step| step.events.len());
        Moment {
            step,
            behind: events.max(1),
        }
    }

    /// Whether the call of a moment is back.
    pub fn is_back(&self, moment: Moment) -> bool {
        moment.step < self.steps().len() && moment >= self.end_of(moment.step)
    }

    /// The state at a moment.
    pub fn at(&self, moment: Moment) -> Kernel {
        if moment.step >= self.steps().len() {
            return self.before(self.steps().len()).clone();
        }
        if self.is_back(moment) {
            return self.steps()[moment.step].after.clone();
        }
        self.behind(moment.step, moment.behind)
    }

    /// The next moment.
    pub fn later(&self, moment: Moment) -> Option<Moment> {
        if !self.is_back(moment) {
            let within = moment.step < self.steps().len();
            return within.then_some(Moment {
                behind: moment.behind + 1,
                ..moment
            });
        }
        self.call_behind(moment)
    }

    /// Before the call that follows.
    fn call_behind(&self, moment: Moment) -> Option<Moment> {
        let step = moment.step + 1;
        (step < self.steps().len()).then_some(Moment { step, behind: 0 })
    }

    /// The moment before.
    pub fn earlier(&self, moment: Moment) -> Option<Moment> {
        if let Some(behind) = moment.behind.checked_sub(1) {
            return Some(Moment { behind, ..moment });
        }
        Some(self.end_of(moment.step.checked_sub(1)?))
    }

    /// When the call is back; if it is, when the next one is.
    pub fn next_back(&self, moment: Moment) -> Option<Moment> {
        match self.is_back(moment) {
            false if moment.step < self.steps().len() => Some(self.end_of(moment.step)),
            _ => Some(self.end_of(self.call_behind(moment)?.step)),
        }
    }

    /// When the call before was back; before the first call there is only its beginning.
    pub fn previous_back(&self, moment: Moment) -> Option<Moment> {
        match moment.step.checked_sub(1) {
            Some(step) => Some(self.end_of(step)),
            None => (moment.behind > 0).then(Moment::default),
        }
    }

    /// The last moment of all.
    pub fn last(&self) -> Moment {
        match self.steps().len().checked_sub(1) {
            Some(step) => self.end_of(step),
            None => Moment::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::model::script::Script;
    use crate::model::settings::Settings;

    fn run(source: &str) -> Run {
        let script = Script::parse(source).unwrap();
        Run::of(&script, Arc::new(Settings::default())).unwrap()
    }

    #[test]
    fn the_way_forwards_is_the_way_backwards() {
        let run = run("socketpair stream\nget-cloexec 3\nclose 9\nsend 3 \"x\"\n");
        let mut moments = vec![Moment::default()];
        while let Some(next) = run.later(moments[moments.len() - 1]) {
            moments.push(next);
        }
        let last = moments[moments.len() - 1];
        assert_eq!(last, run.last());
        let mut back = vec![last];
        while let Some(earlier) = run.earlier(back[back.len() - 1]) {
            back.push(earlier);
        }
        back.reverse();
        assert_eq!(moments, back);
        // Each call is announced, and has come back.
        for step in 0..4 {
            assert!(moments.contains(&Moment { step, behind: 0 }));
            assert!(moments.contains(&run.end_of(step)));
        }
    }

    #[test]
    fn whole_calls_end_where_their_events_end() {
        let run = run("socketpair stream\nget-cloexec 3\nsend 3 \"x\"\n");
        let mut moment = Moment { step: 0, behind: 2 };
        let mut ends = Vec::new();
        while let Some(next) = run.next_back(moment) {
            moment = next;
            ends.push(moment.step);
            assert!(run.is_back(moment));
        }
        assert_eq!(ends, [0, 1, 2]);
        while let Some(previous) = run.previous_back(moment) {
            moment = previous;
        }
        assert_eq!(moment, Moment::default());
        let early = run.at(Moment { step: 2, behind: 0 });
        assert!(early.socks().all(|(_, sock)| sock.queue.is_empty()));
    }

    #[test]
    fn a_run_without_calls_has_one_moment() {
        let run = run("");
        let only = Moment::default();
        let ways = [
            run.later(only),
            run.earlier(only),
            run.next_back(only),
            run.previous_back(only),
        ];
        assert_eq!(ways, [None; 4]);
        assert!(!run.is_back(only));
        assert_eq!(run.at(run.last()).processes().count(), 1);
    }
}
