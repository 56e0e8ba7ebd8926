//! The lessons as pages of the book. They are made from the curriculum and from what the experiments
//! did when the book was made (`book/observed.json`), of which only what does not change from run to
//! run is kept; so the pages are the same on every machine.

use std::collections::BTreeMap;
use std::path::Path;

use ipc_mastery::curriculum::Curriculum;
use ipc_mastery::curriculum::claim::{Backing, Claim};
use ipc_mastery::curriculum::lesson::{Block, Lesson, Part, Shown};
use ipc_mastery::curriculum::module::Module;
use ipc_mastery::curriculum::question::Question;
use ipc_mastery::experiment::judgement::{
    agreed_option, decisive_fact, fill_markdown, fill_picture, ident_url,
};
use ipc_mastery::experiment::{self, Observation};
use ipc_mastery::mastery::proof::{Asked, Given, Key, Tier, Wording};
use ipc_mastery::render::lesson::heading;
use ipc_mastery::render::pages::Medium;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What stands for a value that is another one in each run.
const CHANGES: &str = "…";

/// What the experiments of the lessons did, by lesson.
pub type Observed = BTreeMap<String, Seen>;

/// What one experiment did.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Seen {
    kernel: String,
    /// What it saw; `…` where that changes.
    obs: Value,
    /// The option of each prediction that the kernel agreed with, as `part/prediction`.
    agreed: BTreeMap<String, usize>,
    /// The decisive fact of each part.
    facts: BTreeMap<String, String>,
}

/// Runs every experiment twice. What cannot run here keeps what was seen before.
pub fn observe(curriculum: &Curriculum, program: &Path, before: &Observed) -> Observed {
    let mut observed = Observed::new();
    for lesson in curriculum.lessons() {
        let Some(plan) = &lesson.experiment else {
            continue;
        };
        let run = || experiment::run(&plan.name.value, &plan.params, program);
        let seen = match (run(), run()) {
            (Ok(first), Ok(second)) => seen(lesson, first, &second),
            (Err(error), _) | (_, Err(error)) => {
                eprintln!("skipped: {} cannot run here: {error}", lesson.slug);
                before.get(&lesson.slug).cloned()
            }
        };
        if let Some(seen) = seen {
            observed.insert(lesson.slug.clone(), seen);
        }
    }
    observed
}

/// `None` when a prediction or a fact of the lesson does not fit what was seen.
fn seen(lesson: &Lesson, first: Observation, second: &Observation) -> Option<Seen> {
    let (mut agreed, mut facts) = (BTreeMap::new(), BTreeMap::new());
    for part in &lesson.experiment.as_ref()?.parts {
        for prediction in &part.predictions {
            let key = format!("{}/{}", part.id.value, prediction.id);
            agreed.insert(key, agreed_option(prediction, &first).ok()?);
        }
        if let Some(state) = &part.state {
            let fact = decisive_fact(state, &first).ok()?;
            let same = decisive_fact(state, second).ok()? == fact && !is_mine(&fact);
            let fact = if same { fact } else { CHANGES.to_owned() };
            facts.insert(part.id.value.clone(), fact);
        }
    }
    let mut obs = first.obs;
    keep_what_stays(&mut obs, &second.obs, "");
    let release = first.kernel.split('-').next().unwrap_or_default();
    Some(Seen {
        kernel: release.to_owned(),
        obs,
        agreed,
        facts,
    })
}

/// Whether a text is the session of who makes the book, or the user id: other than root's, which is
/// a plain 0.
fn is_mine(text: &str) -> bool {
    let own = rustix::process::getuid().as_raw();
    let session = rustix::process::getsid(None).map(|id| id.as_raw_nonzero().to_string());
    (own != 0 && text == own.to_string()) || session.is_ok_and(|id| text == id)
}

/// Replaces what differs between two runs, and ids of users, by [`CHANGES`].
fn keep_what_stays(value: &mut Value, other: &Value, name: &str) {
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                keep_what_stays(field, &other[name.as_str()], name);
            }
        }
        // The overflow uid and -1 are the same for everybody.
        _ if ["uid", "gid", "groups"].iter().any(|it| name.contains(it)) => {
            let fixed = [Value::from(-1), Value::from(65534)];
            if !fixed.contains(value) || value != other {
                *value = CHANGES.into();
            }
        }
        _ if value != other || is_mine(&value.to_string()) => *value = CHANGES.into(),
        // Another run may have the same by chance.
        Value::Number(_) if name.contains("inode") => *value = CHANGES.into(),
        Value::Number(number) if name.contains("pid") && number.as_i64() > Some(2) => {
            *value = CHANGES.into();
        }
        _ => {}
    }
}

/// Every page of lessons and modules, by its path in the book.
pub fn pages(curriculum: &Curriculum, observed: &Observed, note: &str) -> Vec<(String, String)> {
    let mut pages = Vec::new();
    for module in taught(curriculum) {
        let name = format!("modules/{}", module.slug);
        pages.push((name, module_page(module, curriculum, note)));
        for lesson in &module.lessons {
            let seen = observed.get(&lesson.slug);
            let page = lesson_page(lesson, module, seen, curriculum, note);
            pages.push((format!("lessons/{}", lesson.slug), page));
        }
    }
    pages
}

/// The summary's lines on lessons.
pub fn summary(curriculum: &Curriculum) -> String {
    let mut out = String::new();
    for module in taught(curriculum) {
        out += &format!("- [{}](modules/{}.md)\n", module.title, module.slug);
        for lesson in &module.lessons {
            out += &format!("  - [{}](lessons/{}.md)\n", lesson.title, lesson.slug);
        }
    }
    out
}

fn taught(curriculum: &Curriculum) -> impl Iterator<Item = &Module> {
    let modules = curriculum.modules.iter();
    modules.filter(|module| !module.lessons.is_empty())
}

fn module_page(module: &Module, curriculum: &Curriculum, note: &str) -> String {
    let mut out = format!("# {}\n\n{note}{}\n", module.title, module.summary.trim());
    out += "\n| lesson | asks | minutes |\n|---|---|---|\n";
    for lesson in &module.lessons {
        out += &format!(
            "| [{}](../lessons/{}.md) | {} | {} |\n",
            lesson.title,
            lesson.slug,
            lesson.asks.trim(),
            lesson.minutes
        );
    }
    let exercises = curriculum.exercises.iter();
    let own = exercises.filter(|exercise| exercise.module.value == module.slug);
    for exercise in own {
        out += &format!(
            "\n**Exercise {}: {}.** {} `ipc-mastery start {}` begins it.\n",
            exercise.number,
            exercise.title,
            exercise.summary.trim(),
            exercise.slug
        );
    }
    out
}

fn lesson_page(
    lesson: &Lesson,
    module: &Module,
    seen: Option<&Seen>,
    curriculum: &Curriculum,
    note: &str,
) -> String {
    let observation = seen.map(|seen| Observation {
        schema: String::new(),
        experiment: String::new(),
        kernel: seen.kernel.clone(),
        calls: Vec::new(),
        obs: seen.obs.clone(),
    });
    let observation = observation.as_ref();
    let mut out = format!("# {}\n\n{note}", lesson.title);
    out += &format!(
        "**{}** *Module [{}](../modules/{}.md), about {} minutes.*\n",
        lesson.asks.trim(),
        module.title,
        module.slug,
        lesson.minutes
    );
    let needs = lesson.needs.iter();
    let needs: Vec<String> = needs
        .filter_map(|slug| curriculum.lesson(&slug.value))
        .map(|it| format!("[{}]({}.md)", it.title, it.slug))
        .collect();
    if !needs.is_empty() {
        out += &format!("\n*Read before: {}.*\n", needs.join(", "));
    }
    if let Some(seen) = seen {
        out += &format!(
            "\n> Values in this text were observed on Linux {}; `{CHANGES}` stands for what is another \
             value in each run. `ipc-mastery learn {}` does the lesson with you, on your own kernel.\n",
            seen.kernel, lesson.slug
        );
    }
    for (index, block) in lesson.blocks.iter().enumerate() {
        out += "\n";
        out += match block {
            Block::Markdown(source) => {
                let source = match index {
                    0 => without_title(source),
                    _ => source,
                };
                filled(source, observation)
            }
            Block::Probe(Shown { name, .. }) => format!(
                "> **On your machine:** `ipc-mastery probe {name}` ([what it shows](../probes.md)).\n"
            ),
            Block::Script(shown) => format!(
                "> **Call by call: {}.** {} `ipc-mastery model step {}` goes through it \
                 ([how to read it](../model.md)).\n",
                shown.title, shown.about, shown.name
            ),
            other => live(lesson, other, seen, observation),
        }
        .trim_matches('\n');
        out += "\n";
    }
    out += &quiz(&lesson.quiz);
    out += &further(lesson, curriculum);
    out
}

fn without_title(source: &str) -> &str {
    match source.trim_start().split_once('\n') {
        Some((title, rest)) if title.starts_with("# ") => rest,
        _ => source,
    }
}

fn filled(source: &str, observation: Option<&Observation>) -> String {
    let filled = fill_markdown(source, observation);
    let filled = filled.or_else(|_| fill_markdown(source, None));
    // What the terminal draws dimly is set high in the book, with the way to what backs it.
    let mark = "<sup>[°](#what-backs-it)</sup>";
    filled
        .expect("without values it is filled")
        .replace("~~°~~", mark)
}

fn live(
    lesson: &Lesson,
    block: &Block,
    seen: Option<&Seen>,
    observation: Option<&Observation>,
) -> String {
    let (Block::Predict(id) | Block::Run(id) | Block::State(id) | Block::Picture(id)) = block
    else {
        return String::new();
    };
    let part = lesson.part(id).expect("it was checked");
    match block {
        Block::Predict(_) => predictions(lesson, part),
        Block::Run(_) => run(lesson, part, seen),
        Block::State(_) => stated(part, seen),
        _ => picture(part, observation),
    }
}

fn lettered(options: &[&str]) -> String {
    let letters = ('A'..='Z').zip(options);
    let lines = letters.map(|(letter, text)| format!("- **{letter}.** {}\n", text.trim()));
    lines.collect()
}

fn letter(index: usize) -> char {
    ('A'..='Z').nth(index).unwrap_or('?')
}

fn folded(title: &str, text: &str) -> String {
    format!(
        "<details>\n<summary>{title}</summary>\n\n{}\n\n</details>\n",
        text.trim()
    )
}

fn predictions(lesson: &Lesson, part: &Part) -> String {
    let mut out = format!("**{}.** {}\n", heading(lesson, part), part.story.trim());
    for prediction in &part.predictions {
        let options: Vec<&str> = prediction
            .options
            .iter()
            .map(|it| it.text.as_str())
            .collect();
        out += &format!(
            "\n**Predict.** {}\n\n{}",
            prediction.prompt.trim(),
            lettered(&options)
        );
    }
    out
}

fn run(lesson: &Lesson, part: &Part, seen: Option<&Seen>) -> String {
    let name = lesson
        .experiment
        .as_ref()
        .map(|plan| plan.name.value.as_str());
    let mut out = format!(
        "> **Run it:** `ipc-mastery try {}` does this on your kernel and shows the calls.\n\n",
        name.unwrap_or_default()
    );
    let Some(seen) = seen else {
        return out;
    };
    let mut answers = String::new();
    for prediction in &part.predictions {
        let key = format!("{}/{}", part.id.value, prediction.id);
        if let Some(&index) = seen.agreed.get(&key)
            && let Some(option) = prediction.options.get(index)
        {
            answers += &format!(
                "- {} **{}.** {}\n",
                prediction.prompt.trim(),
                letter(index),
                option.text.trim()
            );
        }
    }
    out += &folded("What the kernel did", &answers);
    out
}

fn stated(part: &Part, seen: Option<&Seen>) -> String {
    let Some(state) = &part.state else {
        return String::new();
    };
    let fact = seen.and_then(|seen| seen.facts.get(&part.id.value));
    let answer = match fact.map(String::as_str) {
        Some(fact) if fact != CHANGES => format!("`{fact}`"),
        _ => "It is another value in each run: read it in yours.".to_owned(),
    };
    let prompt = state.prompt.trim();
    format!(
        "**State it.** {prompt}\n\n{}",
        folded("The answer", &answer)
    )
}

fn picture(part: &Part, observation: Option<&Observation>) -> String {
    let drawn = observation.and_then(|it| fill_picture(part, it).ok().flatten());
    drawn.map_or_else(String::new, |drawn| format!("```text\n{drawn}\n```\n"))
}

fn quiz(items: &[Question]) -> String {
    let mut out = String::new();
    if items.is_empty() {
        return out;
    }
    out += "\n## Questions\n";
    for (index, item) in items.iter().enumerate() {
        let asked = Asked::alone(item, None);
        let wording = asked.wording(&Value::Null).expect("it was checked");
        let key = asked.key(&Value::Null).expect("it was checked");
        out += &format!("\n**Question {}.** {}\n", index + 1, wording.prompt.trim());
        let lines = (1..).zip(&wording.lines);
        let lines: String = lines
            .map(|(number, line)| format!("{number}. `{line}`\n"))
            .collect();
        if !lines.is_empty() {
            out += &format!("\n{lines}");
        }
        let mut answers = in_short(&wording, &key);
        let tiers = [
            (Tier::Option, &wording.answers, &key.answers, ""),
            (Tier::Reason, &wording.reasons, &key.reasons, "\nBecause:\n"),
        ];
        for (tier, texts, says, before) in tiers {
            if texts.is_empty() {
                continue;
            }
            let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
            out += &format!("{before}\n{}", lettered(&texts));
            for (place, say) in says.iter().enumerate() {
                let right = key.is_right(tier, place);
                let sign = if right { "✓" } else { "✗" };
                if right || !say.is_empty() {
                    answers += &format!("- {sign} **{}.** {}\n", letter(place), say.trim());
                }
            }
        }
        for (number, say) in (1..).zip(&key.lines) {
            answers += &format!("- **{number}.** {}\n", say.trim());
        }
        out += &format!("\n{}", folded("Answer", &answers));
    }
    out
}

/// The right answer, where signs beside the options do not tell it.
fn in_short(wording: &Wording, key: &Key) -> String {
    match &key.solution {
        Given::Chosen(..) => String::new(),
        Given::Places(places) if wording.lines.is_empty() => {
            let letters = places.iter().map(|&place| letter(place).to_string());
            format!("**{}**\n\n", letters.collect::<Vec<_>>().join(" "))
        }
        Given::Places(places) => {
            let pairs = (1..).zip(places);
            let pairs = pairs.map(|(line, &place)| format!("{line} {}", letter(place)));
            format!("**{}**\n\n", pairs.collect::<Vec<_>>().join(", "))
        }
        Given::Text(word) => format!("`{word}`: {}\n", key.why.trim()),
    }
}

fn further(lesson: &Lesson, curriculum: &Curriculum) -> String {
    let mut out = String::new();
    if !lesson.claims.is_empty() {
        out += "\n## What backs it\n\nA sentence with the sign ° is one of these facts. \
                `ipc-mastery try --all` says of each whether it holds on your kernel.\n\n";
        for claim in &lesson.claims {
            out += &format!("- {} {}\n", claim.says.trim(), backing(lesson, claim));
        }
    }
    let exercises = lesson.exercises.iter();
    let exercises: Vec<String> = exercises
        .filter_map(|slug| curriculum.exercise(&slug.value))
        .map(|it| format!("{} (`ipc-mastery start {}`)", it.title, it.slug))
        .collect();
    let idents = lesson.idents.iter();
    let idents: Vec<String> = idents
        .map(|it| format!("[`{}`]({})", it.value, ident_url(&it.value, None)))
        .collect();
    if exercises.is_empty() && idents.is_empty() {
        return out;
    }
    out += "\n## Further\n\n";
    if !exercises.is_empty() {
        out += &format!("- Write it: {}\n", exercises.join(", "));
    }
    if !idents.is_empty() {
        out += &format!("- In the kernel's source: {}\n", idents.join(", "));
    }
    out
}

fn backing(lesson: &Lesson, claim: &Claim) -> String {
    let mut out = match &claim.backing {
        Backing::Holds(_) => {
            let plan = lesson.experiment.as_ref();
            let name = plan.map_or("", |plan| plan.name.value.as_str());
            format!("*Shown by the experiment `{name}`.*")
        }
        Backing::Reference { page, ident } => {
            let page = Medium::Book.page(page);
            let ident = ident.as_ref().map(|name| Medium::Book.ident(name));
            let ident = ident.map_or_else(String::new, |link| format!(", {link}"));
            format!("*Written in {page}{ident}.*")
        }
    };
    if let Some(range) = &claim.range {
        out += &format!(" {}", range.otherwise.trim());
    }
    out
}
