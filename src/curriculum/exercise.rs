//! An exercise: its stages, rules, diagnoses, hints. Reads `exercise.toml`, `common.toml`,
//! `languages.toml` and `mutants.toml`. What is done with them is [`crate::check`]'s.

use serde::Serialize;

use super::expression;
use super::lesson::expression_text;
use super::problem::did_you_mean;
use super::reader::{Located, Reader};
use super::scenario::{SocketType, Step};
use super::source::StoredFile;

/// A program the learner writes.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Exercise {
    /// Its fixed number; `exercise-3` names it.
    pub number: u32,
    /// Its slug: the directory without the leading number.
    pub slug: String,
    /// Its title.
    pub title: String,
    /// The slug of the module it belongs to.
    pub module: Located<String>,
    /// What it is: a sentence.
    pub summary: String,
    /// The part the program plays.
    pub role: Role,
    /// The type of socket at its address.
    #[serde(rename = "type")]
    pub socket: SocketType,
    /// What kind of name its address is.
    pub names: Names,
    /// What it is started with, with [`PLACEHOLDERS`] in it; `None`: what its role says.
    pub arguments: Option<Vec<String>>,
    /// What bytes that are sent to it make due.
    pub answers: Answers,
    /// What isolation must leave as it is for this exercise to be judged.
    pub needs: Vec<Need>,
    /// Languages it can be started in, by id.
    pub languages: Vec<Located<String>>,
    /// Lessons to read first, by slug.
    pub lessons: Vec<Located<String>>,
    /// What must hold.
    pub rules: Vec<Rule>,
    /// What may be wrong, most telling first.
    pub diagnoses: Vec<Diagnosis>,
    /// In the order they are shown.
    pub stages: Vec<Stage>,
    /// The task, as markdown.
    pub task: String,
    /// What to read after passing, as markdown.
    pub explanation: String,
    /// What proves the diagnoses.
    #[serde(skip)]
    pub proof: Proof,
    /// The files of `starter/`, `solution/` and `given/`, named from there: `starter/c/main.c`.
    #[serde(skip)]
    pub files: Vec<StoredFile>,
}

/// The part a program plays in a conversation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// It listens at `{socket}`, and is ready when that is a listening socket.
    #[default]
    Server,
    /// It connects to `{socket}`.
    Client,
    /// Its standard input and output are one connected stream socket.
    Filter,
    /// Its descriptor 3 is a connected stream socket.
    Pair,
    /// Its descriptor 3 is a socket that listens at `{socket}` (sd_listen_fds(3)).
    Activated,
    /// It runs and ends by itself.
    Tool,
}

/// The kind of name that a program's address is (unix(7)).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Names {
    /// A path: what `{socket}` stands for.
    #[default]
    Path,
    /// An abstract name: what `{name}` stands for, without the NUL in front.
    Abstract,
}

/// What bytes that are sent to a program make due.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answers {
    /// Only what a step says.
    #[default]
    AsTold,
    /// The same bytes, on the same connection.
    Echo,
}

/// What an exercise teaches that isolation could change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Need {
    /// SO_PEERCRED and SCM_CREDENTIALS show processes of the other side: no pid namespace between.
    PeerPid,
    /// Other users have their own ids: no user namespace between.
    Users,
    /// The program may make namespaces of its own (unshare(2)).
    Namespaces,
}

/// What may stand in an argument: the address, a second address beside it, a file made by
/// `write-file`, the private directory, an abstract name, the program's group id.
pub const PLACEHOLDERS: &[&str] = &[
    "{socket}", "{other}", "{file}", "{dir}", "{name}", "{group}",
];

impl Role {
    /// What a program of this role is started with when its exercise does not say.
    pub fn arguments(self) -> Vec<String> {
        match self {
            Self::Server | Self::Client => vec!["{socket}".to_owned()],
            Self::Filter | Self::Pair | Self::Activated | Self::Tool => Vec::new(),
        }
    }

    /// Whether it makes the socket at `{socket}` itself.
    pub fn listens(self) -> bool {
        self == Self::Server
    }
}

/// What must hold.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Rule {
    /// Unique in the exercise, or in `common.toml`.
    pub id: Located<String>,
    /// A sentence.
    pub requirement: String,
    /// Man page section, or kernel function.
    pub reference: String,
}

/// What may be wrong, and what a tutor would say.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Diagnosis {
    /// Unique in the exercise and in `common.toml`.
    pub id: Located<String>,
    /// The rule it breaks, by id.
    pub rule: Located<String>,
    /// An expression over the observation.
    pub when: Located<String>,
    /// What was seen and what it means: a template over the observation.
    pub say: String,
    /// Where to look: a template over the observation.
    pub look: String,
    /// Slug of a lesson to read on, if one teaches it.
    pub lesson: Option<Located<String>>,
}

/// One step of an exercise as the learner sees it.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Stage {
    /// Unique in the exercise.
    pub id: Located<String>,
    /// A fact that holds when it is passed: "echoes every byte value".
    pub title: String,
    /// What is tested, in a sentence or two.
    pub tests: String,
    /// Stages that must pass first, by id.
    pub after: Vec<Located<String>>,
    /// Whether the exercise can be passed without it.
    pub bonus: bool,
    /// What isolation must leave as it is for this stage to be judged, beside the exercise's.
    pub needs: Vec<Need>,
    /// Length of the address's path in bytes, without a terminating NUL; `None`: short.
    pub path_bytes: Option<u64>,
    /// What is done.
    pub steps: Vec<Step>,
    /// Help, weakest first.
    pub hints: Hints,
    /// Shell commands that do the same by hand: a template over `socket` (a path) and `program`.
    pub by_hand: String,
}

/// Look, Think, Show.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Hints {
    /// Where the evidence is.
    pub look: String,
    /// The mechanism, without identifiers to type.
    pub think: String,
    /// A worked answer to a sister problem.
    pub show: String,
}

/// What proves that the diagnoses are right: `mutants.toml`.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Proof {
    /// The diagnosis that every starter must be given first, by id.
    pub starter: Option<Located<String>>,
    /// Variants of the solutions.
    pub mutants: Vec<Mutant>,
    /// Faults that no test can show.
    pub not_provable: Vec<NotProvable>,
}

/// A fault that no test of ours can show.
#[derive(Clone, Debug, Default, Serialize)]
pub struct NotProvable {
    /// The row of the mutant catalogue, or what is broken.
    pub row: String,
    /// Why: sentences.
    pub reason: String,
}

/// A solution with one deliberate fault, or one that is correct in an unusual way.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Mutant {
    /// Unique in the exercise.
    pub id: Located<String>,
    /// The language's id.
    pub lang: Located<String>,
    /// The replacements, in order; each must match exactly once.
    pub edits: Vec<Edit>,
    /// The diagnosis it must fail with first, by id; [`Mutant::PASS`] for a correct one.
    pub expect: Located<String>,
    /// The stage in which it must fail first; none where it passes, or where that is not told.
    pub stage: Option<Located<String>>,
    /// The row of the mutant catalogue it stands for.
    pub row: String,
}

/// One replacement in a file of the solution.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Edit {
    /// The file, relative to the solution of that language.
    pub file: String,
    /// What is replaced; occurs exactly once.
    pub find: String,
    /// What replaces it.
    pub replace: String,
}

/// What all exercises share.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Common {
    /// Rules any program can break.
    pub rules: Vec<Rule>,
    /// Diagnoses that are tried after the exercise's own.
    pub diagnoses: Vec<Diagnosis>,
    /// What is said of what the compiler's sanitizers find.
    pub findings: Vec<FindingWords>,
}

/// What is said of a kind of finding of the compiler's sanitizers.
#[derive(Clone, Debug, Default, Serialize)]
pub struct FindingWords {
    /// `stack-buffer-overflow` and its like; `any`: all that no other entry names.
    pub kind: Located<String>,
    /// The sentence, a template over the finding.
    pub say: String,
}

/// How programs of a language are built and run.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Language {
    /// `c`, `rust`, `python`.
    pub id: Located<String>,
    /// Its name.
    pub name: String,
    /// The file a learner edits first, relative to the program's directory.
    pub main: String,
    /// Programs it needs on the PATH, the first being the one that builds or runs.
    pub tools: Vec<String>,
    /// The build command; `{dir}` is the program's directory, `{out}` the file to make, `{cache}`
    /// a directory shared by all programs of the language. Empty: nothing is built.
    pub build: Vec<String>,
    /// The build command with the compiler's sanitizers, always with `{out}`; empty: there are none.
    pub sanitize: Vec<String>,
    /// Where the build leaves the program, if not at `{out}`.
    pub built: Option<String>,
    /// The command that makes later builds work offline; empty: none needed.
    pub prepare: Vec<String>,
    /// The run command, before the exercise's arguments.
    pub run: Vec<String>,
    /// Files given to every program of the language, named from `exercises/languages/ID/`.
    #[serde(skip)]
    pub files: Vec<StoredFile>,
}

impl Exercise {
    /// A file of a solution, also one that it has in common with the starter: `c/main.c`.
    pub fn file_of_solution(&self, name: &str) -> Option<&StoredFile> {
        let within = |kind: &str| {
            let name = format!("{kind}/{name}");
            self.files.iter().find(move |file| file.name == name)
        };
        within("solution").or_else(|| within("given"))
    }

    pub(super) fn read(top: &mut Reader<'_>) -> Self {
        top.format();
        let role = top.choice("role", ROLES);
        Self {
            number: top.integer("number", 1..1000) as u32,
            title: top.text("title"),
            module: top.located_text("module"),
            summary: top.text("summary"),
            role,
            socket: top
                .optional_choice("type", SocketType::WORDS)
                .unwrap_or_default(),
            names: top.optional_choice("names", NAMES).unwrap_or_default(),
            arguments: arguments(top),
            answers: top.optional_choice("answers", ANSWERS).unwrap_or_default(),
            needs: needs(top),
            languages: top.texts("languages"),
            lessons: top.texts("lessons"),
            rules: top.tables("rule", "a rule", read_rule),
            diagnoses: top.tables("diagnosis", "a diagnosis", read_diagnosis),
            stages: top.tables("stage", "a stage", |stage| read_stage(stage, role)),
            ..Self::default()
        }
    }

    pub(super) fn read_proof(top: &mut Reader<'_>) -> Proof {
        top.format();
        Proof {
            starter: Some(top.located_text("starter")),
            mutants: top.tables("mutant", "a mutant", |mutant| Mutant {
                id: mutant.located_text("id"),
                lang: mutant.located_text("lang"),
                edits: mutant.tables("edit", "an edit", |edit| Edit {
                    file: edit.text("file"),
                    find: edit.text("find"),
                    replace: edit
                        .optional_text("replace")
                        .map(|text| text.value)
                        .unwrap_or_default(),
                }),
                expect: mutant.located_text("expect"),
                stage: mutant.optional_text("stage"),
                row: mutant.text("row"),
            }),
            not_provable: top.tables("not_provable", "a fault", |fault| NotProvable {
                row: fault.text("row"),
                reason: fault.text("reason"),
            }),
        }
    }

    /// What a program is started with.
    pub fn arguments(&self) -> Vec<String> {
        let usual = || match (self.role.listens(), self.names) {
            (true, Names::Abstract) => vec!["{name}".to_owned()],
            _ => self.role.arguments(),
        };
        self.arguments.clone().unwrap_or_else(usual)
    }

    /// `exercise-3`: the name that never changes.
    pub fn name(&self) -> String {
        format!("exercise-{}", self.number)
    }

    /// The stage with this id.
    pub fn stage(&self, id: &str) -> Option<&Stage> {
        self.stages.iter().find(|stage| stage.id.value == id)
    }
}

impl Mutant {
    /// What a mutant expects that must pass all stages.
    pub const PASS: &str = "pass";
}

impl Common {
    pub(super) fn read(top: &mut Reader<'_>) -> Self {
        top.format();
        Self {
            rules: top.tables("rule", "a rule", read_rule),
            diagnoses: top.tables("diagnosis", "a diagnosis", read_diagnosis),
            findings: top.tables("finding", "a finding", |table| FindingWords {
                kind: table.located_text("kind"),
                say: table.text("say"),
            }),
        }
    }
}

impl Language {
    pub(super) fn read_all(top: &mut Reader<'_>) -> Vec<Self> {
        fn words(table: &mut Reader<'_>, key: &'static str) -> Vec<String> {
            table
                .texts(key)
                .into_iter()
                .map(|word| word.value)
                .collect()
        }
        top.format();
        top.tables("language", "a language", |table| Self {
            id: table.located_text("id"),
            name: table.text("name"),
            main: table.text("main"),
            tools: words(table, "tools"),
            build: words(table, "build"),
            sanitize: words(table, "sanitize"),
            built: table.optional_text("built").map(|built| built.value),
            prepare: words(table, "prepare"),
            run: words(table, "run"),
            files: Vec::new(),
        })
    }
}

const ROLES: &[(&str, Role)] = &[
    ("server", Role::Server),
    ("client", Role::Client),
    ("filter", Role::Filter),
    ("pair", Role::Pair),
    ("activated", Role::Activated),
    ("tool", Role::Tool),
];

const NAMES: &[(&str, Names)] = &[("path", Names::Path), ("abstract", Names::Abstract)];

const ANSWERS: &[(&str, Answers)] = &[("as-told", Answers::AsTold), ("echo", Answers::Echo)];

const NEEDS: &[(&str, Need)] = &[
    ("peer-pid", Need::PeerPid),
    ("users", Need::Users),
    ("namespaces", Need::Namespaces),
];

fn needs(table: &mut Reader<'_>) -> Vec<Need> {
    let known = NEEDS.iter().map(|(word, _)| *word);
    let words = table.texts("needs");
    words
        .into_iter()
        .filter_map(|word| {
            let found = NEEDS.iter().find(|(known, _)| *known == word.value);
            if found.is_none() {
                let message = format!("there is no need `{}`", word.value);
                let help = did_you_mean(&word.value, known.clone());
                table.problem(word.span, message, help);
            }
            found.map(|(_, need)| *need)
        })
        .collect()
}

/// The arguments a program is started with, each with known placeholders only.
pub(super) fn arguments(table: &mut Reader<'_>) -> Option<Vec<String>> {
    if !table.has("arguments") {
        return None;
    }
    let words = table.texts("arguments");
    for word in &words {
        let rest = PLACEHOLDERS
            .iter()
            .fold(word.value.clone(), |text, known| text.replace(known, ""));
        if rest.contains(['{', '}']) {
            let help = Some(format!("Known are {}.", PLACEHOLDERS.join(", ")));
            table.problem(word.span.clone(), "there is no such placeholder", help);
        }
    }
    Some(words.into_iter().map(|word| word.value).collect())
}

fn read_rule(table: &mut Reader<'_>) -> Rule {
    Rule {
        id: table.located_text("id"),
        requirement: table.text("requirement"),
        reference: table.text("reference"),
    }
}

fn read_diagnosis(table: &mut Reader<'_>) -> Diagnosis {
    Diagnosis {
        id: table.located_text("id"),
        rule: table.located_text("rule"),
        when: expression_text(table, "when"),
        say: template_text(table, "say"),
        look: template_text(table, "look"),
        lesson: table.optional_text("lesson"),
    }
}

fn read_stage(table: &mut Reader<'_>, role: Role) -> Stage {
    Stage {
        id: table.located_text("id"),
        title: table.text("title"),
        tests: table.text("tests"),
        after: table.texts("after"),
        bonus: table.flag("bonus"),
        needs: needs(table),
        path_bytes: table
            .optional_integer("path_bytes", 40..4096)
            .map(|bytes| bytes as u64),
        steps: table.tables("step", "a step", |step| Step::read(step, role)),
        hints: table
            .table("hints", "the hints", |hints| Hints {
                look: hints.text("look"),
                think: hints.text("think"),
                show: hints.text("show"),
            })
            .unwrap_or_default(),
        by_hand: template_text(table, "by_hand"),
    }
}

fn template_text(table: &mut Reader<'_>, key: &'static str) -> String {
    let text = table.located_text(key);
    if let Err(error) = expression::check_template(&text.value) {
        let message = format!("`{key}` is not a template: {error}");
        table.problem(text.span.clone(), message, None);
    }
    text.value
}
