//! Where the curriculum's files come from: the binary itself, or a directory.
//!
//! The shipped curriculum is compiled in (`build.rs`), so an installed program is complete.
//! An author points at a directory instead. This file knows names and bytes, no formats.

use std::borrow::Cow;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::problem::SourceFile;

/// A file as it is stored: its name inside the pack and its bytes.
#[derive(Clone, Debug)]
pub struct StoredFile {
    /// Relative to the pack, with `/`: `curriculum/path.toml`.
    pub name: String,
    /// The content.
    pub bytes: Cow<'static, [u8]>,
    /// Whether it is to be executable when it is copied out.
    pub executable: bool,
}

/// A set of files to load a curriculum from.
#[derive(Clone, Debug)]
pub enum Source {
    /// What was compiled into the program.
    Embedded,
    /// A directory that holds `curriculum/` and `exercises/`.
    Directory(PathBuf),
}

/// Why a directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// It, or something in it, cannot be read.
    #[error("cannot read {}", crate::untrusted::Untrusted::from(path.as_path()))]
    Unreadable {
        /// What could not be read.
        path: PathBuf,
        /// Why.
        #[source]
        error: io::Error,
    },
    /// It is not a curriculum.
    #[error("{} holds no curriculum/path.toml", crate::untrusted::Untrusted::from(path.as_path()))]
    NotACurriculum {
        /// The directory.
        path: PathBuf,
    },
}

include!(concat!(env!("OUT_DIR"), "/embedded.rs"));

impl Source {
    /// Every file, sorted by name.
    ///
    /// # Errors
    /// When a directory cannot be read or holds no `curriculum/path.toml`.
    pub fn files(&self) -> Result<Vec<StoredFile>, SourceError> {
        match self {
            Self::Embedded => Ok(EMBEDDED
                .iter()
                .map(|&(name, bytes, executable)| StoredFile {
                    name: name.to_owned(),
                    bytes: Cow::Borrowed(bytes),
                    executable,
                })
                .collect()),
            Self::Directory(root) => {
                if !root.join("curriculum/path.toml").is_file() {
                    return Err(SourceError::NotACurriculum { path: root.clone() });
                }
                let mut files = Vec::new();
                for top in ["curriculum", "exercises"] {
                    if root.join(top).is_dir() {
                        walk(root, &root.join(top), &mut files)?;
                    }
                }
                files.sort_by(|a, b| a.name.cmp(&b.name));
                Ok(files)
            }
        }
    }
}

fn unreadable(path: &Path) -> impl FnOnce(io::Error) -> SourceError {
    let path = path.to_owned();
    move |error| SourceError::Unreadable { path, error }
}

fn walk(root: &Path, directory: &Path, files: &mut Vec<StoredFile>) -> Result<(), SourceError> {
    for entry in fs::read_dir(directory).map_err(unreadable(directory))? {
        let entry = entry.map_err(unreadable(directory))?;
        let path = entry.path();
        let name = entry.file_name();
        let hidden = name.as_encoded_bytes().starts_with(b".");
        if hidden || name == "target" || name == "__pycache__" {
            continue;
        }
        let metadata = fs::metadata(&path).map_err(unreadable(&path))?;
        if metadata.is_dir() {
            walk(root, &path, files)?;
        } else if metadata.is_file() {
            use std::os::unix::fs::PermissionsExt;
            let relative = path.strip_prefix(root).unwrap_or(&path);
            files.push(StoredFile {
                name: relative.to_string_lossy().into_owned(),
                bytes: fs::read(&path).map_err(unreadable(&path))?.into(),
                executable: metadata.permissions().mode() & 0o100 != 0,
            });
        }
    }
    Ok(())
}

impl StoredFile {
    /// The file as text with a name, for reading formats; bytes that are not UTF-8 are replaced.
    pub fn source_file(&self) -> Arc<SourceFile> {
        Arc::new(SourceFile {
            name: self.name.clone(),
            text: String::from_utf8_lossy(&self.bytes).into_owned(),
        })
    }
}
