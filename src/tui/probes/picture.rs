//! A probe as `ipc-mastery probe` prints it: its lines, with those marked that the look before
//! had not. Pure; what it says is [`crate::render::probe`]'s.

use std::collections::HashSet;
use std::sync::Arc;

use super::detail::lines_with;
use super::look::Look;
use crate::probe::Ask;
use crate::render::probe as render_probe;
use crate::render::text::{Line, Text};

/// The lines of a picture.
#[derive(Debug, Default)]
pub struct Picture {
    /// Those that are shown, and whether the look before had them.
    pub lines: Vec<(Line, Age)>,
    drawn: Option<Drawn>,
}

/// Whether the look before had a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Age {
    /// It had, or there was none.
    Old,
    /// It had not.
    New,
}

/// What was drawn, so that it is drawn once a look.
#[derive(Debug)]
struct Drawn {
    ask: Ask,
    look: Arc<Look>,
    width: usize,
    text: Text,
    /// Lines of the look before.
    before: HashSet<String>,
    wanted: String,
}

impl Picture {
    /// Sets the lines of an answer that hold `wanted`.
    pub fn set(&mut self, ask: &Ask, look: &Arc<Look>, width: usize, wanted: &str) {
        let same = |drawn: &Drawn| Arc::ptr_eq(&drawn.look, look) && drawn.width == width;
        match &mut self.drawn {
            Some(drawn) if same(drawn) => {
                if drawn.wanted == wanted {
                    return;
                }
                drawn.wanted = wanted.to_owned();
            }
            earlier => {
                // Of another question every line would be new, which is no news.
                let before = earlier.take();
                let before = before.filter(|earlier| earlier.width == width && earlier.ask == *ask);
                let before = before.map_or_else(HashSet::new, |earlier| {
                    let lines = earlier.text.lines.iter();
                    lines.map(Line::plain).collect()
                });
                *earlier = Some(Drawn {
                    ask: ask.clone(),
                    look: Arc::clone(look),
                    width,
                    text: render_probe::draw(&look.probed, width),
                    before,
                    wanted: wanted.to_owned(),
                });
            }
        }
        let Some(drawn) = &self.drawn else { return };
        let shown = lines_with(drawn.text.clone(), wanted).lines.into_iter();
        self.lines = shown
            .map(|line| {
                let known = drawn.before.is_empty() || drawn.before.contains(&line.plain());
                (line, if known { Age::Old } else { Age::New })
            })
            .collect();
    }
}
