//! What is to be said when environments differ: the borders that they cross, why a variable is
//! wrong, and the commands that mend it. Reads `environment.toml`; which case it is, is `probe`'s
//! to find out.
//!
//! Sentences and commands are templates. [`Slots`] says what may stand in them; whatever is filled
//! into a command is quoted for a shell before.

use schemars::JsonSchema;
use serde::Serialize;

use super::expression;
use super::reader::{Located, Reader};

/// What `environment.toml` holds.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Guidance {
    /// Borders between environments.
    pub borders: Vec<Border>,
    /// Reasons why a variable is wrong.
    pub causes: Vec<Cause>,
}

/// Something that processes are started through and that changes their environment.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Border {
    /// Which it is.
    pub id: BorderId,
    /// Its name: `sudo`.
    pub title: String,
    /// Programs (`comm`) that are ancestors of what was started through it.
    pub programs: Vec<String>,
    /// Variables that it sets.
    pub variables: Vec<String>,
    /// The service, by its id, whose sockets show that it is there.
    pub service: Option<String>,
    /// What it does to an environment: sentences.
    pub meaning: String,
}

/// Borders that the probe knows how to look across.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, JsonSchema, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum BorderId {
    /// tmux(1).
    #[default]
    Tmux,
    /// screen(1).
    Screen,
    /// sudo(8).
    Sudo,
    /// su(1).
    Su,
    /// sshd(8).
    Ssh,
    /// systemd's user manager.
    SystemdUser,
}

const BORDERS: &[(&str, BorderId)] = &[
    ("tmux", BorderId::Tmux),
    ("screen", BorderId::Screen),
    ("sudo", BorderId::Sudo),
    ("su", BorderId::Su),
    ("ssh", BorderId::Ssh),
    ("systemd-user", BorderId::SystemdUser),
];

/// A reason why variables are wrong, and what to do.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Cause {
    /// Which it is.
    pub id: CauseId,
    /// What is wrong: one sentence, a template.
    pub title: String,
    /// Why: sentences, a template.
    pub reason: String,
    /// What mends it.
    pub mends: Vec<Mend>,
}

/// Reasons that the probe can tell apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, JsonSchema, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum CauseId {
    /// tmux does not copy the variable from its clients.
    #[default]
    TmuxNotListed,
    /// tmux took it out of the session, because a client that attached did not have it.
    TmuxRemoved,
    /// tmux copies it, and no client has attached since it became right.
    TmuxNotRefreshed,
    /// tmux has it right; this pane was made before.
    TmuxOldPane,
    /// sudo did not hand it on.
    SudoDropped,
    /// The user manager of systemd does not have it.
    ManagerLacks,
    /// `XDG_RUNTIME_DIR` is not set, and the directory is there.
    RuntimeUnset,
    /// `XDG_RUNTIME_DIR` is not set, and there is no directory.
    RuntimeAbsent,
    /// `XDG_RUNTIME_DIR` is not the directory of this user.
    RuntimeNotOurs,
    /// What the variable names is not there or does not answer.
    Dead,
}

const CAUSES: &[(&str, CauseId)] = &[
    ("tmux-not-listed", CauseId::TmuxNotListed),
    ("tmux-removed", CauseId::TmuxRemoved),
    ("tmux-not-refreshed", CauseId::TmuxNotRefreshed),
    ("tmux-old-pane", CauseId::TmuxOldPane),
    ("sudo-dropped", CauseId::SudoDropped),
    ("manager-lacks", CauseId::ManagerLacks),
    ("runtime-unset", CauseId::RuntimeUnset),
    ("runtime-absent", CauseId::RuntimeAbsent),
    ("runtime-not-ours", CauseId::RuntimeNotOurs),
    ("dead", CauseId::Dead),
];

/// A command that mends something. Printed, never run.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Mend {
    /// What it is good for: a clause.
    pub purpose: String,
    /// The command: a template.
    pub command: String,
    /// Once for all variables together, or for each of them.
    pub per: Per,
    /// Only within this border.
    pub within: Option<BorderId>,
}

/// How often a command is given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Per {
    /// Once.
    #[default]
    All,
    /// For each variable whose right value is known.
    Variable,
    /// For each variable and each of tmux's environments that has it wrong.
    Scope,
}

const PERS: &[(&str, Per)] = &[
    ("all", Per::All),
    ("variable", Per::Variable),
    ("scope", Per::Scope),
];

/// What may stand in a template of [`Guidance`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Slots {
    /// Names of the variables.
    pub names: Vec<String>,
    /// The name of one.
    pub name: String,
    /// Its right value, quoted for a shell.
    pub value: String,
    /// What is the matter with it: a clause.
    pub state: String,
    /// Who has the right value: `the client 4711`.
    pub from: String,
    /// The command that reaches the tmux server: `tmux`, or with `-S`.
    pub tmux: String,
    /// Options that choose where tmux keeps its list: `-ga`, or `-a -t '$0'`.
    pub list: String,
    /// Options that choose one of tmux's environments: `-g`, or `-t '$0'`.
    pub scope: String,
    /// The user id.
    pub uid: u32,
}

impl Slots {
    /// Fills a template. What cannot be filled stays as it is: the reader has tried all of them.
    pub fn fill(&self, template: &str) -> String {
        expression::fill(template, self).unwrap_or_else(|_| template.to_owned())
    }
}

impl Guidance {
    pub(super) fn read(top: &mut Reader<'_>) -> Self {
        top.format();
        Self {
            borders: top.tables("border", "a border", |table| Border {
                id: table.choice("id", BORDERS),
                title: table.text("title"),
                programs: words(table.texts("programs")),
                variables: words(table.texts("variables")),
                service: table.optional_text("service").map(|text| text.value),
                meaning: table.text("meaning"),
            }),
            causes: top.tables("cause", "a cause", |table| Cause {
                id: table.choice("id", CAUSES),
                title: template(table, "title"),
                reason: template(table, "reason"),
                mends: table.tables("mend", "a command", |table| Mend {
                    purpose: template(table, "purpose"),
                    command: template(table, "command"),
                    per: table.optional_choice("per", PERS).unwrap_or_default(),
                    within: table.optional_choice("within", BORDERS),
                }),
            }),
        }
    }

    /// The border with this id.
    pub fn border(&self, id: BorderId) -> Option<&Border> {
        self.borders.iter().find(|border| border.id == id)
    }

    /// The cause with this id.
    pub fn cause(&self, id: CauseId) -> Option<&Cause> {
        self.causes.iter().find(|cause| cause.id == id)
    }
}

fn words(list: Vec<Located<String>>) -> Vec<String> {
    list.into_iter().map(|word| word.value).collect()
}

fn template(table: &mut Reader<'_>, key: &'static str) -> String {
    let text = table.located_text(key);
    if let Err(error) = expression::fill(&text.value, &Slots::default()) {
        table.problem(text.span, format!("`{key}`: {error}"), None);
    }
    text.value
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::curriculum::Curriculum;
    use crate::curriculum::source::Source;

    #[test]
    fn every_border_and_every_cause_is_explained() {
        let guidance = Curriculum::load_catalogue(&Source::Embedded)
            .unwrap()
            .guidance;
        for (word, id) in BORDERS {
            assert!(guidance.border(*id).is_some(), "{word}");
        }
        for (word, id) in CAUSES {
            assert!(guidance.cause(*id).is_some(), "{word}");
        }
    }
}
