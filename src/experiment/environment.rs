//! Experiments of module `environment`: when a process gets its environment, and what can happen to
//! a variable on its way from one program to the next.

use serde_json::{Map, Value, json};

use super::letter::{Letter, Wrapper};
use super::order::{Environment, Order, Outcome};
use super::stage::Stage;
use super::{Failure, Nothing, parameters};

/// Pages in the longest string that execve(2) takes, its NUL included: `MAX_ARG_STRLEN`.
const PAGES_OF_A_STRING: usize = 32;

fn letter(letter: Letter) -> Order {
    Order::Letter(letter)
}

/// What a process finds in its environment: the value, or `not set`.
fn value(outcome: &Outcome) -> Result<String, Failure> {
    Ok(outcome.value()?.unwrap_or("not set").to_owned())
}

/// A shell that starts our program.
pub(super) fn wrapper(before: &str, after: &str) -> Wrapper {
    Wrapper {
        before: before.to_owned(),
        after: after.to_owned(),
        program: format!("/proc/{}/exe", std::process::id()),
    }
}

/// The value of an entry `NAME=value` as a file of /proc has it.
fn behind(entry: &str, name: &str) -> String {
    let value = entry
        .strip_prefix(name)
        .and_then(|rest| rest.strip_prefix('='));
    value.unwrap_or(entry).to_owned()
}

/// `environment.letter`: part a, a process changes a variable, and its file in /proc is read; part
/// b, a child changes it, and the process writes over its own memory; part c, one string that is
/// too long.
pub(super) fn arrives(stage: &mut Stage, params: &Map<String, Value>) -> Result<Value, Failure> {
    let Nothing {} = parameters(params)?;
    let name = "WAYLAND_DISPLAY";
    let (old, new, third) = ("wayland-1", "wayland-2", "wayland-3");
    let mut editor = stage.actor_with("editor", &[(name, old)])?;
    let mut observer = stage.actor("observer")?;
    let pid = i32::try_from(editor.pid()).unwrap_or(0);
    let look = || Order::Getenv(name.to_owned());
    let set = |to: &str| letter(Letter::Set(name.to_owned(), to.to_owned()));
    let file = |pid| letter(Letter::Environ(pid, name.to_owned()));

    stage.part("a");
    let first = value(&stage.call(&mut editor, look())?)?;
    stage.call(&mut editor, set(new))?.done()?;
    let inside = value(&stage.call(&mut editor, look())?)?;
    let outside = stage.decisive(&mut observer, file(Some(pid)))?;
    let outside = behind(outside.told()?, name);
    let own = stage.quietly(&mut editor, &file(None))?;
    let own = behind(own.told()?, name);
    let order = Order::Execute(Environment::Own, name.to_owned());
    let started = stage.quietly(&mut editor, &order)?;
    stage.note("program", "execve(program, environ)", "0");
    stage.note("program", &started.call, &started.text());
    let started = value(&started)?;
    let a = json!({
        "pid": pid, "old": first, "new": new, "inside": inside, "file": outside, "own": own,
        "started": started,
    });

    stage.part("b");
    let mut child = stage.fork(&mut editor, "child")?;
    let copied = value(&stage.call(&mut child, look())?)?;
    let copied_file = stage.quietly(&mut child, &file(None))?;
    let copied_file = behind(copied_file.told()?, name);
    stage.call(&mut child, set(third))?.done()?;
    let changed = value(&stage.call(&mut child, look())?)?;
    let parent = value(&stage.call(&mut editor, look())?)?;
    let order = letter(Letter::Scrawl(name.to_owned()));
    let signs = stage.call(&mut editor, order)?.count()?;
    let scrawled = stage.decisive(&mut observer, file(Some(pid)))?;
    let scrawled = behind(scrawled.told()?, name);
    let after = value(&stage.call(&mut editor, look())?)?;
    let b = json!({
        "copied": copied, "copied_file": copied_file, "third": third, "changed": changed,
        "parent": parent, "signs": "#".repeat(signs), "scrawled": scrawled, "after": after,
    });

    stage.part("c");
    let limit = PAGES_OF_A_STRING * rustix::param::page_size();
    let fits = stage.call(&mut editor, letter(Letter::Weigh(limit)))?;
    let heavy = stage.decisive(&mut editor, letter(Letter::Weigh(limit + 1)))?;
    let c = json!({
        "limit": limit, "over": limit + 1, "page": rustix::param::page_size(),
        "fits": fits.name(), "heavy": heavy.name(),
    });
    Ok(json!({ "a": a, "b": b, "c": c }))
}

/// `environment.filters`: part a, two entries of one name, seen by getenv and by a shell; part b, a
/// program that is started with nothing, and one that runs with a group that is not its own.
pub(super) fn filters(stage: &mut Stage, params: &Map<String, Value>) -> Result<Value, Failure> {
    let Nothing {} = parameters(params)?;
    let name = "DUP";
    let (first, second) = ("first", "second");
    let odd = "ODD";
    let list = [format!("{name}={first}"), format!("{name}={second}")];
    let file = |name: &str| letter(Letter::Environ(None, name.to_owned()));
    let get = |name: &str| Order::Getenv(name.to_owned());
    let mut starter = stage.actor("starter")?;

    stage.part("a");
    let mut program = stage.fork_quietly(&mut starter, "program")?;
    // One string more, without `=`, which the transcript leaves out.
    let order = Letter::Execute([&list[..], &[odd.to_owned()]].concat());
    stage.become_quietly(&mut program, order)?;
    let call = format!("execve(program, [{}])", list.join(", "));
    stage.note("program", &call, "0");
    let both = stage.call(&mut program, file(name))?.told()?.to_owned();
    let got = value(&stage.call(&mut program, get(name))?)?;
    let odd_file = stage.quietly(&mut program, &file(odd))?.told()?.to_owned();
    let odd_got = value(&stage.quietly(&mut program, &get(odd))?)?;
    let order = letter(Letter::Unset(name.to_owned()));
    stage.quietly(&mut program, &order)?.done()?;
    let unset = value(&stage.quietly(&mut program, &get(name))?)?;
    let mut shell = stage.fork_quietly(&mut starter, "sh")?;
    let order = Letter::Wrapped(wrapper("SEEN=$DUP", "; true"), list.to_vec());
    stage.become_program(&mut shell, "sh", order)?;
    let below = "program 2";
    shell.rename(below);
    let seen = value(&stage.decisive(&mut shell, get("SEEN"))?)?;
    let passed = stage.call(&mut shell, file(name))?.told()?.to_owned();
    let a = json!({
        "name": name, "first": first, "second": second, "list": list.join(" "), "both": both,
        "got": got, "seen": seen, "passed": passed, "entry": list[1], "odd": odd,
        "odd_file": odd_file, "odd_got": odd_got, "unset": unset,
    });
    drop(program);
    drop(shell);

    stage.part("b");
    let mut bare = stage.fork_quietly(&mut starter, "bare")?;
    stage.become_program(&mut bare, "bare", Letter::Execute(Vec::new()))?;
    let order = letter(Letter::EnvironSize);
    let size = stage.decisive(&mut bare, order)?.count()?;
    let home = value(&stage.call(&mut bare, get("HOME"))?)?;
    let kept = [
        ("TMPDIR", "/home/me/tmp"),
        ("XDG_RUNTIME_DIR", "/run/user/77"),
    ];
    let list: Vec<String> = kept.iter().map(|(n, v)| format!("{n}={v}")).collect();
    let mut plain = stage.fork_quietly(&mut starter, "plain")?;
    let order = Letter::Execute(list.clone());
    stage.become_quietly(&mut plain, order.clone())?;
    let plain_secure = stage.quietly(&mut plain, &letter(Letter::Secure))?;
    let plain_tmpdir = value(&stage.quietly(&mut plain, &get(kept[0].0))?)?;
    let mut mixed = stage.fork_quietly(&mut starter, "mixed")?;
    let group = nix::unistd::getgid().as_raw() ^ 1;
    let other = stage.call(&mut mixed, letter(Letter::EffectiveGroup(group)))?;
    stage.become_program(&mut mixed, "mixed", order)?;
    let secure = stage.call(&mut mixed, letter(Letter::Secure))?.count()?;
    let tmpdir = value(&stage.call(&mut mixed, get(kept[0].0))?)?;
    let runtime = value(&stage.call(&mut mixed, get(kept[1].0))?)?;
    let handed = stage.quietly(&mut mixed, &file(kept[0].0))?;
    let b = json!({
        "size": size, "home": home, "other": other.name(), "secure": secure,
        "tmpdir": tmpdir, "runtime": runtime, "given": kept[1].1, "given_tmpdir": kept[0].1,
        "handed": handed.told()?, "handed_entry": list[0],
        "plain_secure": plain_secure.count()?, "plain_tmpdir": plain_tmpdir,
    });
    Ok(json!({ "a": a, "b": b }))
}
