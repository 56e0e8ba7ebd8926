//! Search over all titles and texts: what was typed in, what was found out. Pure.

use tui_input::Input;

use super::path::Node;
use super::reference::entries::{self, Tab};
use super::scroll::Scroll;
use crate::curriculum::Curriculum;
use crate::curriculum::lesson::{Block, Lesson};
use crate::curriculum::pages::Pages;

/// A search.
#[derive(Clone, Debug, Default)]
pub struct Search {
    /// What was typed.
    pub field: Input,
    /// What was found, best first.
    pub hits: Vec<Hit>,
    /// Which of them is selected.
    pub selected: usize,
    /// The first that is shown.
    pub scroll: Scroll,
}

/// What of the reference pages is searched, with its markdown taken off once.
#[derive(Clone, Debug, Default)]
pub struct Shelf(Vec<Volume>);

#[derive(Clone, Debug)]
struct Volume {
    node: Node,
    place: &'static str,
    title: String,
    text: String,
}

impl Shelf {
    /// Every entry of every page.
    pub fn new(pages: &Pages, curriculum: &Curriculum) -> Self {
        let mut volumes = Vec::new();
        for tab in Tab::ALL {
            let entries = entries::of(tab, pages, curriculum).into_iter().enumerate();
            volumes.extend(entries.map(|(place, entry)| Volume {
                node: Node::Entry(tab, place),
                place: tab.kind(),
                text: words_of(&entry.markdown),
                title: entry.title,
            }));
        }
        Self(volumes)
    }
}

/// Something that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hit {
    /// Where it leads.
    pub node: Node,
    /// Its title.
    pub title: String,
    /// What kind of thing it is, and where: a few words.
    pub place: String,
    /// The words around what was searched.
    pub excerpt: String,
    /// Whether the title holds what was searched.
    pub in_title: bool,
}

impl Search {
    /// Searches again for what the field holds.
    pub fn again(&mut self, curriculum: &Curriculum, shelf: &Shelf) {
        self.hits = find(curriculum, shelf, self.field.value());
        self.selected = 0;
        self.scroll = Scroll::default();
    }

    /// Moves the selection by so many hits, of which `rows` are shown.
    pub fn step(&mut self, by: isize, rows: usize) {
        let last = self.hits.len().saturating_sub(1);
        self.selected = self.selected.saturating_add_signed(by).min(last);
        self.scroll.reveal(self.selected, self.selected + 1, rows);
    }
}

/// Everything that holds all words of `wanted`, in whatever order and case; titles first.
pub fn find(curriculum: &Curriculum, shelf: &Shelf, wanted: &str) -> Vec<Hit> {
    let words: Vec<String> = wanted.split_whitespace().map(str::to_lowercase).collect();
    if words.is_empty() {
        return Vec::new();
    }
    let mut hits = Vec::new();
    let mut look = |node: Node, place: String, title: &str, text: &str| {
        let whole = format!("{title}\n{text}").to_lowercase();
        if words.iter().all(|word| whole.contains(word)) {
            let lower = title.to_lowercase();
            hits.push(Hit {
                node,
                title: title.to_owned(),
                place,
                excerpt: excerpt(text, &words),
                in_title: words.iter().any(|word| lower.contains(word)),
            });
        }
    };
    for module in &curriculum.modules {
        let node = Node::Module(module.slug.clone());
        look(node, "module".to_owned(), &module.title, &module.summary);
        for lesson in &module.lessons {
            let node = Node::Lesson(lesson.slug.clone());
            let place = format!("lesson, {}", module.title);
            look(node, place, &lesson.title, &lesson_text(lesson));
        }
    }
    for exercise in &curriculum.exercises {
        let stages = exercise.stages.iter();
        let stages: Vec<String> = stages
            .map(|stage| format!("{}\n{}", stage.title, stage.tests))
            .collect();
        let text = format!(
            "{}\n{}\n{}",
            exercise.summary,
            words_of(&exercise.task),
            stages.join("\n")
        );
        let node = Node::Exercise(exercise.slug.clone());
        let place = format!("exercise {}", exercise.number);
        look(node, place, &exercise.title, &text);
    }
    for level in &curriculum.path.levels {
        for outcome in &level.outcomes {
            let node = Node::Outcome(outcome.id.clone());
            let place = format!("outcome, {}", level.name);
            look(node, place, &outcome.id, &outcome.text);
        }
    }
    for task in &curriculum.tasks {
        let node = Node::Task(task.slug.clone());
        let place = format!("task, {}", task.kind.word());
        look(node, place, &task.title, &words_of(&task.intro));
    }
    for volume in &shelf.0 {
        let place = volume.place.to_owned();
        look(volume.node.clone(), place, &volume.title, &volume.text);
    }
    hits.sort_by_key(|hit| !hit.in_title);
    hits
}

/// What of a lesson may be searched: no quiz answers, no predictions.
fn lesson_text(lesson: &Lesson) -> String {
    let mut text = format!("{}\n", lesson.asks);
    for block in &lesson.blocks {
        if let Block::Markdown(markdown) = block {
            text += &words_of(markdown);
            text.push('\n');
        }
    }
    for ident in &lesson.idents {
        text += &ident.value;
        text.push('\n');
    }
    text
}

/// Markdown without the signs that set it: for searching and for excerpts.
fn words_of(markdown: &str) -> String {
    let mut out = String::with_capacity(markdown.len());
    for line in without_slots(markdown).lines() {
        let rule = |c: char| matches!(c, '|' | '-' | ':' | ' ');
        if line.contains('-') && line.chars().all(rule) {
            continue;
        }
        let line = line.trim_start_matches(['#', '>', ' ']);
        out.extend(
            line.chars()
                .filter(|letter| !matches!(letter, '`' | '*' | '|')),
        );
        out.push('\n');
    }
    out
}

/// Markdown with `…` for what only a run of the lesson can fill in. A slot that names an identifier
/// of the kernel's source becomes that name.
fn without_slots(markdown: &str) -> String {
    let mut out = String::with_capacity(markdown.len());
    let mut rest = markdown;
    while let Some((before, after)) = rest.split_once("{{") {
        let Some((slot, after)) = after.split_once("}}") else {
            break;
        };
        out += before;
        out += slot.trim().strip_prefix("ident ").map_or("…", str::trim);
        rest = after;
    }
    out + rest
}

/// Some words around the first of `words` that the text holds.
fn excerpt(text: &str, words: &[String]) -> String {
    const BEFORE: usize = 24;
    const AFTER: usize = 90;
    let flat: Vec<char> = text
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .chars()
        .collect();
    let lower: Vec<char> = flat
        .iter()
        .map(|letter| letter.to_lowercase().next().unwrap_or(*letter))
        .collect();
    let found = words
        .iter()
        .filter_map(|word| {
            let word: Vec<char> = word.chars().collect();
            lower.windows(word.len()).position(|window| window == word)
        })
        .min()
        .unwrap_or(0);
    let mut start = found.saturating_sub(BEFORE);
    while start > 0 && start < found && flat[start - 1] != ' ' {
        start += 1;
    }
    let end = (found + AFTER).min(flat.len());
    let mut out: String = flat[start..end].iter().collect();
    if start > 0 {
        out.insert_str(0, "… ");
    }
    if end < flat.len() {
        out.push_str(" …");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_neither_found_nor_shown() {
        let markdown = "Read `{{ obs.b.read | code }}` from {{ident unix_listen}}.\nOpen {{ brace";
        assert_eq!(
            words_of(markdown),
            "Read … from unix_listen.\nOpen {{ brace\n"
        );
    }
}
