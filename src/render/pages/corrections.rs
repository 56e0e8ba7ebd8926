//! The corrections as markdown: by their homes, lessons first.

use super::Medium;
use crate::curriculum::Curriculum;
use crate::curriculum::correction::{Correction, Home};
use crate::curriculum::pages::Pages;

/// The whole page.
pub fn corrections(pages: &Pages, curriculum: &Curriculum, medium: Medium<'_>) -> String {
    let all = &pages.corrections;
    let mut out = format!(
        "# Corrections\n\nWhat is often said of IPC on Linux, and what is so: {} sentences. Where a \
         lesson is named, its experiment shows the fact on your own kernel, or the lesson names the \
         manual page: `ipc-mastery try --all` tells of each claim whether it holds.{}\n",
        all.corrections.len(),
        medium.search(),
    );
    let mut section = |title: String, entries: Vec<(&Correction, String)>| {
        if entries.is_empty() {
            return;
        }
        out += &format!("\n## {title}\n");
        for (correction, shown) in entries {
            out += &format!(
                "\n**Often said:** {}  \n**In fact:** {}  \n{shown}\n",
                correction.believed.trim(),
                correction.fact.trim(),
            );
        }
    };
    let read_on = |correction: &Correction| match &correction.reference {
        Some(page) => format!(" Read {}.", medium.page(page)),
        None => String::new(),
    };
    for lesson in curriculum.lessons() {
        let entries = all.corrections.iter().filter_map(|correction| {
            let Home::Lesson { lesson: of, claims } = &correction.home else {
                return None;
            };
            let claims: Vec<String> = claims.iter().map(|it| format!("`{}`", it.value)).collect();
            let noun = if claims.len() == 1 { "Claim" } else { "Claims" };
            let shown = format!("{noun} {}.{}", claims.join(", "), read_on(correction));
            (of.value == lesson.slug).then_some((correction, shown))
        });
        let place = medium.lesson(&lesson.slug, curriculum).unwrap_or_default();
        let title = match medium {
            Medium::Terminal { .. } => format!("{}: {place}", lesson.title),
            Medium::Screen | Medium::Book => format!("Shown by the {place}"),
        };
        section(title, entries.collect());
    }
    for exercise in &curriculum.exercises {
        let entries = all.corrections.iter().filter_map(|correction| {
            let Home::Exercise {
                exercise: of,
                diagnosis,
            } = &correction.home
            else {
                return None;
            };
            let shown = match diagnosis {
                Some(diagnosis) => format!("Diagnosis `{}`.", diagnosis.value),
                None => "You meet it there.".to_owned(),
            };
            (of.value == exercise.slug)
                .then(|| (correction, format!("{shown}{}", read_on(correction))))
        });
        let title = format!("Met in exercise {}: {}", exercise.number, exercise.title);
        section(title, entries.collect());
    }
    let traced = all.corrections.iter().filter_map(|correction| {
        let Home::Trace(trace) = &correction.home else {
            return None;
        };
        let shown = match medium {
            Medium::Terminal { .. } | Medium::Screen => {
                "Shown in `ipc-mastery read quick-reference`"
            }
            Medium::Book => "Shown in the [quick reference](quick-reference.md#traces)",
        };
        let mut traces = pages.quick_reference.traces.iter();
        let title = traces.find(|it| it.id.value == trace.value);
        let title = title.map_or(trace.value.as_str(), |it| it.title.as_str());
        let shown = format!("{shown}: {title}.{}", read_on(correction));
        Some((correction, shown))
    });
    section("Shown by strace".to_owned(), traced.collect());
    for later in &all.later {
        let entries = all.corrections.iter().filter_map(|correction| {
            let shown = match &correction.reference {
                Some(page) => format!("Until then, read {}.", medium.page(page)),
                None => "No lesson shows it yet.".to_owned(),
            };
            matches!(&correction.home, Home::Later(of) if of.value == later.name.value)
                .then_some((correction, shown))
        });
        let title = format!("For a later lesson: {}", later.title);
        section(title, entries.collect());
    }
    out
}
