//! Colours for code: text and a language in, spans with `Code…` roles out.
//!
//! syntect finds the scopes; this file maps them to roles, so themes and NO_COLOR work as
//! everywhere else. Loading takes time, so it happens on a thread of its own while the first screen
//! is drawn: until [`Highlighter::ready`] says so, code is shown plain. TOML, which syntect's own
//! set lacks, and terminal sessions are read here by line.
//!
//! Characters are never changed: the spans of a line put together are the line.

use std::sync::{Once, OnceLock};
use std::thread;

use syntect::parsing::{ParseState, Scope, ScopeStack, SyntaxReference, SyntaxSet};

use super::text::{Line, Role};

/// Knows the languages.
#[derive(Debug)]
pub struct Highlighter {
    syntaxes: SyntaxSet,
    rules: Vec<(Scope, Option<Role>)>,
}

/// The innermost scope that starts with one of these decides; of two that fit, the first. `None`
/// leaves the decision to the scope around it.
const RULES: [(&str, Option<Role>); 26] = [
    ("comment", Some(Role::CodeComment)),
    ("punctuation", None),
    ("string", Some(Role::CodeString)),
    ("constant", Some(Role::CodeNumber)),
    ("keyword.operator.word", Some(Role::CodeKeyword)),
    ("keyword.operator.logical.python", Some(Role::CodeKeyword)),
    ("keyword.operator", Some(Role::Plain)),
    ("keyword", Some(Role::CodeKeyword)),
    ("storage.modifier", Some(Role::CodeKeyword)),
    ("storage.type.function", Some(Role::CodeKeyword)),
    ("storage.type.struct", Some(Role::CodeKeyword)),
    ("storage.type.enum", Some(Role::CodeKeyword)),
    ("storage.type.impl", Some(Role::CodeKeyword)),
    ("storage.type.trait", Some(Role::CodeKeyword)),
    ("storage.type.module", Some(Role::CodeKeyword)),
    ("storage.type.class", Some(Role::CodeKeyword)),
    ("storage.type", Some(Role::CodeType)),
    ("entity.name.function", Some(Role::CodeFunction)),
    ("entity.name.macro", Some(Role::CodeFunction)),
    ("entity.name.tag", Some(Role::CodeType)),
    ("entity.name", Some(Role::CodeType)),
    ("support.function", Some(Role::CodeFunction)),
    ("support.macro", Some(Role::CodeFunction)),
    ("variable.function", Some(Role::CodeFunction)),
    ("support.type", Some(Role::CodeType)),
    ("support.constant", Some(Role::CodeNumber)),
];

/// One line of each language, so that its regular expressions are compiled before a learner waits.
const WARM_UP: [(&str, &str); 4] = [
    (
        "c",
        "#include <a.h>\nint f(char *a) { if (a) return g(1, \"a\"); /* a */ }\n",
    ),
    (
        "rust",
        "use a::b;\nfn f(a: &str) -> Result<u8> { let b = g(1, \"a\")?; /* a */ }\n",
    ),
    (
        "python",
        "import a\ndef f(a):\n    return g(1, \"a\")  # a\n",
    ),
    ("sh", "a -b \"$c\" | d && e  # f\n"),
];

static LOADED: OnceLock<Highlighter> = OnceLock::new();
static STARTED: Once = Once::new();

impl Highlighter {
    /// Starts to load on a thread of its own; later calls do nothing. When no thread can be made,
    /// code stays plain.
    pub fn load_in_background() {
        STARTED.call_once(|| {
            let load = || {
                let highlighter = Self::load();
                for (language, code) in WARM_UP {
                    highlighter.lines(language, code);
                }
                // `wait` may have been quicker; either is the same.
                drop(LOADED.set(highlighter));
            };
            // Without a thread the program still works, in one colour.
            drop(thread::Builder::new().name("highlight".into()).spawn(load));
        });
    }

    /// The highlighter if it has been loaded.
    pub fn ready() -> Option<&'static Self> {
        LOADED.get()
    }

    /// The highlighter, loaded here and now if need be.
    pub fn wait() -> &'static Self {
        LOADED.get_or_init(Self::load)
    }

    fn load() -> Self {
        let rules = RULES.map(|(scope, role)| (Scope::new(scope).expect("a constant"), role));
        Self {
            syntaxes: SyntaxSet::load_defaults_newlines(),
            rules: rules.to_vec(),
        }
    }

    /// The lines of a listing. An unknown language is plain text.
    pub fn lines(&self, language: &str, code: &str) -> Vec<Line> {
        match language.to_ascii_lowercase().as_str() {
            "console" | "shell-session" | "shellsession" => {
                code.lines().map(|line| self.session(line)).collect()
            }
            "toml" => code.lines().map(toml_line).collect(),
            "" | "text" | "txt" => plain_lines(code),
            other => match self.syntaxes.find_syntax_by_token(other) {
                Some(syntax) => self.parse(syntax, code),
                None => plain_lines(code),
            },
        }
    }

    fn parse(&self, syntax: &SyntaxReference, code: &str) -> Vec<Line> {
        let mut state = ParseState::new(syntax);
        let mut stack = ScopeStack::new();
        let mut lines = Vec::new();
        for text in code.lines() {
            let fed = format!("{text}\n");
            let Ok(changes) = state.parse_line(&fed, &self.syntaxes) else {
                lines.push(Line::of(Role::Plain, text));
                continue;
            };
            let mut line = Line::empty();
            let mut from = 0;
            for (at, change) in changes {
                let at = at.min(text.len());
                if let Some(piece) = text.get(from..at) {
                    line.push(self.role(&stack), piece);
                    from = at;
                }
                // A stack that cannot be followed costs colours, not characters.
                drop(stack.apply(&change));
            }
            line.push(self.role(&stack), text.get(from..).unwrap_or_default());
            lines.push(line);
        }
        lines
    }

    fn role(&self, stack: &ScopeStack) -> Role {
        let decide = |&scope: &Scope| {
            let rule = self.rules.iter().find(|(rule, _)| rule.is_prefix_of(scope));
            rule.and_then(|(_, role)| *role)
        };
        let found = stack.as_slice().iter().rev().find_map(decide);
        found.unwrap_or(Role::Plain)
    }

    /// A line of a terminal session: what follows a prompt is a command, all else is output.
    fn session(&self, line: &str) -> Line {
        for prompt in ["$ ", "# ", "> "] {
            if let Some(command) = line.strip_prefix(prompt) {
                let mut out = Line::of(Role::Key, prompt);
                for parsed in self.lines("sh", command) {
                    out.spans.extend(parsed.spans);
                }
                return out;
            }
        }
        Line::empty().with(Role::Plain, line)
    }
}

/// Code without colours.
pub fn plain_lines(code: &str) -> Vec<Line> {
    let line = |line| Line::empty().with(Role::Plain, line);
    code.lines().map(line).collect()
}

fn toml_line(text: &str) -> Line {
    let mut line = Line::empty();
    let body = text.trim_start();
    line.push(Role::Plain, &text[..text.len() - body.len()]);
    if body.starts_with('[') {
        let end = body.rfind(']').map_or(body.len(), |at| at + 1);
        line.push(Role::CodeType, &body[..end]);
        toml_values(&body[end..], &mut line);
        return line;
    }
    match body.find(['=', '#', '"', '\'']) {
        Some(at) if body[at..].starts_with('=') => {
            line.push(Role::CodeKeyword, body[..at].trim_end());
            line.push(Role::Plain, &body[body[..at].trim_end().len()..=at]);
            toml_values(&body[at + 1..], &mut line);
        }
        _ => toml_values(body, &mut line),
    }
    line
}

fn toml_values(mut rest: &str, line: &mut Line) {
    while let Some(first) = rest.chars().next() {
        let (role, length) = match first {
            '#' => (Role::CodeComment, rest.len()),
            '"' | '\'' => (Role::CodeString, quoted(rest, first)),
            '0'..='9' => (Role::CodeNumber, word(rest)),
            _ if first.is_alphabetic() => {
                let length = word(rest);
                let constant = matches!(&rest[..length], "true" | "false" | "inf" | "nan");
                let role = if constant {
                    Role::CodeNumber
                } else {
                    Role::Plain
                };
                (role, length)
            }
            _ => (Role::Plain, first.len_utf8()),
        };
        line.push(role, &rest[..length]);
        rest = &rest[length..];
    }
}

/// Bytes of the string that `text` starts with, both quotes included.
fn quoted(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, character) in text.char_indices().skip(1) {
        if escaped {
            escaped = false;
        } else if character == '\\' && quote == '"' {
            escaped = true;
        } else if character == quote {
            return at + 1;
        }
    }
    text.len()
}

/// Bytes of the word or number that `text` starts with.
fn word(text: &str) -> usize {
    text.find(|c: char| !c.is_alphanumeric() && !matches!(c, '_' | '.' | '-' | ':' | '+'))
        .unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::{ProptestConfig, proptest};

    fn role_of(language: &str, code: &str, word: &str) -> Role {
        let lines = Highlighter::wait().lines(language, code);
        let mut spans = lines.iter().flat_map(|line| &line.spans);
        let found = spans.find(|span| span.text.contains(word));
        found.unwrap_or_else(|| panic!("no `{word}`")).role
    }

    #[test]
    fn each_language_of_the_lessons_has_its_roles() {
        let c = "int fd = socket(AF_UNIX, 0, 0); /* why */\nreturn \"a\";\n";
        assert_eq!(role_of("c", c, "int"), Role::CodeType);
        assert_eq!(role_of("c", c, "socket"), Role::CodeFunction);
        assert_eq!(role_of("c", c, "why"), Role::CodeComment);
        assert_eq!(role_of("c", c, "return"), Role::CodeKeyword);
        assert_eq!(role_of("c", c, "\"a\""), Role::CodeString);
        let rust = "fn main() -> u8 { let x = bind(\"a\"); }\n";
        assert_eq!(role_of("rust", rust, "fn"), Role::CodeKeyword);
        assert_eq!(role_of("rust", rust, "main"), Role::CodeFunction);
        let python = "def f():\n    return 12  # why\n";
        assert_eq!(role_of("python", python, "def"), Role::CodeKeyword);
        assert_eq!(role_of("python", python, "12"), Role::CodeNumber);
        assert_eq!(role_of("python", python, "why"), Role::CodeComment);
        assert_eq!(role_of("sh", "echo \"a\"\n", "\"a\""), Role::CodeString);
        let toml = "[a.b]\nkey = \"text\" # why\nn = 12\n";
        assert_eq!(role_of("toml", toml, "[a.b]"), Role::CodeType);
        assert_eq!(role_of("toml", toml, "key"), Role::CodeKeyword);
        assert_eq!(role_of("toml", toml, "text"), Role::CodeString);
        assert_eq!(role_of("toml", toml, "why"), Role::CodeComment);
        assert_eq!(role_of("toml", toml, "12"), Role::CodeNumber);
    }

    #[test]
    fn in_a_session_only_commands_are_coloured() {
        let session = "$ echo \"a\"\n\"b\"\n";
        assert_eq!(role_of("console", session, "$ "), Role::Key);
        assert_eq!(role_of("console", session, "\"a\""), Role::CodeString);
        assert_eq!(role_of("console", session, "\"b\""), Role::Plain);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn colouring_changes_no_character(
            language in "c|rust|python|sh|console|toml|json|none",
            code in "([a-z#\"'/*{}()=\\[\\] $\\\\é中0-9_.:-]{0,40}\n){0,6}",
        ) {
            let lines = Highlighter::wait().lines(&language, &code);
            let joined: String = lines.iter().map(|line| line.plain() + "\n").collect();
            assert_eq!(joined, code);
        }
    }
}
