//! Moves about what a program prints.

use super::talk::unexpected;
use super::{Failed, Runner, StageError, Stepped};
use crate::check::protocol::{Answer, Bytes, Deed, DeedResult, Order};
use crate::curriculum::expression;
use crate::curriculum::scenario::{Payload, Printed};

impl Runner<'_> {
    /// Waits for the end of standard output, and compares.
    pub(super) fn expect_output(&mut self, name: &str, data: &Payload, within_ms: u64) -> Stepped {
        let order = Order::AwaitOutput {
            name: name.to_owned(),
            data: self.draw(data.clone()),
            within_ms,
        };
        let outcome = match self.order(&order, within_ms)? {
            Answer::Output(outcome) => *outcome,
            other => return Err(unexpected(&other)),
        };
        let failed = match outcome.result {
            DeedResult::Done => return Ok(Ok(())),
            DeedResult::Mismatch => "mismatch",
            DeedResult::Extra => "extra",
            DeedResult::End => "end",
            _ => "timeout",
        };
        Ok(Err(Failed {
            deed: Some(outcome),
            ..Failed::new(failed, name)
        }))
    }

    pub(super) fn expect_line(
        &mut self,
        name: &str,
        connection: &str,
        stream: Printed,
        text: &str,
        within_ms: u64,
    ) -> Stepped {
        let identity = Deed::Read {
            connection: connection.to_owned(),
            bytes: Some(0),
            within_ms,
        };
        let outcome = self.deed(connection, &identity, within_ms)?;
        let line = expression::fill(
            text,
            &serde_json::json!({ "peer": outcome.me, "queue": self.queue }),
        )
        .map_err(|error| StageError::Fault(error.to_string()))?;
        let order = Order::AwaitLine {
            name: name.to_owned(),
            stream,
            line: Bytes(line.clone().into_bytes()),
            within_ms,
        };
        let failed = match self.order(&order, within_ms)? {
            Answer::Done => return Ok(Ok(())),
            Answer::Ended => "exited",
            _ => "line-missing",
        };
        let seen = self.look(name)?;
        let printed = match stream {
            Printed::Stdout => seen.stdout.0.contains(&b'\n'),
            Printed::Stderr => seen.stderr.0.contains(&b'\n'),
        };
        let failed = if failed == "line-missing" && printed {
            "line-different"
        } else {
            failed
        };
        Ok(Err(Failed {
            deed: Some(outcome),
            line: Some((line, stream)),
            ..Failed::new(failed, name)
        }))
    }

    pub(super) fn expect_no_line(&mut self, name: &str, stream: Printed, starts: &str) -> Stepped {
        let seen = self.look(name)?;
        let printed = match stream {
            Printed::Stdout => &seen.stdout,
            Printed::Stderr => &seen.stderr,
        };
        let mut lines = printed.0.split(|&byte| byte == b'\n');
        let Some(found) = lines.find(|line| line.starts_with(starts.as_bytes())) else {
            return Ok(Ok(()));
        };
        let mut failed = Failed::new("line-there", name);
        failed.found = Some(Bytes(found.to_vec()));
        Ok(Err(failed))
    }
}
