//! Which sentences of a lesson state facts, and which of them a claim backs.
//!
//! A factual sentence is told by its form, since a program cannot tell a fact from a story: it
//! stands in running text or in a list, below the first live block of a lesson with an experiment
//! (above it is the story that asks the question), it is no part of the section "Do it yourself",
//! and it ends with a full stop. It does not speak to the reader ("you", "your", "look for"). One
//! that shows a value that was observed, or names a kernel identifier, carries its own proof and is
//! not counted; neither is the last one, which repeats the answer. This counts some sentences that
//! state nothing; it is a measure, and no judgement of a single sentence.

use super::judgement;
use crate::curriculum::lesson::{Block, Lesson};

/// How many factual sentences a lesson has, and how many of them a claim backs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backed {
    /// Sentences with a claim behind them.
    pub backed: usize,
    /// Sentences without one.
    pub unbacked: usize,
}

/// Counts the factual sentences of a lesson.
pub fn count(lesson: &Lesson) -> Backed {
    let mut count = Backed::default();
    if lesson.experiment.is_none() {
        return count;
    }
    let first = lesson
        .blocks
        .iter()
        .position(|block| !matches!(block, Block::Markdown(_)))
        .unwrap_or(0);
    let below = lesson.blocks[first..].iter();
    let mut all: Vec<String> = below
        .filter_map(|block| match block {
            Block::Markdown(text) => Some(paragraphs(text)),
            _ => None,
        })
        .flatten()
        .flat_map(|paragraph| sentences(&paragraph))
        .collect();
    all.pop();
    for sentence in &all {
        if claims(sentence) > 0 {
            count.backed += 1;
        } else if is_factual(sentence) {
            count.unbacked += 1;
        }
    }
    count
}

/// Running text and items of lists, each on one line.
fn paragraphs(markdown: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut open = false;
    let (mut listing, mut by_hand) = (false, false);
    for line in markdown.lines() {
        if line.starts_with("```") {
            listing = !listing;
            open = false;
            continue;
        }
        if line.starts_with('#') {
            by_hand = line.contains("Do it yourself");
            open = false;
            continue;
        }
        if listing || by_hand || line.trim().is_empty() || line.starts_with('|') {
            open = false;
            continue;
        }
        let item = line.strip_prefix("- ");
        match found.last_mut() {
            Some(last) if open && item.is_none() => {
                last.push(' ');
                last.push_str(line.trim());
            }
            _ => found.push(without_label(item.unwrap_or(line)).trim().to_owned()),
        }
        open = true;
    }
    found
}

/// An item without the words in bold that it begins with.
fn without_label(item: &str) -> &str {
    item.strip_prefix("**")
        .and_then(|rest| rest.split_once("**"))
        .map_or(item, |(_, rest)| rest)
}

/// Cuts a paragraph behind each full stop, question mark or exclamation mark; the claims that
/// follow a sentence are its own.
fn sentences(paragraph: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut sentence = String::new();
    let (mut code, mut slot) = (false, 0);
    let mut letters = paragraph.chars().peekable();
    while let Some(letter) = letters.next() {
        sentence.push(letter);
        match letter {
            '`' => code = !code,
            '{' => slot += 1,
            '}' => slot -= 1,
            '.' | '?' | '!' if !code && slot == 0 => {
                while let Some(closing) = letters.next_if(|c| matches!(c, ')' | '"' | '*')) {
                    sentence.push(closing);
                }
                if letters.peek().is_none_or(|next| next.is_whitespace()) {
                    found.push(std::mem::take(&mut sentence));
                }
            }
            _ => {}
        }
        let trimmed = sentence.trim();
        let slot_alone = trimmed.starts_with("{{") && trimmed.ends_with("}}");
        if slot_alone && claims(trimmed) == 1 {
            if let Some(last) = found.last_mut() {
                last.push_str(trimmed);
            }
            sentence.clear();
        }
    }
    if !sentence.trim().is_empty() {
        found.push(sentence);
    }
    found
}

/// How many claims a sentence names.
fn claims(mut sentence: &str) -> usize {
    let mut count = 0;
    while let Some((_, slot, rest)) = judgement::next_slot(sentence) {
        count += usize::from(judgement::claim(slot).is_some());
        sentence = rest;
    }
    count
}

fn is_factual(sentence: &str) -> bool {
    let to_the_reader = sentence
        .to_lowercase()
        .split(|c: char| !c.is_alphabetic())
        .any(|word| matches!(word, "you" | "your" | "yours" | "yourself"));
    let closed = sentence.trim_end_matches([')', '"', '*']).ends_with('.');
    closed && !to_the_reader && !sentence.contains("ook for") && !sentence.contains("{{")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::curriculum::lesson::{ExperimentPlan, cut};

    fn counted(text: &str) -> Backed {
        count(&Lesson {
            experiment: Some(ExperimentPlan::default()),
            blocks: cut(text).0,
            ..Lesson::default()
        })
    }

    #[test]
    fn a_sentence_with_a_claim_is_backed_and_one_without_is_not() {
        let text = "# T\n\nA story. It is one.\n\n{{ run a }}\n\nOne fact, in\ntwo lines. {{ claim one }}\n\
                    Another `a. b` fact. {{ claim two }} {{ claim three }} A third (so it is.)\n\nThe answer.\n";
        let expected = Backed {
            backed: 2,
            unbacked: 1,
        };
        assert_eq!(counted(text), expected);
    }

    #[test]
    fn questions_listings_tables_and_what_speaks_to_the_reader_state_nothing() {
        let text = "{{ run a }}\n\nIs it? You thought so. It gave {{ obs.a.n }}. Look for it.\n\n\
                    | a. | b. |\n\n```\nx. y.\n```\n\n## Do it yourself\n\nThe same.\n\n## On\n\n\
                    - **A label.** A fact.\n- **Another.** {{ ident f }} does it.\n\nThe answer.\n";
        let expected = Backed {
            backed: 0,
            unbacked: 1,
        };
        assert_eq!(counted(text), expected);
    }
}
