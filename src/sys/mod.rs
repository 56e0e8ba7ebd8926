//! The kernel's raw edges, each wrapped once: netlink socket diagnostics, the /proc scan, mounts,
//! the steps between fork and exec.
//!
//! The only room that may hold `unsafe`. It knows system calls and their encodings; it knows no
//! services, no lessons and no rules.

pub mod abilities;
pub mod bare_call;
pub mod before_call;
pub mod calendar;
pub mod cgroup;
pub mod clock;
pub mod confinement;
pub mod control_message;
pub mod fd_table;
pub mod fdinfo;
pub mod fence;
pub mod file_handle;
pub mod foreground;
pub mod fork;
pub mod inherited;
pub mod interrupt;
pub mod ipc_objects;
pub mod kcmp;
pub mod mounts;
pub mod net_tables;
pub mod netns;
pub mod nsfs;
pub mod number_map;
pub mod outq;
pub mod peer_credentials;
pub mod pidfd;
pub mod posix_objects;
pub mod proc_scan;
pub mod process;
pub mod security_modules;
pub mod sigpipe;
pub mod sock_diag;
pub mod socket_file;
pub mod spawn;
pub mod unix_table;
pub mod users;
pub mod variables;
pub mod wake;
