//! Files of a stage: those that are made for the program, and those that must, or must not, be
//! there. Paths have the placeholders of arguments in them. Making and looking is [`crate::check`]'s.

use serde::{Deserialize, Serialize};

use super::Payload;
use super::read::read_mode;
use crate::curriculum::exercise::PLACEHOLDERS;
use crate::curriculum::reader::Reader;

/// A file to make before the program meets it.
#[derive(Clone, Debug, Serialize)]
pub struct MakeFile {
    /// Where.
    pub path: String,
    /// What.
    pub content: FileContent,
    /// Its permissions; `None`: as the program's user would make it with a umask of 022.
    pub mode: Option<u32>,
}

/// What a file is made of.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FileContent {
    /// A regular file with these bytes.
    Data(Payload),
    /// A directory.
    Directory,
    /// A symbolic link to this.
    Link(String),
    /// A FIFO.
    Fifo,
}

/// What must stand at a path.
#[derive(Clone, Debug, Serialize)]
pub struct ExpectFile {
    /// Where.
    pub path: String,
    /// What kind of file, itself and not what it links to.
    pub kind: PathKind,
    /// Its permissions; `None`: any.
    pub mode: Option<u32>,
}

/// What stands at a path (inode(7)).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PathKind {
    /// Nothing.
    #[default]
    Missing,
    /// A socket.
    Socket,
    /// A regular file.
    Regular,
    /// A directory.
    Directory,
    /// A symbolic link.
    Link,
    /// Something else.
    Other,
}

const PATH_KINDS: &[(&str, PathKind)] = &[
    ("missing", PathKind::Missing),
    ("socket", PathKind::Socket),
    ("regular", PathKind::Regular),
    ("directory", PathKind::Directory),
    ("link", PathKind::Link),
];

impl PathKind {
    /// `socket`, as `exercise.toml` has it.
    pub fn word(self) -> &'static str {
        let found = PATH_KINDS.iter().find(|(_, kind)| *kind == self);
        found.map_or("other", |(word, _)| word)
    }
}

impl MakeFile {
    pub(super) fn read(table: &mut Reader<'_>) -> Self {
        let path = path(table);
        let mode = read_mode(table);
        let link = table.optional_text("link");
        let directory = table.flag("directory");
        let fifo = table.flag("fifo");
        let data = Payload::optional(table, "data");
        let content = match (data, link, directory, fifo) {
            (Some(data), None, false, false) => FileContent::Data(data),
            (None, Some(link), false, false) => FileContent::Link(link.value),
            (None, None, true, false) => FileContent::Directory,
            (None, None, false, true) => FileContent::Fifo,
            _ => {
                let message =
                    "a file to make has exactly one of `data`, `link`, `directory` and `fifo`";
                table.problem(table.span(), message, None);
                FileContent::Directory
            }
        };
        Self {
            path,
            content,
            mode,
        }
    }
}

impl ExpectFile {
    pub(super) fn read(table: &mut Reader<'_>) -> Self {
        Self {
            path: path(table),
            kind: table.choice("kind", PATH_KINDS),
            mode: read_mode(table),
        }
    }
}

/// A path that begins with a placeholder: nothing outside the stage is touched or looked at.
pub(super) fn path(table: &mut Reader<'_>) -> String {
    let path = table.located_text("path");
    let inside = PLACEHOLDERS
        .iter()
        .any(|known| path.value.starts_with(known));
    if !inside || path.value.split('/').any(|part| part == "..") {
        let help = Some("Begin it with `{dir}/`, `{socket}` or `{other}`.".to_owned());
        table.problem(path.span, "this path may lead out of the stage", help);
    }
    path.value
}
