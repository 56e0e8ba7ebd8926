//! What a user has in flight changes while a check goes on: programs that are not the learner's send
//! descriptors too, and the kernel counts all of a user together. No verdict may hang on that.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::bench::{Bench, finish};

/// Holds descriptors in flight as another program of the same user would, ...
const HOLD: &str = "
        import array
        self.others = socket.socketpair()
        rights = array.array('i', [self.shelf] * 100)
        self.others[0].sendmsg([b'x'], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)])
";
/// ... and lets them go when the client comes who must meet the limit.
const LET_GO: &str = "
        if request == b'read log':
            for end in self.others:
                end.close()
";

#[test]
fn a_limit_that_was_met_for_what_others_have_in_flight_is_met_when_that_is_gone() {
    let solution = "exercises/37-split-broker/solution/python/main.py";
    let solution = Path::new(env!("CARGO_MANIFEST_DIR")).join(solution);
    let mut source = fs::read_to_string(solution).unwrap();
    for (behind, added) in [
        (
            "        self.devices = os.open(\"/dev\", os.O_PATH | os.O_DIRECTORY)\n",
            HOLD,
        ),
        ("    def give(self, worker, request):\n", LET_GO),
    ] {
        assert_eq!(source.matches(behind).count(), 1, "{behind}");
        source = source.replace(behind, &format!("{behind}{added}"));
    }
    let bench = Bench::new();
    let program = bench.path("main.py");
    fs::write(&program, source).unwrap();
    let command = format!(
        "python3 -B {} {{file}} {{dir}}/shelf {{socket}}",
        program.display()
    );
    let arguments = ["--json", "--stage", "limit-worker", "--cmd", &command];
    let check = bench
        .command_for("exercise-37", &arguments)
        .spawn()
        .unwrap();
    let report: Value = serde_json::from_slice(&finish(check).stdout).unwrap();
    let stages = report["stages"].as_array().unwrap();
    let judged = stages
        .iter()
        .filter(|stage| stage["verdict"] != "not judged");
    assert!(judged.clone().count() > 10, "{report:#}");
    for stage in judged {
        assert_eq!(stage["verdict"], "pass", "{report:#}");
    }
}
