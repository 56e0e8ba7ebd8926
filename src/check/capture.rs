//! What a program printed, bounded: the beginning and the end are kept, the middle is counted.

/// Bytes kept of the beginning, and of the end.
const KEEP: usize = 64 * 1024;
/// The longest line that is kept whole for comparing.
const LONGEST_LINE: usize = 4096;

/// Output as it arrives.
#[derive(Clone, Debug)]
pub struct Capture {
    /// Bytes kept of the beginning.
    keep: usize,
    head: Vec<u8>,
    tail: Vec<u8>,
    left_out: u64,
    line: Vec<u8>,
    lines: Vec<Vec<u8>>,
    kept_lines: usize,
}

impl Default for Capture {
    fn default() -> Self {
        Self::keeping(KEEP)
    }
}

impl Capture {
    /// Keeps so many bytes of the beginning; of the end as many as always.
    pub fn keeping(keep: usize) -> Self {
        Self {
            keep,
            head: Vec::new(),
            tail: Vec::new(),
            left_out: 0,
            line: Vec::new(),
            lines: Vec::new(),
            kept_lines: 0,
        }
    }

    /// The beginning: as much as is kept whole.
    pub fn beginning(&self) -> &[u8] {
        &self.head
    }

    /// Takes bytes; returns the lines that became whole, cut to a bearable length.
    pub fn take(&mut self, bytes: &[u8]) -> Vec<Vec<u8>> {
        let room = self.keep.saturating_sub(self.head.len()).min(bytes.len());
        self.head.extend(&bytes[..room]);
        self.tail.extend(&bytes[room..]);
        if self.tail.len() > 2 * KEEP {
            let extra = self.tail.len() - KEEP;
            self.tail.drain(..extra);
            self.left_out += extra as u64;
        }
        let mut whole = Vec::new();
        for piece in bytes.split_inclusive(|&byte| byte == b'\n') {
            let (text, ends) = match piece.strip_suffix(b"\n") {
                Some(text) => (text, true),
                None => (piece, false),
            };
            let room = LONGEST_LINE.saturating_sub(self.line.len()).min(text.len());
            self.line.extend(&text[..room]);
            if ends {
                let line = std::mem::take(&mut self.line);
                if self.kept_lines + line.len() < KEEP {
                    self.kept_lines += line.len() + 1;
                    self.lines.push(line.clone());
                }
                whole.push(line);
            }
        }
        whole
    }

    /// The last line, when it had no line feed; to be called at the end of the output.
    pub fn end(&mut self) -> Option<Vec<u8>> {
        (!self.line.is_empty()).then(|| std::mem::take(&mut self.line))
    }

    /// Whether this line was printed, with its line feed.
    pub fn has_line(&self, line: &[u8]) -> bool {
        self.lines
            .iter()
            .any(|printed| printed.strip_suffix(b"\r").unwrap_or(printed) == line)
    }

    /// What was kept, with a note where bytes were left out.
    pub fn bytes(&self) -> Vec<u8> {
        let shown = self.head.len().min(KEEP);
        let mut all = self.head[..shown].to_vec();
        if shown < self.head.len() {
            let rest = &self.head[shown..];
            let end = rest.len().saturating_sub(KEEP);
            if end > 0 {
                all.extend(format!("\n[{end} bytes left out]\n").into_bytes());
            }
            all.extend(&rest[end..]);
        }
        if self.left_out > 0 {
            all.extend(format!("\n[{} bytes left out]\n", self.left_out).into_bytes());
        }
        all.extend(&self.tail);
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_counts_only_with_its_line_feed() {
        let mut capture = Capture::default();
        assert!(capture.take(b"peer pid=1").is_empty());
        assert!(!capture.has_line(b"peer pid=1"));
        assert_eq!(capture.take(b"2\nrest"), [b"peer pid=12".to_vec()]);
        assert!(capture.has_line(b"peer pid=12"));
        assert_eq!(capture.end(), Some(b"rest".to_vec()));
    }

    #[test]
    fn a_flood_keeps_its_beginning_and_its_end_and_no_more() {
        let mut capture = Capture::default();
        capture.take(b"first\n");
        for _ in 0..10_000 {
            capture.take(&[b'x'; 1000]);
        }
        capture.take(b"\nlast\n");
        let kept = capture.bytes();
        assert!(kept.len() < 4 * KEEP, "{}", kept.len());
        assert!(kept.starts_with(b"first\n") && kept.ends_with(b"\nlast\n"));
    }
}
