//! Whether two answers are the same, where the kernel leaves something open: names that it draws, and
//! credentials of which only a part fitted.

use std::collections::BTreeMap;

use crate::model::address::Name;
use crate::model::outcome::{Answer, ControlMessage, Outcome};

/// Length of a name that the kernel draws: a zero and five hexadecimal digits.
const DRAWN: usize = 6;

/// Names that both drew, side by side.
#[derive(Clone, Debug, Default)]
pub struct Names {
    of_model: BTreeMap<Name, Name>,
    of_linux: BTreeMap<Name, Name>,
}

impl Names {
    /// What Linux drew where the model drew this.
    pub fn of_linux(&self, model: &Name) -> Option<&Name> {
        self.of_model.get(model)
    }

    fn same(&mut self, model: Option<&Name>, linux: Option<&Name>) -> bool {
        let (Some(model), Some(linux)) = (model, linux) else {
            return model.is_none() && linux.is_none();
        };
        if model == linux && !self.of_model.contains_key(model) {
            return true;
        }
        if !(drawn(model) && drawn(linux)) {
            return false;
        }
        // Each means one of the other side, and always the same.
        let known = self
            .of_model
            .entry(model.clone())
            .or_insert_with(|| linux.clone());
        let back = self
            .of_linux
            .entry(linux.clone())
            .or_insert_with(|| model.clone());
        known == linux && back == model
    }
}

fn drawn(name: &Name) -> bool {
    name.bytes.len() == DRAWN
        && name.bytes[0] == 0
        && name.bytes[1..].iter().all(u8::is_ascii_hexdigit)
}

/// Whether the model's answer is that of Linux.
pub fn same(model: &Outcome, linux: &Outcome, names: &mut Names) -> bool {
    match (model, linux) {
        (Outcome::Done(Answer::Name(model)), Outcome::Done(Answer::Name(linux))) => {
            names.same(model.as_ref(), linux.as_ref())
        }
        (Outcome::Done(Answer::Received(model)), Outcome::Done(Answer::Received(linux))) => {
            model.count == linux.count
                && model.data == linux.data
                && model.flags == linux.flags
                && model.control_len == linux.control_len
                && names.same(model.from.as_ref(), linux.from.as_ref())
                && model.control.len() == linux.control.len()
                && model
                    .control
                    .iter()
                    .zip(&linux.control)
                    .all(|(model, linux)| same_message(model, linux))
        }
        _ => model == linux,
    }
}

fn same_message(model: &ControlMessage, linux: &ControlMessage) -> bool {
    let (
        ControlMessage::Credentials { of: a, fit },
        ControlMessage::Credentials { of: b, fit: other },
    ) = (model, linux)
    else {
        return model == linux;
    };
    fit == other
        && (*fit < 4 || a.pid == b.pid)
        && (*fit < 8 || a.uid == b.uid)
        && (*fit < 12 || a.gid == b.gid)
}
