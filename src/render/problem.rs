//! Mistakes in the curriculum's files, drawn for their author: the file, the line, a caret under
//! the exact key or value, and what would mend it.
//!
//! Every mistake of every file is drawn, in the order they were found. annotate-snippets does the
//! drawing; the looks are the theme's.

use annotate_snippets::{Annotation, AnnotationKind, Level, Origin, Renderer, Snippet};

use super::ansi::style;
use super::text::Role;
use super::theme::{Palette, Theme};
use crate::curriculum::problem::{Problem, Problems};
use crate::untrusted::readable;

/// Draws all mistakes, each ended by a line feed, with an empty line between two. Source lines
/// wider than `width` columns are cut around the caret.
pub fn draw(problems: &Problems, theme: Theme, width: usize) -> String {
    let renderer = renderer(theme).term_width(width);
    let drawn: Vec<String> = problems
        .0
        .iter()
        .map(|problem| draw_one(problem, &renderer) + "\n")
        .collect();
    drawn.join("\n")
}

fn draw_one(problem: &Problem, renderer: &Renderer) -> String {
    let message = readable(&problem.message);
    let name = readable(&problem.file.name);
    let title = Level::ERROR.primary_title(&*message);
    let mut report = match span(problem) {
        Some(span) => title.element(
            Snippet::<Annotation<'_>>::source(&problem.file.text)
                .path(&*name)
                .annotation(AnnotationKind::Primary.span(span)),
        ),
        None => title.element(Origin::path(&*name)),
    };
    let help = problem.help.as_deref().map(readable);
    if let Some(help) = &help {
        report = report.element(Level::HELP.message(&**help));
    }
    renderer.render(&[report])
}

/// The place inside the file, on whole characters. A table that goes on for lines is marked at its
/// first line only.
fn span(problem: &Problem) -> Option<std::ops::Range<usize>> {
    let text = &problem.file.text;
    let span = problem.span.clone()?;
    let whole = |mut at: usize| {
        at = at.min(text.len());
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        at
    };
    let (start, end) = (whole(span.start), whole(span.end.max(span.start)));
    let line_end = text[start..].find('\n').map_or(text.len(), |at| start + at);
    Some(start..end.min(line_end).max(start))
}

fn renderer(theme: Theme) -> Renderer {
    if theme.palette() == Palette::Bare {
        return Renderer::plain();
    }
    let look = |role| style(theme.look(role));
    Renderer::styled()
        .error(look(Role::Bad))
        .warning(look(Role::Warning))
        .help(look(Role::Note))
        .note(look(Role::Note))
        .info(look(Role::Note))
        .line_num(look(Role::Dim))
        .emphasis(look(Role::Strong))
        .context(look(Role::Dim))
}
