//! Which sockets `probe sockets` is asked for: options turned into a question for the probe.

use super::error::CommandError;
use super::unknown;
use crate::cli;
use crate::curriculum::services::Service;
use crate::probe::sockets::graph::Grouping;
use crate::probe::sockets::{Condition, Depth, Filter, View, Wish};
use crate::sys::sock_diag::Type;

/// From this many columns on, a table has room for what is known of holders.
const WIDE: usize = 120;

/// What the options ask for, on a terminal of this many columns.
///
/// # Errors
/// When no service has the slug or the name that was given.
pub fn wish(
    options: &cli::Sockets,
    services: &[Service],
    width: usize,
) -> Result<Wish, CommandError> {
    let service = options.service.as_deref();
    let filter = Filter {
        kind: options.kind.map(|kind| match kind {
            cli::SocketType::Stream => Type::Stream,
            cli::SocketType::Dgram => Type::Dgram,
            cli::SocketType::Seqpacket => Type::Seqpacket,
        }),
        condition: options.listening.then_some(Condition::Listening),
        pid: options.pid,
        name: options.name.clone(),
        service: service.map(|name| slug(services, name)).transpose()?,
        inode: options.inode,
    };
    let view = match options.tree {
        None => View::Table,
        Some(cli::Grouping::Process) => View::Tree(Grouping::Process),
        Some(cli::Grouping::Service) => View::Tree(Grouping::Service),
    };
    let detailed = options.shown.json || options.tree.is_some() || !filter.is_empty();
    let depth = if options.borrow {
        Depth::Borrow
    } else if detailed || width >= WIDE {
        Depth::Owners
    } else {
        Depth::Table
    };
    Ok(Wish {
        filter,
        depth,
        view,
    })
}

/// The slug of a service, by its slug or its name; capitals do not matter.
fn slug(services: &[Service], name: &str) -> Result<String, CommandError> {
    let is_meant = |service: &&Service| {
        service.id.eq_ignore_ascii_case(name) || service.name.eq_ignore_ascii_case(name)
    };
    if let Some(service) = services.iter().find(is_meant) {
        return Ok(service.id.clone());
    }
    let known: Vec<&str> = services
        .iter()
        .flat_map(|service| [service.id.as_str(), service.name.as_str()])
        .collect();
    Err(unknown::service(name, &known))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::curriculum::Curriculum;
    use crate::curriculum::source::Source;

    #[test]
    fn a_service_is_known_by_its_slug_and_by_its_name_and_a_slip_is_mended() {
        let services = Curriculum::load_services(&Source::Embedded)
            .unwrap()
            .services;
        assert_eq!(slug(&services, "dbus-session").unwrap(), "dbus-session");
        let by_name = slug(&services, "d-bus session bus").unwrap();
        assert_eq!(by_name, "dbus-session");
        let error = slug(&services, "dbus-sesion").unwrap_err();
        assert_eq!(error.message, "there is no service `dbus-sesion`");
        assert!(error.hints[0].contains("`dbus-session`"), "{error:?}");
        let error = slug(&services, "nothing like it").unwrap_err();
        assert!(error.hints[0].contains("SERVICE"), "{error:?}");
    }
}
