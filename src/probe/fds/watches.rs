//! What inotify(7) and fanotify(7) watch: the kernel tells inodes, and here and there a path is
//! found for one.

use std::collections::HashMap;

use super::open::{Open, Surroundings};
use super::what::{Watch, What};
use super::words;
use crate::sys::fdinfo::{FanotifyWhat, FdInfo};
use crate::sys::file_handle::{self, Handle};
use crate::sys::sock_diag::Device;
use crate::untrusted::Untrusted;

/// The watches of an inotify descriptor.
pub(super) fn inotify(info: &FdInfo, around: &Surroundings) -> Vec<Watch> {
    let watches = info.inotify_watches().into_iter();
    let watches = watches.map(|watch| Watch {
        watch: Some(watch.watch),
        path: by_handle(watch.handle.as_ref(), watch.device, watch.inode, around),
        inode: Some(watch.inode),
        device: Some(watch.device),
        events: words::inotify(watch.mask),
    });
    watches.collect()
}

/// The marks of a fanotify descriptor.
pub(super) fn fanotify(info: &FdInfo, around: &Surroundings) -> Vec<Watch> {
    let marks = info.fanotify_marks().into_iter();
    let watches = marks.map(|mark| {
        let (path, inode, device) = match mark.what {
            FanotifyWhat::Inode { inode, device } => (
                by_handle(mark.handle.as_ref(), device, inode, around),
                Some(inode),
                Some(device),
            ),
            FanotifyWhat::Mount(id) => {
                let mount = around.mount(id);
                (mount.map(|mount| mount.point.clone()), None, None)
            }
            FanotifyWhat::FileSystem(device) => (None, None, Some(device)),
        };
        Watch {
            watch: None,
            path,
            inode,
            device,
            events: words::fanotify(mark.mask),
        }
    });
    watches.collect()
}

/// The path of an inode, by its handle: as root.
fn by_handle(
    handle: Option<&Handle>,
    device: Device,
    inode: u64,
    around: &Surroundings,
) -> Option<Untrusted> {
    let mount = around.own_local_mount(device)?;
    let path = file_handle::path(mount.as_path(), handle?, device, inode).ok()?;
    Some(Untrusted::new(path))
}

/// Fills in paths that are still missing from what the process has open itself.
pub(super) fn name_from_opens(whats: &mut [What], opens: &[Open]) {
    let mut known: HashMap<(Device, u64), Untrusted> = HashMap::new();
    for (what, open) in whats.iter().zip(opens) {
        if let (What::File { path, .. } | What::Directory { path, .. }, Ok(status)) =
            (what, &open.status)
        {
            let file = (status.device, status.inode);
            known.entry(file).or_insert_with(|| path.clone());
        }
    }
    for what in whats {
        let (What::Inotify { watches } | What::Fanotify { watches }) = what else {
            continue;
        };
        for watch in watches.iter_mut().filter(|watch| watch.path.is_none()) {
            if let (Some(device), Some(inode)) = (watch.device, watch.inode) {
                watch.path = known.get(&(device, inode)).cloned();
            }
        }
    }
}
