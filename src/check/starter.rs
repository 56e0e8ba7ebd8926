//! The files a learner begins with, or a reference solution made runnable: what the exercise gives
//! for a language, what the language gives every program, and the task. Names that end in `.in` are
//! templates: `{{ name }}` becomes the exercise's slug, and the ending goes. Which directory is
//! right is the caller's business; [`place`] never overwrites.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crate::curriculum::exercise::{Exercise, Language};
use crate::curriculum::source::StoredFile;
use crate::untrusted::Untrusted;

/// Where files are that starter and solution of a language have in common.
const GIVEN: &str = "given";

/// Which of an exercise's programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Material {
    /// What a learner begins with.
    Starter,
    /// The reference solution.
    Solution,
}

/// Why files cannot be placed. Nothing that was made is left behind.
#[derive(Debug, thiserror::Error)]
pub enum PlaceError {
    /// Something lies where a file would go.
    #[error("{} already exists", Untrusted::from(paths[0].as_path()))]
    InTheWay {
        /// What is in the way, all of it.
        paths: Vec<PathBuf>,
    },
    /// A file or directory cannot be made.
    #[error("cannot create {}", Untrusted::from(path.as_path()))]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        error: io::Error,
    },
}

/// The files of a program, named from its directory, sorted; empty when the exercise has none in
/// this language.
pub fn files(exercise: &Exercise, language: &Language, material: Material) -> Vec<StoredFile> {
    let directory = match material {
        Material::Starter => "starter",
        Material::Solution => "solution",
    };
    let prefixes = [directory, GIVEN].map(|kind| format!("{kind}/{}/", language.id.value));
    let own: Vec<StoredFile> = exercise
        .files
        .iter()
        .filter_map(|file| {
            let mut within = prefixes.iter();
            let name = within.find_map(|prefix| file.name.strip_prefix(prefix))?;
            let name = name.to_owned();
            Some(StoredFile {
                name,
                ..file.clone()
            })
        })
        .collect();
    if own.is_empty() {
        return own;
    }
    // The exercise's own file wins over the language's of the same name.
    let given = language
        .files
        .iter()
        .map(|file| filled(file, &exercise.slug));
    let mut files: Vec<StoredFile> = given
        .filter(|file| own.iter().all(|mine| mine.name != file.name))
        .chain(own.iter().cloned())
        .collect();
    if material == Material::Starter && files.iter().all(|file| file.name != "README.md") {
        files.push(StoredFile {
            name: "README.md".to_owned(),
            bytes: exercise.task.clone().into_bytes().into(),
            executable: false,
        });
    }
    files.sort_by(|a, b| a.name.cmp(&b.name));
    files
}

fn filled(file: &StoredFile, name: &str) -> StoredFile {
    match file.name.strip_suffix(".in") {
        None => file.clone(),
        Some(stem) => StoredFile {
            name: stem.to_owned(),
            bytes: String::from_utf8_lossy(&file.bytes)
                .replace("{{ name }}", name)
                .into_bytes()
                .into(),
            executable: file.executable,
        },
    }
}

/// Writes files into a directory, making it and those below it as needed. Other files may lie
/// there; none is overwritten.
///
/// # Errors
/// When something is in the way, before anything is made; or when making fails, after what was made
/// is removed again.
pub fn place(files: &[StoredFile], directory: &Path) -> Result<(), PlaceError> {
    let targets: Vec<PathBuf> = files
        .iter()
        .map(|file| directory.join(&file.name))
        .collect();
    let in_the_way: Vec<PathBuf> = targets
        .iter()
        .filter(|path| fs::symlink_metadata(path).is_ok())
        .cloned()
        .collect();
    if !in_the_way.is_empty() {
        return Err(PlaceError::InTheWay { paths: in_the_way });
    }
    let mut made = Made::default();
    for (file, target) in files.iter().zip(targets) {
        made.directories_of(&target)?;
        made.file(file, target)?;
    }
    made.paths.clear();
    Ok(())
}

/// What was made so far; removed again unless all went well.
#[derive(Default)]
struct Made {
    paths: Vec<PathBuf>,
}

impl Made {
    fn directories_of(&mut self, target: &Path) -> Result<(), PlaceError> {
        let missing: Vec<&Path> = target
            .ancestors()
            .skip(1)
            .take_while(|path| !path.as_os_str().is_empty() && !path.is_dir())
            .collect();
        for path in missing.into_iter().rev() {
            DirBuilder::new()
                .create(path)
                .map_err(|error| PlaceError::Io {
                    path: path.to_owned(),
                    error,
                })?;
            self.paths.push(path.to_owned());
        }
        Ok(())
    }

    fn file(&mut self, file: &StoredFile, path: PathBuf) -> Result<(), PlaceError> {
        let mode = if file.executable { 0o777 } else { 0o666 };
        let failed = |error| PlaceError::Io {
            path: path.clone(),
            error,
        };
        let mut out = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(mode)
            .open(&path)
            .map_err(failed)?;
        self.paths.push(path.clone());
        out.write_all(&file.bytes).map_err(failed)
    }
}

impl Drop for Made {
    fn drop(&mut self) {
        for path in self.paths.iter().rev() {
            // Best effort: a directory somebody else has filled meanwhile stays.
            drop(if path.is_dir() {
                fs::remove_dir(path)
            } else {
                fs::remove_file(path)
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::curriculum::Curriculum;
    use crate::curriculum::source::Source;

    fn greeter(material: Material) -> Vec<StoredFile> {
        let pack = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/packs/small");
        let curriculum = Curriculum::load(&Source::Directory(pack)).unwrap();
        let language = curriculum.language("sh").unwrap();
        files(curriculum.exercise("greeter").unwrap(), language, material)
    }

    #[test]
    fn a_starter_has_the_files_of_its_language_filled_in() {
        let files = greeter(Material::Starter);
        let names: Vec<&str> = files.iter().map(|file| file.name.as_str()).collect();
        assert_eq!(names, ["README.md", "main.sh", "prepare.sh", "settings"]);
        assert_eq!(*files[3].bytes, *b"name = \"greeter\"\n");
        assert!(
            greeter(Material::Solution)[0]
                .bytes
                .ends_with(b"solution\n")
        );
    }

    #[test]
    fn files_are_placed_with_their_modes() {
        let home = tempfile::tempdir().unwrap();
        let directory = home.path().join("work/greeter");
        place(&greeter(Material::Starter), &directory).unwrap();
        let mode = fs::metadata(directory.join("main.sh"))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o100, 0o100);
        let text = fs::read_to_string(directory.join("settings")).unwrap();
        assert_eq!(text, "name = \"greeter\"\n");
    }

    #[test]
    fn nothing_is_overwritten_and_nothing_is_made_when_something_is_in_the_way() {
        let home = tempfile::tempdir().unwrap();
        fs::write(home.path().join("settings"), "mine").unwrap();
        std::os::unix::fs::symlink("/nowhere", home.path().join("prepare.sh")).unwrap();
        let error = place(&greeter(Material::Starter), home.path()).unwrap_err();
        let PlaceError::InTheWay { paths } = &error else {
            panic!("{error:?}");
        };
        let names: Vec<_> = paths.iter().map(|path| path.file_name().unwrap()).collect();
        assert_eq!(names, ["prepare.sh", "settings"]);
        assert_eq!(
            fs::read_to_string(home.path().join("settings")).unwrap(),
            "mine"
        );
        assert!(!home.path().join("main.sh").exists());
    }

    #[test]
    fn what_was_made_is_removed_when_the_rest_cannot_be() {
        let home = tempfile::tempdir().unwrap();
        let file = |name: &str| StoredFile {
            name: name.to_owned(),
            bytes: Vec::new().into(),
            executable: false,
        };
        // `a` cannot be a file and a directory.
        let error = place(&[file("sub/a"), file("sub/a/b")], &home.path().join("new"));
        assert!(matches!(error, Err(PlaceError::Io { .. })), "{error:?}");
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 0);
    }
}
