//! Values of the shipped variables, and what they lead to.

use super::*;
use crate::curriculum::Curriculum;
use crate::curriculum::services::Catalogue;
use crate::curriculum::source::Source;
use proptest::prelude::{any, proptest};

fn shipped() -> Catalogue {
    Curriculum::load_catalogue(&Source::Embedded).unwrap()
}

fn bases() -> Bases {
    Bases {
        runtime: Some(b"/run/user/7/".to_vec()),
        home: Some(b"/home/me".to_vec()),
        uid: 7,
        user: Some(b"me".to_vec()),
    }
}

fn targets(name: &str, value: &str) -> Vec<Target> {
    let catalogue = shipped();
    let variable = catalogue.variable(name).expect(name);
    let readings = variable.reading(value.as_bytes(), &bases());
    readings.into_iter().map(|reading| reading.target).collect()
}

fn path(text: &str) -> Target {
    Target::Path(text.into())
}

fn unnamed(text: &str) -> Target {
    Target::Abstract(text.into())
}

#[test]
fn values_lead_to_the_addresses_that_their_programs_use() {
    let x = |n| {
        let file = format!("/tmp/.X11-unix/X{n}");
        vec![unnamed(&file), path(&file)]
    };
    for (name, value, expected) in [
        (
            "WAYLAND_DISPLAY",
            "wayland-1",
            vec![path("/run/user/7/wayland-1")],
        ),
        (
            "WAYLAND_DISPLAY",
            "/x/wayland-1",
            vec![path("/x/wayland-1")],
        ),
        ("DISPLAY", ":3", x(3)),
        ("DISPLAY", ":3.0", x(3)),
        ("DISPLAY", "unix:3", x(3)),
        ("DISPLAY", "localhost:10.0", vec![Target::Elsewhere]),
        ("DISPLAY", "garbage", vec![Target::Unreadable]),
        (
            "DBUS_SESSION_BUS_ADDRESS",
            "unix:path=/run/user/7/b%75s,guid=00ff",
            vec![path("/run/user/7/bus")],
        ),
        (
            "DBUS_SESSION_BUS_ADDRESS",
            "unix:guid=00ff,abstract=/tmp/dbus-x;unix:runtime=yes;tcp:host=a,port=1",
            vec![
                unnamed("/tmp/dbus-x"),
                path("/run/user/7/bus"),
                Target::Elsewhere,
            ],
        ),
        ("TMUX", "/tmp/a,b/s,12,0", vec![path("/tmp/a,b/s")]),
        (
            "DOCKER_HOST",
            "unix:///run/d.sock",
            vec![path("/run/d.sock")],
        ),
        ("DOCKER_HOST", "tcp://1.2.3.4:5", vec![Target::Elsewhere]),
        (
            "PULSE_SERVER",
            "unix:/run/user/7/pulse/native tcp:host:4713",
            vec![path("/run/user/7/pulse/native"), Target::Elsewhere],
        ),
        ("SSH_AGENT_PID", "42", vec![Target::Process(42)]),
        (
            "STY",
            "12.tty1.host",
            vec![
                path("/run/screen/S-me/12.tty1.host"),
                path("/home/me/.screen/12.tty1.host"),
            ],
        ),
        ("NOTIFY_SOCKET", "@notify", vec![unnamed("notify")]),
        (
            "SESSION_MANAGER",
            "local/h:@/tmp/.ICE-unix/9,unix/h:/tmp/.ICE-unix/9",
            vec![unnamed("/tmp/.ICE-unix/9"), path("/tmp/.ICE-unix/9")],
        ),
    ] {
        assert_eq!(targets(name, value), expected, "{name}={value}");
    }
}

#[test]
fn a_name_below_a_directory_that_is_not_named_leads_nowhere() {
    let catalogue = shipped();
    let variable = catalogue.variable("WAYLAND_DISPLAY").unwrap();
    let bases = Bases::default();
    let readings = variable.reading(b"wayland-0", &bases);
    assert_eq!(readings[0].target, Target::NoBase("XDG_RUNTIME_DIR"));
    assert_eq!(
        variable.defaults(&bases),
        [Target::NoBase("XDG_RUNTIME_DIR")]
    );
}

#[test]
fn a_value_is_made_from_an_address() {
    let catalogue = shipped();
    for (name, target, expected) in [
        (
            "WAYLAND_DISPLAY",
            path("/run/user/7/wayland-1"),
            "wayland-1",
        ),
        ("WAYLAND_DISPLAY", path("/x/wayland-1"), "/x/wayland-1"),
        ("DISPLAY", path("/tmp/.X11-unix/X3"), ":3"),
        (
            "DBUS_SESSION_BUS_ADDRESS",
            path("/run/a b"),
            "unix:path=/run/a%20b",
        ),
        (
            "SSH_AUTH_SOCK",
            path("/tmp/ssh-x/agent.1"),
            "/tmp/ssh-x/agent.1",
        ),
        ("DOCKER_HOST", path("/run/d.sock"), "unix:///run/d.sock"),
    ] {
        let variable = catalogue.variable(name).unwrap();
        let value = variable.value_for(&target, &bases()).expect(name);
        assert_eq!(String::from_utf8(value.clone()).unwrap(), expected);
        let back = variable.reading(&value, &bases());
        assert!(
            back.iter().any(|reading| reading.target == target),
            "{name}"
        );
    }
    let ssh = catalogue.variable("SSH_AUTH_SOCK").unwrap();
    assert_eq!(ssh.value_for(&unnamed("x"), &bases()), None);
}

#[test]
fn every_variable_of_a_service_is_described() {
    let catalogue = shipped();
    assert!(catalogue.variables.len() > 20);
    for service in &catalogue.services {
        for name in &service.variables {
            assert!(catalogue.variable(name).is_some(), "{name}");
        }
    }
}

#[test]
fn any_value_is_read() {
    let catalogue = shipped();
    proptest!(|(value in any::<Vec<u8>>())| {
        for variable in &catalogue.variables {
            let _ = variable.reading(&value, &bases());
        }
    });
}

#[test]
fn a_long_value_is_read_in_no_time_worth_speaking_of() {
    // Quadratic work on the longest value that execve(2) takes would be seen here.
    let mut value = vec![b'/'];
    value.resize(128 * 1024, b',');
    let catalogue = shipped();
    let variable = catalogue.variable("TMUX").unwrap();
    assert_eq!(
        variable.reading(&value, &bases())[0].target,
        Target::Unreadable
    );
}
