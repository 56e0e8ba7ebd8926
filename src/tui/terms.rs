//! Words of the glossary that a page uses, over the page: which they are, and what they mean. Pure.

use super::scroll::Scroll;
use crate::curriculum::glossary::Term;
use crate::render::text::Line;

/// Words that were found.
#[derive(Clone, Debug, Default)]
pub struct Terms {
    /// Places in the glossary, in its order.
    pub found: Vec<usize>,
    /// Which of them is selected.
    pub selected: usize,
    /// The first line that is shown.
    pub scroll: Scroll,
}

impl Terms {
    /// The words of the glossary that these lines use.
    pub fn of(glossary: &[Term], lines: &[Line]) -> Self {
        let text = lines.iter().map(Line::plain).collect::<Vec<_>>().join(" ");
        let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let text = words.to_lowercase();
        let found = (0..glossary.len()).filter(|&at| holds(&text, &glossary[at].name.value));
        Self {
            found: found.collect(),
            ..Self::default()
        }
    }

    /// Moves the selection by so many words.
    pub fn step(&mut self, by: isize) {
        let last = self.found.len().saturating_sub(1);
        self.selected = self.selected.saturating_add_signed(by).min(last);
    }
}

/// Whether a text in small letters holds a term as words of its own, in the plural too.
fn holds(text: &str, term: &str) -> bool {
    let term = term.to_lowercase();
    if term.is_empty() {
        return false;
    }
    let is_part = |letter: char| letter.is_alphanumeric() || letter == '_';
    text.match_indices(term.as_str()).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let after = &text[at + term.len()..];
        let after = after.strip_prefix('s').unwrap_or(after);
        !before.is_some_and(is_part) && !after.chars().next().is_some_and(is_part)
    })
}

#[cfg(test)]
mod tests {
    use super::holds;

    #[test]
    fn a_term_is_found_as_a_word_of_its_own_and_in_the_plural() {
        assert!(holds("two file descriptors are open", "file descriptor"));
        assert!(holds("a backlog, say", "Backlog"));
        assert!(!holds("the backlogged server", "backlog"));
        assert!(!holds("an endpoint", "point"));
        assert!(!holds("so_peercred", "peercred"));
    }
}
