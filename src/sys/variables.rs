//! The environment of this process itself, changed: setenv(3) and unsetenv(3).
//!
//! Only for actors of experiments, whose environment is the subject. Everything else passes
//! variables to the programs it starts.

use std::ffi::CString;
use std::io;

use nix::libc;

/// Sets a variable of this process, for itself and for what it starts from now on.
///
/// # Errors
/// As setenv(3); `EBUSY` when this process has more than one thread, which might read meanwhile.
#[expect(unsafe_code, reason = "the environment of a process with one thread")]
pub fn set(name: &str, value: &str) -> io::Result<()> {
    alone()?;
    let (name, value) = (CString::new(name)?, CString::new(value)?);
    // SAFETY: both are strings with a NUL, and no other thread reads or changes the environment.
    done(unsafe { libc::setenv(name.as_ptr(), value.as_ptr(), 1) })
}

/// Takes a variable out of the environment of this process: every entry of this name.
///
/// # Errors
/// As unsetenv(3); `EBUSY` when this process has more than one thread.
#[expect(unsafe_code, reason = "the environment of a process with one thread")]
pub fn unset(name: &str) -> io::Result<()> {
    alone()?;
    let name = CString::new(name)?;
    // SAFETY: it is a string with a NUL, and no other thread reads or changes the environment.
    done(unsafe { libc::unsetenv(name.as_ptr()) })
}

fn alone() -> io::Result<()> {
    if std::fs::read_dir("/proc/self/task")?.count() == 1 {
        Ok(())
    } else {
        Err(io::Error::from_raw_os_error(libc::EBUSY))
    }
}

fn done(status: libc::c_int) -> io::Result<()> {
    if status == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}
