//! Where progress is kept: `$XDG_STATE_HOME/ipc-mastery`, by the rules of the XDG Base Directory
//! Specification. Making the directory is [`super::store`]'s.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// The directory for progress, from the environment; `None` when there is no home directory.
pub fn state_directory() -> Option<PathBuf> {
    choose(env::var_os("XDG_STATE_HOME"), env::home_dir())
}

/// `XDG_STATE_HOME` counts only when it is absolute; the specification wants relative paths
/// ignored. Else `~/.local/state`.
fn choose(state_home: Option<OsString>, home: Option<PathBuf>) -> Option<PathBuf> {
    let absolute = |path: &PathBuf| path.is_absolute();
    let base = state_home
        .map(PathBuf::from)
        .filter(absolute)
        .or_else(|| Some(home.filter(absolute)?.join(Path::new(".local/state"))))?;
    Some(base.join("ipc-mastery"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(state_home: Option<&str>, home: Option<&str>) -> Option<String> {
        choose(state_home.map(OsString::from), home.map(PathBuf::from))
            .map(|path| path.to_str().unwrap().to_owned())
    }

    #[test]
    fn an_absolute_state_home_is_taken() {
        let path = chosen(Some("/state"), Some("/home/ada"));
        assert_eq!(path.as_deref(), Some("/state/ipc-mastery"));
    }

    #[test]
    fn a_relative_or_empty_state_home_is_ignored() {
        for relative in ["", "state", "./state"] {
            let path = chosen(Some(relative), Some("/home/ada"));
            assert_eq!(path.as_deref(), Some("/home/ada/.local/state/ipc-mastery"));
        }
    }

    #[test]
    fn without_any_home_there_is_no_place() {
        assert_eq!(chosen(None, None), None);
        assert_eq!(chosen(Some("state"), Some("home")), None);
    }
}
