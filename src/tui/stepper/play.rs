//! Free play on the screen: a prompt in which calls are typed, the script that they become, and what
//! this kernel answered to each. Pure: making the calls is an effect.

use std::collections::BTreeMap;
use std::sync::Arc;

use tui_input::{Input, InputRequest};

use crate::curriculum::problem::SourceFile;
use crate::differential::play::{Reply, Turn, refusal};
use crate::model::id::Pid;
use crate::model::kernel::Kernel;
use crate::model::run::Run;
use crate::model::script::{Action as Deed, Line, Mistake, Script, usages};
use crate::model::settings::Settings;
use crate::tui::effect::Effect;
use crate::tui::probes::Typing;

/// A play.
#[derive(Debug)]
pub struct Play {
    /// Tells plays apart.
    pub id: u64,
    /// What is typed.
    pub field: Input,
    /// Whether the prompt has the keys.
    pub typing: Typing,
    /// What was answered, by step.
    pub replies: BTreeMap<usize, Result<Reply, String>>,
    /// What is wrong with the line, or what it could go on with: sentences.
    pub remark: Vec<String>,
    /// Who plays: user and group.
    pub user: (u32, u32),
    /// Every line that was taken.
    typed: Vec<String>,
    /// Which of them is in the prompt.
    recalled: Option<usize>,
}

/// A line that was taken.
#[derive(Debug, Default)]
pub struct Taken {
    /// The script with it.
    pub text: String,
    /// The run from its start, when it had to begin anew.
    pub anew: Option<Run>,
    /// The steps that came to it.
    pub steps: Vec<Line>,
}

impl Play {
    /// A play in which nothing was done.
    pub fn new(id: u64, user: (u32, u32)) -> Self {
        Self {
            id,
            field: Input::default(),
            typing: Typing::Yes,
            replies: BTreeMap::new(),
            remark: Vec::new(),
            user,
            typed: Vec::new(),
            recalled: None,
        }
    }

    /// The model before the first call: its first process is whoever plays.
    pub fn kernel(&self, script: &Script) -> Kernel {
        let mut kernel = script.kernel(Arc::new(Settings::default()));
        kernel.give_ids(Pid(0), self.user.0, self.user.1);
        kernel
    }

    /// Hands a key to the prompt.
    pub fn type_in(&mut self, request: InputRequest) {
        self.field.handle(request);
        self.remark.clear();
        self.recalled = None;
    }

    /// The way back through what was typed, and forth.
    pub fn recall(&mut self, back: Way) {
        let place = match (self.recalled, back) {
            (None, Way::Back) => self.typed.len().checked_sub(1),
            (None, Way::Forth) => None,
            (Some(place), Way::Back) => Some(place.saturating_sub(1)),
            (Some(place), Way::Forth) => Some(place + 1).filter(|&next| next < self.typed.len()),
        };
        let line = place.and_then(|place| self.typed.get(place)).cloned();
        self.recalled = place;
        self.remark.clear();
        self.field = Input::new(line.unwrap_or_default());
    }

    /// How the call that is being typed is written.
    pub fn usage(&self) -> Option<&'static str> {
        let name = last_name(self.field.value());
        let mut usages = usages().iter();
        let known = usages.find(|(known, _)| *known == name);
        known.map(|(_, usage)| *usage)
    }

    /// Completes the name of the call, as far as it is clear which is meant.
    pub fn complete(&mut self) {
        let line = self.field.value().to_owned();
        let (before, name) = match line.split_once(": ") {
            Some((who, name)) => (format!("{who}: "), name),
            None => (String::new(), line.as_str()),
        };
        if name.contains(' ') {
            return;
        }
        let known = usages().iter().map(|(known, _)| *known);
        let further = ["collect", "process", "repeat"];
        let fits: Vec<&str> = known
            .chain(further)
            .filter(|known| known.starts_with(name))
            .collect();
        self.remark.clear();
        match fits[..] {
            [] => self.remark.push(format!("No call begins with `{name}`.")),
            [only] => self.field = Input::new(format!("{before}{only} ")),
            [first, ..] => {
                let common = (0..=first.len())
                    .rev()
                    .find(|&len| fits.iter().all(|one| one.get(..len) == first.get(..len)));
                let common = &first[..common.unwrap_or(0)];
                self.field = Input::new(format!("{before}{common}"));
                self.remark.push(fits.join("  "));
            }
        }
    }

    /// Takes the line that was typed, where it is right; what it adds to the script `source`.
    pub fn take(&mut self, source: &str, run: &Run) -> Option<Taken> {
        let line = self.field.value().trim().to_owned();
        if line.is_empty() {
            return None;
        }
        let text = format!("{source}{line}\n");
        let script = match Script::parse(&text) {
            Ok(script) => script,
            Err(mistake) => {
                self.complain(&mistake);
                return None;
            }
        };
        let known = run.steps().len();
        let steps = script.lines.get(known..).unwrap_or_default().to_vec();
        let why = steps.iter().find_map(|step| match &step.action {
            Deed::Call { call, .. } => refusal(call),
            Deed::Collect
            | Deed::Woken { .. }
            | Deed::Interrupted { .. }
            | Deed::Expired { .. } => None,
        });
        if let Some(why) = why {
            self.remark = vec![why];
            return None;
        }
        if line.starts_with('=') {
            self.remark =
                vec!["What a call answers is asked here, and need not be said.".to_owned()];
            return None;
        }
        self.remark.clear();
        self.field = Input::default();
        self.recalled = None;
        self.typed.push(line);
        let anew = (known == 0).then(|| Run::begun(self.kernel(&script)));
        Some(Taken { text, anew, steps })
    }

    /// Says what is wrong with a line.
    pub fn complain(&mut self, mistake: &Mistake) {
        let mut message = mistake.message.clone();
        if let Some(first) = message.get(..1) {
            let capital = first.to_uppercase();
            message.replace_range(..1, &capital);
        }
        self.remark = vec![format!("{message}.")];
        self.remark.extend(mistake.help.clone());
    }
}

/// A direction through what was typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// To what was typed before.
    Back,
    /// To what was typed after.
    Forth,
}

/// The name of the call in a line.
fn last_name(line: &str) -> &str {
    let call = line.split_once(": ").map_or(line, |(_, call)| call);
    call.split_whitespace().next().unwrap_or_default()
}

/// What has a step made on the kernel.
pub fn turn(id: u64, place: usize, step: &Line, script: &Script) -> Effect {
    let processes = script.processes.iter().map(|(pid, user)| (pid.0, *user));
    Effect::Play {
        id,
        processes: processes.collect(),
        place,
        turn: Turn::of(step),
    }
}

/// The file that a play is, until it is kept.
pub fn file(text: String) -> Arc<SourceFile> {
    Arc::new(SourceFile {
        name: "free play".to_owned(),
        text,
    })
}
