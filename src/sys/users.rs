//! Names of users and groups, and which user ids are real here. Names are from `/etc/passwd` and
//! `/etc/group` alone: a look-up through the name service would open sockets of its own, and may
//! wait for a network.

use std::collections::HashMap;
use std::fs;

use crate::untrusted::Untrusted;

/// The user id that stands for every owner who has none in this user namespace
/// (`/proc/sys/kernel/overflowuid`, user_namespaces(7)); `None` where all ids are real.
pub fn stand_in() -> Option<u32> {
    let map = fs::read_to_string("/proc/self/uid_map").ok()?;
    let counts = map
        .lines()
        .filter_map(|line| line.split_whitespace().nth(2));
    let mapped: u64 = counts.filter_map(|count| count.parse::<u64>().ok()).sum();
    if mapped >= u64::from(u32::MAX) {
        return None;
    }
    let number = fs::read_to_string("/proc/sys/kernel/overflowuid").ok()?;
    number.trim().parse().ok()
}

/// Names by user id.
#[derive(Clone, Debug, Default)]
pub struct Users(HashMap<u32, Untrusted>);

impl Users {
    /// Those of this machine. None when the file cannot be read.
    pub fn load() -> Self {
        Self::parse(&fs::read("/etc/passwd").unwrap_or_default())
    }

    /// Those of groups. None when the file cannot be read. The number is the third field of a line in
    /// group(5) too.
    pub fn load_groups() -> Self {
        Self::parse(&fs::read("/etc/group").unwrap_or_default())
    }

    /// Takes the text of a passwd(5) file apart. The first entry of a user id counts.
    pub fn parse(text: &[u8]) -> Self {
        let mut users = HashMap::new();
        for line in text.split(|&byte| byte == b'\n') {
            let mut fields = line.split(|&byte| byte == b':');
            let (Some(name), Some(uid)) = (fields.next(), fields.nth(1)) else {
                continue;
            };
            let uid = std::str::from_utf8(uid)
                .ok()
                .and_then(|uid| uid.parse().ok());
            if let Some(uid) = uid {
                users.entry(uid).or_insert_with(|| Untrusted::from(name));
            }
        }
        Self(users)
    }

    /// The name of a user.
    pub fn name(&self, uid: u32) -> Option<&Untrusted> {
        self.0.get(&uid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_name_of_a_user_id_counts_and_bad_lines_do_not() {
        let users = Users::parse(b"root:x:0:0:root:/root:/bin/sh\ntoor:x:0:0::/:\nbad\na:x:y:0\n");
        assert_eq!(users.name(0), Some(&Untrusted::from("root")));
        assert_eq!(users.name(1), None);
    }
}
