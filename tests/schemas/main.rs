//! The JSON Schemas against what they are for: those of files that authors write (`files`), and
//! those of what commands print (`printed`). Each has a small validator for the words of its schemas;
//! where Python has `jsonschema`, that judges too.

mod files;
mod printed;

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::json;

use files::{parsed, shipped};
use printed::printed;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn where_python_has_jsonschema_it_agrees() {
    let judge = "import json, sys, jsonschema\n\
                 for line in sys.stdin:\n\
                 \x20   name, schema, value = json.loads(line)\n\
                 \x20   jsonschema.Draft7Validator.check_schema(schema)\n\
                 \x20   jsonschema.Draft7Validator(schema).validate(value)\n\
                 \x20   bad = dict(value); bad['zz'] = 1; bad['schema'] = 'other'\n\
                 \x20   assert not jsonschema.Draft7Validator(schema).is_valid(bad), name\n";
    let there = Command::new("python3")
        .args(["-c", "import jsonschema"])
        .stderr(Stdio::null())
        .status();
    if !there.is_ok_and(|status| status.success()) {
        eprintln!("skipped: Python has no jsonschema here");
        return;
    }
    let input = tempfile::NamedTempFile::new().unwrap();
    let mut lines: String = shipped()
        .into_iter()
        .map(|(kind, path)| {
            let value = parsed(&fs::read_to_string(&path).unwrap()).unwrap();
            format!(
                "{}\n",
                json!([path.display().to_string(), kind.schema(), value])
            )
        })
        .collect();
    for (name, value, schema) in printed() {
        lines += &format!("{}\n", json!([name, schema, value]));
    }
    fs::write(input.path(), lines).unwrap();
    let output = Command::new("python3")
        .args(["-W", "ignore", "-c", judge])
        .stdin(fs::File::open(input.path()).unwrap())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
}
