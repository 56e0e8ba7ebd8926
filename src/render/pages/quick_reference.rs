//! The quick reference as markdown.

use super::Medium;
use crate::curriculum::Curriculum;
use crate::curriculum::quick_reference::{Area, Call, Function, QuickReference, Trace};
use crate::experiment::judgement::ident_url;

/// The whole page.
pub fn quick_reference(
    reference: &QuickReference,
    curriculum: &Curriculum,
    medium: Medium<'_>,
) -> String {
    let mut out = format!(
        "# Quick reference\n\nCalls with the least code that is right, what strace shows, and where \
         things are in the kernel's source.{}\n\n## Calls\n\nThe code is C. Each piece compiles by \
         itself and is run by a test. A function returns -1 on failure, with errno set, unless it is \
         said otherwise.\n",
        medium.search()
    );
    for one in &reference.calls {
        out += &format!("\n{}\n", call(one, curriculum, medium));
    }
    out += "\n## Traces\n\n`PROGRAM` is a server that starts its own client, `CLIENT` a client alone, `WRITER` a \
            program that writes where nobody reads, `SHOW-PID` one that looks at its pid, and `PID` a server \
            that runs. A test runs each command on such a program.\n";
    for one in &reference.traces {
        out += &format!("\n{}\n", trace(one));
    }
    out += &format!(
        "\n## The kernel's source\n\n{}\n",
        source_note(reference, medium)
    );
    for one in &reference.areas {
        out += &format!("\n{}", area(one, medium));
    }
    out
}

/// One call: what is to be known, and the least code that is right.
pub fn call(call: &Call, curriculum: &Curriculum, medium: Medium<'_>) -> String {
    let pages: Vec<String> = call.pages.iter().map(|page| medium.page(page)).collect();
    let lesson = call.lesson.as_ref();
    let lesson = lesson.and_then(|it| medium.lesson(&it.value, curriculum));
    let places: Vec<String> = pages.into_iter().chain(lesson).collect();
    format!(
        "### {}\n\n{}\n\n```c\n{}\n```\n\nSee {}.",
        call.title,
        call.says.trim(),
        call.code.trim_matches('\n'),
        places.join(", "),
    )
}

/// One way to run strace, and what it shows.
pub fn trace(trace: &Trace) -> String {
    let mut seen = Vec::new();
    for (words, label) in [(&trace.shows, "Shows"), (&trace.lacks, "Does not show")] {
        if !words.is_empty() {
            let words: Vec<String> = words.iter().map(|it| format!("`{it}`")).collect();
            seen.push(format!("{label}: {}.", words.join(", ")));
        }
    }
    format!(
        "### {}\n\n```sh\n{}\n```\n\n{}\n\n{}",
        trace.title,
        trace.command.trim(),
        trace.says.trim(),
        seen.join(" ")
    )
}

/// Functions of the kernel that belong together.
pub fn area(area: &Area, medium: Medium<'_>) -> String {
    let mut out = format!(
        "### {}\n\n| function | file | what it does |\n|---|---|---|\n",
        area.title
    );
    for function in &area.functions {
        out += &format!(
            "| {} | {} | {} |\n",
            medium.ident(&function.ident.value),
            function.file,
            function_says(function)
        );
    }
    out
}

fn source_note(reference: &QuickReference, medium: Medium<'_>) -> String {
    let checked = reference.checked.join(", ");
    let place = match medium {
        Medium::Terminal { release } => format!(
            "Read one at `{}`, with its name in place of NAME: that is the source of your release.",
            ident_url("NAME", Some(release))
        ),
        Medium::Screen | Medium::Book => {
            "Each name leads to the newest source. To read that of your own kernel, \
                         write `v6.12`, say, in place of `latest` in the address."
                .to_owned()
        }
    };
    format!(
        "{place} Every name was looked up in the symbols of Linux {checked}, except those that the \
         compiler puts into their callers; these stand with an asterisk and have no symbol there."
    )
}

fn function_says(function: &Function) -> String {
    let mut says = function.says.trim().to_owned();
    if let Some(range) = &function.range {
        says += &match (&range.since, &range.until) {
            (Some(since), None) => format!(" Since {since}. {}", range.otherwise),
            (None, Some(until)) => format!(" Until {until}. {}", range.otherwise),
            (Some(since), Some(until)) => format!(" From {since} to {until}. {}", range.otherwise),
            (None, None) => String::new(),
        };
    }
    if function.inlined {
        says += " \\*";
    }
    says
}
