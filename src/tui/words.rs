//! Short plain texts on the screen: wrapped, cut, indented. Lessons are laid out by
//! [`crate::render::markdown`].

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::render::text::{Line, Role, Span};

/// Breaks a text at spaces so that no line is wider than `width` columns, unless a single word is.
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut out = Vec::new();
    for paragraph in text.trim_end().split('\n') {
        let mut line = String::new();
        for word in paragraph.split_whitespace() {
            if !line.is_empty() && line.width() + 1 + word.width() > width {
                out.push(std::mem::take(&mut line));
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
        out.push(line);
    }
    out
}

/// The first `most` lines with one role; the last one tells when there are more.
pub fn lines_of(role: Role, mut lines: Vec<String>, most: usize) -> Vec<Line> {
    if lines.len() > most && most > 0 {
        lines.truncate(most);
        lines[most - 1] += " …";
    }
    lines.into_iter().map(|line| Line::of(role, line)).collect()
}

/// Cuts a line to `width` columns; a cut is shown as `…`.
pub fn cut(line: Line, width: usize) -> Line {
    if line.width() <= width {
        return line;
    }
    let mut out = Line::empty();
    let mut left = width.saturating_sub(1);
    for Span { role, text } in line.spans {
        let mut end = 0;
        for (place, letter) in text.char_indices() {
            let columns = letter.width().unwrap_or(0);
            if columns > left {
                out.push(role, &text[..place]);
                out.push(role, "…");
                return out;
            }
            left -= columns;
            end = place + letter.len_utf8();
        }
        out.push(role, &text[..end]);
    }
    out.push(Role::Dim, "…");
    out
}

/// The end of a text that fits into `width` columns; what is left out before it is shown as `…`.
pub fn tail(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut left = width.saturating_sub(1);
    let mut start = text.len();
    for (place, letter) in text.char_indices().rev() {
        let columns = letter.width().unwrap_or(0);
        if columns > left {
            break;
        }
        left -= columns;
        start = place;
    }
    format!("…{}", &text[start..])
}

/// Puts a word at the right edge, cutting the line where it would run into it.
pub fn with_right(line: Line, right: &str, width: usize) -> Line {
    let room = width.saturating_sub(right.width() + 1);
    let mut out = cut(line, room);
    let gap = (room + 1).saturating_sub(out.width());
    out.push(Role::Plain, " ".repeat(gap));
    out.push(Role::Dim, right);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrapping_breaks_at_spaces_and_keeps_long_words() {
        assert_eq!(wrap("a bb ccc", 4), ["a bb", "ccc"]);
        assert_eq!(wrap("unbreakable x", 4), ["unbreakable", "x"]);
    }

    #[test]
    fn a_cut_is_shown() {
        let line = Line::of(Role::Plain, "abc").with(Role::Strong, "def");
        assert_eq!(cut(line.clone(), 6).plain(), "abcdef");
        assert_eq!(cut(line, 5).plain(), "abcd…");
        let wide = Line::of(Role::Plain, "日本語");
        assert_eq!(cut(wide, 4).plain(), "日…");
    }

    #[test]
    fn of_a_long_path_the_end_is_kept() {
        assert_eq!(tail("/home/ada/echo", 14), "/home/ada/echo");
        assert_eq!(tail("/home/ada/echo", 9), "…ada/echo");
        assert_eq!(tail("/日本語", 4), "…語");
    }
}
