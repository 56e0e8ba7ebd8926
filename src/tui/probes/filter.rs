//! Which rows are shown, and the words that say so. Pure.

use tui_input::Input;

use crate::probe::holders::Process;
use crate::render::probe::list::{Entry, Facets};

/// Which rows are shown: all that fit every field.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Only rows with this text, in whatever case.
    pub text: Input,
    /// Only where somebody listens.
    pub listening: Listening,
    /// Only what this process holds.
    pub process: Option<Process>,
    /// Only what belongs to this service: its slug and its name.
    pub service: Option<(String, String)>,
    /// Only this type.
    pub kind: Option<&'static str>,
}

/// Whether only those are shown where somebody listens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Listening {
    /// All are shown.
    #[default]
    All,
    /// Only those.
    Only,
}

impl Filter {
    /// What a process holds.
    pub fn of_process(process: Process) -> Self {
        Self {
            process: Some(process),
            ..Self::default()
        }
    }

    /// Whether both show the same rows.
    pub fn is_as(&self, other: &Self) -> bool {
        self.text.value() == other.text.value()
            && self.listening == other.listening
            && self.process == other.process
            && self.service == other.service
            && self.kind == other.kind
    }

    /// Whether all rows are shown.
    pub fn shows_all(&self) -> bool {
        self.is_as(&Self::default())
    }

    /// Tells for a row whether it is shown. Notes always are.
    pub fn sieve(&self) -> impl Fn(&Entry) -> bool {
        let wanted = self.text.value().to_lowercase();
        move |entry: &Entry| {
            let facets = &entry.facets;
            entry.is_note()
                || (self.listening == Listening::All || facets.listening)
                    && self.kind.is_none_or(|kind| facets.kind == kind)
                    && self.process.as_ref().is_none_or(|wanted| {
                        let mut holders = facets.processes.iter();
                        holders.any(|holder| holder.pid == wanted.pid)
                    })
                    && self
                        .service
                        .as_ref()
                        .is_none_or(|wanted| facets.service.as_ref() == Some(wanted))
                    && (wanted.is_empty() || entry.holds(&wanted))
        }
    }

    /// Shows only where somebody listens, or all again.
    pub fn turn_listening(&mut self) {
        self.listening = match self.listening {
            Listening::All => Listening::Only,
            Listening::Only => Listening::All,
        };
    }

    /// Goes to the next type that there is; all types after the last.
    pub fn turn_kind(&mut self, kinds: &[&'static str]) {
        self.kind = next(self.kind.as_ref(), kinds);
    }

    /// Goes to the process that holds the selected row, to the next one that holds it, and then
    /// to all. False when no process is known for it.
    pub fn turn_process(&mut self, selected: Option<&Facets>) -> bool {
        let holders = selected.map_or(&[][..], |facets| &facets.processes);
        if self.process.is_none() && holders.is_empty() {
            return false;
        }
        self.process = next(self.process.as_ref(), holders);
        true
    }

    /// Goes to the service of the selected row, and then to all. False when it has none.
    pub fn turn_service(&mut self, selected: Option<&Facets>) -> bool {
        let service = selected.and_then(|facets| facets.service.clone());
        self.service = match (&self.service, service) {
            (None, None) => return false,
            (None, service) => service,
            (Some(_), _) => None,
        };
        true
    }

    /// What is asked of the rows that are shown, the text excepted: a few words each.
    pub fn words(&self) -> Vec<String> {
        let mut words = Vec::new();
        if self.listening == Listening::Only {
            words.push("listening".to_owned());
        }
        words.extend(self.kind.map(|kind| format!("type {kind}")));
        if let Some(process) = &self.process {
            words.push(format!("process {} {}", process.comm, process.pid));
        }
        if let Some((_, name)) = &self.service {
            words.push(format!("service {name}"));
        }
        words
    }
}

/// What follows `now` among `all`; nothing after the last one.
fn next<T: Clone + PartialEq>(now: Option<&T>, all: &[T]) -> Option<T> {
    let Some(now) = now else {
        return all.first().cloned();
    };
    let place = all.iter().position(|one| one == now)?;
    all.get(place + 1).cloned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process(pid: u32) -> Process {
        Process {
            pid,
            comm: "sway".into(),
        }
    }

    #[test]
    fn every_holder_of_the_selected_row_has_its_turn_and_then_all() {
        let facets = Facets {
            processes: vec![process(1), process(2)],
            ..Facets::default()
        };
        let mut filter = Filter::default();
        let mut turns = Vec::new();
        for _ in 0..4 {
            assert!(filter.turn_process(Some(&facets)));
            turns.push(filter.process.as_ref().map(|process| process.pid));
        }
        assert_eq!(turns, [Some(1), Some(2), None, Some(1)]);
        let mut filter = Filter::default();
        assert!(!filter.turn_process(Some(&Facets::default())));
        assert!(!filter.turn_service(None));
    }

    #[test]
    fn a_process_that_no_longer_holds_the_selected_row_gives_way_to_all() {
        let mut filter = Filter::of_process(process(7));
        let facets = Facets {
            processes: vec![process(1)],
            ..Facets::default()
        };
        assert!(filter.turn_process(Some(&facets)));
        assert_eq!(filter.process, None);
    }
}
