//! What is known of a variable.

use super::super::env::address;
use super::Page;
use crate::probe::env::{Env, Variable};
use crate::render::text::{Line, Role};

pub(super) fn tell(page: &mut Page<'_>, seen: &Env, variable: &Variable) {
    page.title(Line::of(Role::Heading, variable.name.as_str()));
    page.say(Role::Plain, &variable.meaning);
    match &variable.value {
        Some(value) if variable.masked => {
            page.fact("value", &format!("It is set to {value}; a part is hidden."));
        }
        Some(value) => page.fact("value", &format!("It is set to {value}.")),
        None => page.fact(
            "value",
            "It is not set; programs look at the usual place then.",
        ),
    }
    for endpoint in &variable.endpoints {
        let role = match endpoint.state {
            state if state.answers() => Role::Good,
            state if state.fails() => Role::Bad,
            _ => Role::Plain,
        };
        let state = endpoint.state.words();
        match &endpoint.address {
            Some(at) => page.fact_as(role, "leads to", &format!("{}: {state}.", address(at))),
            None => page.fact_as(role, "leads to", &format!("No address here: {state}.")),
        }
        if let Some(note) = &endpoint.note {
            page.fact("", note);
        }
        if let (Some(false), Some(uid)) = (endpoint.yours, endpoint.uid) {
            let user = endpoint.user.as_ref().map(ToString::to_string);
            let user = user.unwrap_or_else(|| format!("uid {uid}"));
            page.fact_as(Role::Warning, "whose", &format!("It belongs to {user}."));
        }
        page.service(endpoint.service.as_ref());
        if let Some(holders) = &endpoint.holders {
            page.holders("held by", holders);
        }
        if let Some(inode) = endpoint.inode {
            page.socket("it leads to", inode);
        }
    }
    for finding in &seen.findings {
        if !finding.variables.contains(&variable.name) {
            continue;
        }
        page.fact_as(Role::Bad, "wrong", &finding.title);
        page.fact("", &finding.reason);
        for mend in &finding.mends {
            page.fact_as(Role::Note, "mend", &format!("{}:", mend.purpose));
            for command in &mend.commands {
                page.fact_as(Role::Code, "", command);
            }
        }
    }
}
