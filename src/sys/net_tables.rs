//! Sockets that are not AF_UNIX, from the tables in `/proc/PID/net`: whom they belong to is told
//! by their inodes.
//!
//! The tables are those of the process's network namespace. They hold numbers only, so nothing in
//! them is chosen by others. References: proc_pid_net(5), get_tcp4_sock() in net/ipv4/tcp_ipv4.c,
//! netlink_seq_show() in net/netlink/af_netlink.c, packet_seq_show() in net/packet/af_packet.c.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use schemars::JsonSchema;
use serde::Serialize;

/// What a table tells of a socket.
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema, Serialize)]
#[serde(rename_all = "kebab-case", tag = "family")]
pub enum Entry {
    /// AF_INET and AF_INET6.
    Internet {
        /// What it is bound to.
        local: String,
        /// What it is connected to.
        remote: Option<String>,
        /// For TCP: the connection's state, as ss(8) writes it.
        state: Option<&'static str>,
    },
    /// AF_NETLINK.
    Netlink {
        /// The protocol: `NETLINK_ROUTE`.
        protocol: String,
        /// Its port: often the process id.
        port: u32,
    },
    /// AF_PACKET.
    Packet {
        /// `SOCK_RAW` is 3, `SOCK_DGRAM` 2.
        socket_type: u32,
        /// The ethertype that it receives; 3: all.
        protocol: u32,
        /// The network device's index; 0: any.
        interface: u32,
    },
}

/// The table for a protocol, as `fd_table::protocol` names it.
fn table(protocol: &str) -> Option<&'static str> {
    Some(match protocol {
        "TCP" | "MPTCP" => "tcp",
        "TCPv6" | "MPTCPv6" => "tcp6",
        "UDP" => "udp",
        "UDPv6" => "udp6",
        "UDP-Lite" => "udplite",
        "UDPLITEv6" => "udplite6",
        "RAW" => "raw",
        "RAWv6" => "raw6",
        "PING" => "icmp",
        "PINGv6" => "icmp6",
        "NETLINK" => "netlink",
        "PACKET" => "packet",
        _ => return None,
    })
}

/// Whether there is a table for a protocol.
pub fn has_table(protocol: &str) -> bool {
    table(protocol).is_some()
}

/// The sockets of a protocol in the network namespace of a process, with their inodes. Empty when
/// there is no table for it, or it cannot be read.
pub fn sockets(pid: u32, protocol: &str) -> Vec<(u64, Entry)> {
    let Some(table) = table(protocol) else {
        return Vec::new();
    };
    let text = fs::read_to_string(format!("/proc/{pid}/net/{table}")).unwrap_or_default();
    parse(&text, protocol)
}

/// Takes the text of a table apart. Lines of another form are passed over.
pub fn parse(text: &str, protocol: &str) -> Vec<(u64, Entry)> {
    let line = match protocol {
        "NETLINK" => netlink,
        "PACKET" => packet,
        "TCP" | "TCPv6" | "MPTCP" | "MPTCPv6" => tcp,
        _ => other_internet,
    };
    let lines = text.lines().skip(1);
    lines
        .filter_map(|text| line(&text.split_whitespace().collect::<Vec<_>>()))
        .collect()
}

/// `sl local rem st tx:rx tr:tm retrnsmt uid timeout inode …`
fn internet(fields: &[&str], state: Option<&'static str>) -> Option<(u64, Entry)> {
    let local = address(fields.get(1)?)?;
    let remote = address(fields.get(2)?)?;
    let connected = remote.port() != 0 || !remote.ip().is_unspecified();
    let entry = Entry::Internet {
        local: local.to_string(),
        remote: connected.then(|| remote.to_string()),
        state,
    };
    Some((fields.get(9)?.parse().ok()?, entry))
}

fn tcp(fields: &[&str]) -> Option<(u64, Entry)> {
    let state = u8::from_str_radix(fields.get(3)?, 16).ok()?;
    internet(fields, tcp_state(state))
}

fn other_internet(fields: &[&str]) -> Option<(u64, Entry)> {
    internet(fields, None)
}

/// include/net/tcp_states.h.
fn tcp_state(state: u8) -> Option<&'static str> {
    Some(match state {
        1 => "ESTAB",
        2 => "SYN-SENT",
        3 => "SYN-RECV",
        4 => "FIN-WAIT-1",
        5 => "FIN-WAIT-2",
        6 => "TIME-WAIT",
        7 => "UNCONN",
        8 => "CLOSE-WAIT",
        9 => "LAST-ACK",
        10 => "LISTEN",
        11 => "CLOSING",
        _ => return None,
    })
}

/// `0100007F:1F90`: each group of eight digits is a word in this machine's byte order.
fn address(text: &str) -> Option<SocketAddr> {
    let (digits, port) = text.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    let word = |at: usize| u32::from_str_radix(digits.get(at..at + 8)?, 16).ok();
    let ip = match digits.len() {
        8 => IpAddr::V4(Ipv4Addr::from(word(0)?.to_ne_bytes())),
        32 => {
            let mut bytes = [0; 16];
            for (at, chunk) in bytes.chunks_exact_mut(4).enumerate() {
                chunk.copy_from_slice(&word(at * 8)?.to_ne_bytes());
            }
            IpAddr::V6(Ipv6Addr::from(bytes))
        }
        _ => return None,
    };
    Some(SocketAddr::new(ip, port))
}

/// `sk Eth Pid Groups Rmem Wmem Dump Locks Drops Inode`
fn netlink(fields: &[&str]) -> Option<(u64, Entry)> {
    let number: u32 = fields.get(1)?.parse().ok()?;
    let known = usize::try_from(number).ok().and_then(|at| NETLINK.get(at));
    let protocol = match known {
        Some(&name) if !name.is_empty() => format!("NETLINK_{name}"),
        _ => format!("netlink protocol {number}"),
    };
    let entry = Entry::Netlink {
        protocol,
        // Negative for ports the kernel chose.
        port: fields.get(2)?.parse::<i64>().ok()? as u32,
    };
    Some((fields.get(9)?.parse().ok()?, entry))
}

/// include/uapi/linux/netlink.h, by number.
const NETLINK: &[&str] = &[
    "ROUTE",
    "",
    "USERSOCK",
    "FIREWALL",
    "SOCK_DIAG",
    "NFLOG",
    "XFRM",
    "SELINUX",
    "ISCSI",
    "AUDIT",
    "FIB_LOOKUP",
    "CONNECTOR",
    "NETFILTER",
    "IP6_FW",
    "DNRTMSG",
    "KOBJECT_UEVENT",
    "GENERIC",
    "",
    "SCSITRANSPORT",
    "ECRYPTFS",
    "RDMA",
    "CRYPTO",
    "SMC",
];

/// `sk RefCnt Type Proto Iface R Rmem User Inode`
fn packet(fields: &[&str]) -> Option<(u64, Entry)> {
    let entry = Entry::Packet {
        socket_type: fields.get(2)?.parse().ok()?,
        protocol: u32::from_str_radix(fields.get(3)?, 16).ok()?,
        interface: fields.get(4)?.parse().ok()?,
    };
    Some((fields.get(8)?.parse().ok()?, entry))
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::os::unix::fs::MetadataExt;

    use super::*;
    use proptest::prelude::{any, proptest};

    #[test]
    fn a_listener_of_ours_is_found_by_its_inode() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let fd = std::os::fd::AsRawFd::as_raw_fd(&listener);
        let inode = fs::metadata(format!("/proc/self/fd/{fd}")).unwrap().ino();
        let found = sockets(std::process::id(), "TCP");
        let (_, entry) = found.iter().find(|(found, _)| *found == inode).unwrap();
        let expected = Entry::Internet {
            local: listener.local_addr().unwrap().to_string(),
            remote: None,
            state: Some("LISTEN"),
        };
        assert_eq!(*entry, expected);
    }

    #[test]
    #[cfg(target_endian = "little")]
    fn addresses_are_words_in_the_byte_order_of_the_machine() {
        let address = |text| address(text).unwrap().to_string();
        assert_eq!(address("0100007F:1F90"), "127.0.0.1:8080");
        assert_eq!(address("00000000000000000000000001000000:0050"), "[::1]:80");
    }

    #[test]
    fn netlink_and_packet_sockets() {
        let text = "sk               Eth Pid        Groups   Rmem     Wmem     Dump  Locks    Drops    Inode\n\
            0000000000000000 15  417        00000001 0        0        0     2        0        9091\n";
        let expected = Entry::Netlink {
            protocol: "NETLINK_KOBJECT_UEVENT".to_owned(),
            port: 417,
        };
        assert_eq!(parse(text, "NETLINK"), [(9091, expected)]);
        let text = "sk               RefCnt Type Proto  Iface R Rmem   User   Inode\n\
            0000000000000000 3      3    0003   2     1 0      0      77\n";
        let expected = Entry::Packet {
            socket_type: 3,
            protocol: 3,
            interface: 2,
        };
        assert_eq!(parse(text, "PACKET"), [(77, expected)]);
    }

    proptest! {
        #[test]
        fn any_text_is_taken(text in any::<String>(), line in "[ -~]{0,120}") {
            for protocol in ["TCP", "UDPv6", "NETLINK", "PACKET"] {
                let _ = parse(&text, protocol);
                let _ = parse(&format!("header\n{line}\n 0: {line}"), protocol);
            }
        }
    }
}
