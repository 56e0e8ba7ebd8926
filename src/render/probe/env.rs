//! Draws `probe env`.

use crate::probe::env::Env;
use crate::render::text::{Line, Role, Text};

pub(super) fn draw(seen: &Env, _width: usize) -> Text {
    let mut text = Text::new();
    text.line(Line::of(Role::Heading, "Variables that name endpoints"));
    for variable in &seen.variables {
        let Some(value) = &variable.value else {
            continue;
        };
        let line = Line::of(Role::Strong, variable.name.clone())
            .with(Role::Plain, format!("={value}  {}", variable.service));
        text.line(line);
    }
    text
}
