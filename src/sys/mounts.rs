//! The mounts of this mount namespace, from `/proc/self/mountinfo`.
//!
//! Mount points and sources are bytes chosen by others; the file escapes blanks, tabs, line feeds
//! and backslashes as three octal digits. [`parse`] takes any bytes. Reference: proc(5),
//! `show_mountinfo()` in fs/proc_namespace.c.

use std::fs;
use std::io;

use schemars::JsonSchema;
use serde::Serialize;

use super::sock_diag::Device;
use crate::untrusted::Untrusted;

/// One mount.
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema, Serialize)]
pub struct Mount {
    /// Its id: `mnt_id` of `/proc/PID/fdinfo/N`.
    pub id: i64,
    /// The file system's device: for btrfs too, where `st_dev` differs.
    pub device: Device,
    /// Which directory of the file system is mounted: `/` unless it is a bind mount.
    pub root: Untrusted,
    /// Where it is mounted.
    pub point: Untrusted,
    /// Options of this mount: `rw,nosuid,nodev`.
    pub options: Untrusted,
    /// The file system's type: `tmpfs`, `fuse.portal`.
    pub kind: Untrusted,
    /// What is mounted: a device, or for most others a word that whoever mounted it chose.
    pub source: Untrusted,
    /// Options of the file system: `rw,size=395972k,mode=700`.
    pub super_options: Untrusted,
}

impl Mount {
    /// The value of an option `name=value` of the file system.
    pub fn super_option(&self, name: &str) -> Option<&[u8]> {
        self.super_options
            .bytes()
            .split(|&byte| byte == b',')
            .find_map(|option| option.strip_prefix(name.as_bytes())?.strip_prefix(b"="))
    }

    /// For `/proc`: whether other users' processes are left out.
    pub fn hides_processes(&self) -> bool {
        self.super_option("hidepid")
            .is_some_and(|value| !matches!(value, b"0" | b"off" | b"1" | b"noaccess"))
    }
}

/// All mounts, in the order in which they were made.
///
/// # Errors
/// When `/proc` is not mounted or may not be read.
pub fn mounts() -> io::Result<Vec<Mount>> {
    Ok(parse(&fs::read("/proc/self/mountinfo")?))
}

/// The mounts that a process sees.
///
/// # Errors
/// When it is gone or may not be read.
pub fn mounts_of(pid: u32) -> io::Result<Vec<Mount>> {
    Ok(parse(&fs::read(format!("/proc/{pid}/mountinfo"))?))
}

/// Which devices the kernel may know a file by whose `st_dev` is this. Usually that very one; but on
/// overlayfs and btrfs stat(2) makes a number up for each layer or subvolume, and sockets carry the
/// device of the mounted file system.
pub fn devices_of(mounts: &[Mount], status: Device) -> Vec<Device> {
    if mounts.iter().any(|mount| mount.device == status) {
        return vec![status];
    }
    let made_up = mounts
        .iter()
        .filter(|mount| MADE_UP.contains(&mount.kind.bytes()))
        .map(|mount| mount.device);
    std::iter::once(status).chain(made_up).collect()
}

/// File systems whose `st_dev` is not that of their mount.
const MADE_UP: &[&[u8]] = &[b"btrfs", b"overlay", b"bcachefs"];

/// The mount that an absolute path without symbolic links is on: the last one made of those with
/// the longest mount point.
pub fn of<'a>(mounts: &'a [Mount], path: &[u8]) -> Option<&'a Mount> {
    mounts
        .iter()
        .filter(|mount| {
            let point = mount.point.bytes();
            let point = point.strip_suffix(b"/").unwrap_or(point);
            path.strip_prefix(point)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
        })
        .max_by_key(|mount| mount.point.bytes().len())
}

/// Takes the text of a mountinfo file apart. Lines of another form are passed over.
pub fn parse(text: &[u8]) -> Vec<Mount> {
    text.split(|&byte| byte == b'\n').filter_map(line).collect()
}

fn line(line: &[u8]) -> Option<Mount> {
    let mut fields = line.split(|&byte| byte == b' ');
    let id = std::str::from_utf8(fields.next()?).ok()?.parse().ok()?;
    let _parent = fields.next()?;
    let device = device(fields.next()?)?;
    let root = unescaped(fields.next()?);
    let point = unescaped(fields.next()?);
    let options = unescaped(fields.next()?);
    fields.find(|field| field == b"-")?;
    let kind = unescaped(fields.next()?);
    let source = unescaped(fields.next()?);
    let super_options = unescaped(fields.next().unwrap_or_default());
    Some(Mount {
        id,
        device,
        root,
        point,
        options,
        kind,
        source,
        super_options,
    })
}

fn device(text: &[u8]) -> Option<Device> {
    let (major, minor) = std::str::from_utf8(text).ok()?.split_once(':')?;
    Some(Device {
        major: major.parse().ok()?,
        minor: minor.parse().ok()?,
    })
}

fn unescaped(text: &[u8]) -> Untrusted {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&first, tail)) = rest.split_first() {
        let octal = (first == b'\\').then(|| tail.get(..3)).flatten();
        match octal.and_then(byte_of_octal) {
            Some(byte) => {
                out.push(byte);
                rest = &tail[3..];
            }
            None => {
                out.push(first);
                rest = tail;
            }
        }
    }
    Untrusted::new(out)
}

fn byte_of_octal(digits: &[u8]) -> Option<u8> {
    digits.iter().try_fold(0_u8, |byte, &digit| {
        let digit = matches!(digit, b'0'..=b'7').then(|| digit - b'0')?;
        byte.checked_mul(8)?.checked_add(digit)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::{any, proptest};

    #[test]
    fn a_line_is_taken_apart_and_its_escapes_undone() {
        let text = b"42 27 0:39 / /run/a\\040b\\134 rw,nosuid shared:7 - tmpfs tmpfs rw,mode=700\n";
        let mounts = parse(text);
        assert_eq!((mounts.len(), mounts[0].id), (1, 42));
        assert_eq!(mounts[0].point.bytes(), b"/run/a b\\");
        assert_eq!((mounts[0].device.major, mounts[0].device.minor), (0, 39));
        assert_eq!(mounts[0].kind.bytes(), b"tmpfs");
        assert_eq!(mounts[0].super_option("mode"), Some(&b"700"[..]));
    }

    #[test]
    fn hidepid_is_heeded_in_both_spellings() {
        let mount = |options: &str| {
            let text = format!("1 1 0:5 / /proc rw - proc proc rw{options}\n");
            parse(text.as_bytes())[0].hides_processes()
        };
        assert!(mount(",hidepid=2") && mount(",hidepid=invisible") && mount(",hidepid=ptraceable"));
        assert!(!mount("") && !mount(",hidepid=0") && !mount(",hidepid=off"));
    }

    #[test]
    fn a_made_up_device_stands_for_those_of_overlays_and_subvolumes() {
        let mounts =
            parse(b"1 1 0:39 / /run rw - tmpfs none rw\n2 1 0:40 / / rw - overlay overlay rw\n");
        let device = |minor| Device { major: 0, minor };
        assert_eq!(devices_of(&mounts, device(39)), [device(39)]);
        assert_eq!(devices_of(&mounts, device(41)), [device(41), device(40)]);
    }

    #[test]
    fn this_machine_has_proc_mounted() {
        let mounts = mounts().unwrap();
        assert!(mounts.iter().any(|mount| mount.point.bytes() == b"/proc"));
    }

    proptest! {
        #[test]
        fn any_bytes_are_taken(bytes in any::<Vec<u8>>()) {
            let _ = parse(&bytes);
        }
    }
}
