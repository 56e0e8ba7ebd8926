//! What is seen when a step has failed: everything a diagnosis may ask about.

use super::{ENDING_MS, Failed, Purpose, Runner, STEP_MS, StageError, Trouble};
use crate::check::blame;
use crate::check::observation::{self, Address, LineState, Observation, OutputState, ProgramState};
use crate::check::protocol::Order;
use crate::check::verdict::{Event, Side};
use crate::check::wording;
use crate::curriculum::exercise::{Names, Stage};
use crate::curriculum::scenario::{FIRST, Step};
use crate::sys::clock::now_us;
use crate::untrusted::Untrusted;

impl Runner<'_> {
    /// All that can be seen about a step that failed.
    pub(super) fn trouble(
        &mut self,
        stage: &Stage,
        index: usize,
        step: &Step,
        failed: Failed,
        began_us: u64,
    ) -> Result<Trouble, StageError> {
        let waited_ms = (now_us() - began_us) / 1000;
        let mut observation = Observation {
            stage: stage.id.value.clone(),
            step: wording::verb(&step.action).to_owned(),
            outcome: failed.outcome,
            first_nul: -1,
            found_at: -1,
            queue: self.queue,
            instance: ProgramState::absent(),
            program: ProgramState::absent(),
            second: ProgramState::absent(),
            address: Address {
                wanted: self.program_type().word(),
                ..self.look_at_address()
            },
            ..Observation::default()
        };
        let mut stderr = Vec::new();
        let names: Vec<String> = self.cpu_before.keys().cloned().collect();
        for name in names {
            if matches!(failed.outcome, "end" | "reset" | "errno") {
                let sleeps = Order::AwaitSleep {
                    name: name.clone(),
                    within_ms: STEP_MS,
                };
                self.order(&sleeps, STEP_MS)?;
                let ends = Order::AwaitExit {
                    name: name.clone(),
                    within_ms: ENDING_MS,
                };
                self.order(&ends, ENDING_MS)?;
            }
            let seen = self.look(&name)?;
            if let Some(excess) = seen.excess {
                observation.limit = excess.into();
            }
            let cpu_before = self.cpu_before.get(&name).copied().unwrap_or(0);
            let mut state = ProgramState::from_seen(&seen, cpu_before, waited_ms);
            state.connections_open = self.connections.len();
            state.syscall_fd_peer = self.connection_of(seen.syscall_fd_peer.into())?;
            if name == failed.name {
                stderr = observation::last_lines(&Untrusted::from(&seen.stderr), 12);
                if let (Some((line, stream)), Some(deed)) = (&failed.line, &failed.deed) {
                    observation.line = LineState::new(line, *stream, deed, &seen);
                }
            }
            if name == failed.name {
                observation.instance = state.clone();
                observation.output = OutputState::from_seen(&seen);
            }
            if name == FIRST {
                observation.program = state;
            } else {
                observation.second = state;
            }
        }
        observation.memory = failed.memory.unwrap_or_default();
        observation.file = failed.file;
        observation.wakeups = failed.wakeups;
        observation.children = failed.children;
        observation.entry = failed.entry;
        if let Some(found) = &failed.found {
            observation.line.got = Untrusted::from(found).to_string();
        }
        if let Some(about) = failed.listed {
            observation.socket = about.socket;
            observation.line = about.line;
            observation.table = about.table;
        }
        observation.filters = self.filters()?;
        if let Some(deed) = &failed.deed {
            observation = observation.with_outcome(deed);
            observation.descriptor.same_as = failed.same_as;
        }
        observation.leftovers = failed
            .leftovers
            .iter()
            .map(|left| left.what.clone())
            .collect();
        // Under strace, the call would be strace's own.
        let program = &observation.program;
        let in_a_call = program.running && !program.syscall.is_empty();
        if in_a_call && !matches!(self.setting.purpose, Purpose::Trace(_)) {
            self.timeline.push(Event {
                at_us: now_us().saturating_sub(self.began_us),
                side: Side::Program,
                what: wording::waits(program),
            });
        }
        blame::settle(&mut observation);
        Ok(Trouble {
            index,
            seen: observation,
            outcome: failed.deed,
            stderr,
        })
    }

    /// What stands where clients would go.
    fn look_at_address(&self) -> Address {
        let path = &self.place.address;
        match self.setting.exercise.names {
            Names::Path => Address::look(path),
            Names::Abstract => {
                let name = self.place.name.as_bytes();
                Address::look_for_abstract(name, self.program_type(), path)
            }
        }
    }

    /// A program that crashed after the last step, or used too much, has not passed.
    pub(super) fn crash_at_the_end(
        &mut self,
        stage: &Stage,
    ) -> Result<Option<Trouble>, StageError> {
        let Some(step) = stage.steps.last() else {
            return Ok(None);
        };
        for name in self.cpu_before.keys().cloned().collect::<Vec<_>>() {
            let seen = self.look(&name)?;
            if seen.excess.is_some() || (seen.signal.is_some() && !seen.killed_by_us) {
                let failed = Failed::new("exited", &name);
                let index = stage.steps.len() - 1;
                return self.trouble(stage, index, step, failed, now_us()).map(Some);
            }
        }
        Ok(None)
    }
}
