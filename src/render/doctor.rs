//! Draws what `doctor` found. A thing that is here takes a line: what it is for, and what was seen.
//! One that is not whole says what was seen, and below it what it is for and how to get it.
//!
//! ```text
//! Kernel
//!   ✓ here     Landlock         keeping a checked program away from your files (ABI version 7)
//!   ✗ missing  user namespaces  unshare: EPERM
//!                for  experiments with other users and networks
//!                get  An administrator can allow them.
//! ```

use unicode_width::UnicodeWidthStr;

use super::markdown;
use super::text::{Line, Role, Text};
use crate::probe::machine::{Finding, Group, Machine, State};

/// The findings, for this many columns.
pub fn draw(machine: &Machine, width: usize) -> Text {
    let mut text = Text::new();
    let user = if machine.uid == 0 {
        "root".to_owned()
    } else {
        format!("user {}", machine.uid)
    };
    text.line(Line::of(Role::Heading, "This machine").with(
        Role::Plain,
        format!(
            " · {} · {} · as {user}",
            machine.kernel, machine.architecture
        ),
    ));
    let name = machine
        .findings
        .iter()
        .map(|finding| finding.name.width())
        .max()
        .unwrap_or(0);
    for group in Group::ALL {
        let mut findings = machine
            .findings
            .iter()
            .filter(|finding| finding.group == group)
            .peekable();
        if findings.peek().is_none() {
            continue;
        }
        text.blank();
        text.line(Line::of(Role::Subheading, title(group)));
        for finding in findings {
            text.append(one(finding, name, width));
        }
    }
    text.blank();
    text.line(summary(&machine.findings));
    text
}

fn one(finding: &Finding, name: usize, width: usize) -> Text {
    let (sign, word, role) = mark(finding.state);
    let mut text = Text::new();
    let indent = 2 + 2 + 10 + name + 2;
    let mut line = Line::of(Role::Plain, "  ");
    line.push(role, format!("{sign} {word:<10}"))
        .push(Role::Strong, finding.name)
        .push(Role::Plain, " ".repeat(name - finding.name.width() + 2));
    if finding.state == State::Here {
        let words = format!("{} ({})", finding.needed_for, finding.detail);
        under(&mut text, line, Role::Plain, &words, indent, width);
    } else {
        under(&mut text, line, Role::Plain, &finding.detail, indent, width);
        let rest = [
            ("for  ", finding.needed_for),
            ("get  ", finding.get.as_str()),
        ];
        for (label, words) in rest.into_iter().filter(|(_, words)| !words.is_empty()) {
            let lead = Line::of(Role::Plain, " ".repeat(14)).with(Role::Dim, label);
            under(&mut text, lead, Role::Dim, words, 14 + label.len(), width);
        }
    }
    text
}

/// Words behind a lead, folded below their own first column.
fn under(text: &mut Text, lead: Line, role: Role, words: &str, indent: usize, width: usize) {
    let mut lead = Some(lead);
    for line in markdown::paragraph(role, words, width.saturating_sub(indent).max(24)).lines {
        let mut out = lead
            .take()
            .unwrap_or_else(|| Line::of(Role::Plain, " ".repeat(indent)));
        out.spans.extend(line.spans);
        text.line(out);
    }
    if let Some(lead) = lead {
        text.line(lead);
    }
}

fn title(group: Group) -> &'static str {
    match group {
        Group::Languages => "Languages",
        Group::Tools => "Tools",
        Group::Kernel => "Kernel",
        Group::Places => "Places",
        Group::Terminal => "Terminal",
    }
}

fn mark(state: State) -> (char, &'static str, Role) {
    match state {
        State::Here => ('✓', "here", Role::Good),
        State::Limited => ('!', "limited", Role::Warning),
        State::Missing => ('✗', "missing", Role::Bad),
        State::NotTried => ('–', "not tried", Role::Dim),
    }
}

fn summary(findings: &[Finding]) -> Line {
    let count = |state| {
        findings
            .iter()
            .filter(|finding| finding.state == state)
            .count()
    };
    Line::of(
        Role::Plain,
        format!(
            "{} here, {} limited, {} missing, {} not tried.",
            count(State::Here),
            count(State::Limited),
            count(State::Missing),
            count(State::NotTried)
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(state: State) -> Finding {
        Finding {
            id: "x",
            name: "Landlock",
            group: Group::Kernel,
            state,
            detail: "ABI version 7".to_owned(),
            needed_for: "keeping a program away from files that it has no business with at all",
            get: "Ask an administrator.".to_owned(),
        }
    }

    fn drawn(state: State, width: usize) -> String {
        let machine = Machine {
            schema: "ipc-mastery/doctor/1",
            kernel: "Linux 6.18".to_owned(),
            architecture: "x86_64".to_owned(),
            uid: 1000,
            findings: vec![finding(state)],
        };
        draw(&machine, width).plain()
    }

    #[test]
    fn what_is_here_is_one_paragraph() {
        assert_eq!(
            drawn(State::Here, 100),
            "This machine · Linux 6.18 · x86_64 · as user 1000\n\
             \n\
             Kernel\n\
             \x20 ✓ here      Landlock  keeping a program away from files that it has no business with \
             at all (ABI\n\
             \x20                       version 7)\n\
             \n\
             1 here, 0 limited, 0 missing, 0 not tried.\n"
        );
    }

    #[test]
    fn what_is_missing_says_what_for_and_how_to_get_it_within_the_width() {
        let text = drawn(State::Missing, 60);
        assert!(text.lines().all(|line| line.width() <= 60), "{text}");
        let expected = [
            "  ✗ missing   Landlock  ABI version 7
",
            "              for  keeping a program away from files that it
",
            "                   has no business with at all
",
            "              get  Ask an administrator.
",
        ]
        .concat();
        assert!(text.contains(&expected), "{text}");
    }
}
