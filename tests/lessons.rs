//! Every shipped lesson against the kernel and against the style guide, as far as a program can.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use ipc_mastery::commands::context::PROBES;
use ipc_mastery::curriculum::lesson::{Block, Lesson};
use ipc_mastery::curriculum::problem::Problems;
use ipc_mastery::curriculum::question::{Form, Question};
use ipc_mastery::curriculum::source::Source;
use ipc_mastery::curriculum::{Curriculum, LoadError};
use ipc_mastery::experiment::judgement::{
    agreed_option, decisive_fact, fill_markdown, fill_picture, stated_right,
};
use ipc_mastery::experiment::{Observation, lint, run};
use ipc_mastery::mastery::proof::{Asked, Given};
use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};
use serde_json::Value;

fn curriculum() -> Curriculum {
    match Curriculum::load(&Source::Embedded) {
        Ok(curriculum) => curriculum,
        Err(LoadError::Problems(problems)) => panic!("{problems}"),
        Err(error) => panic!("{error}"),
    }
}

fn observe(lesson: &Lesson) -> Option<Observation> {
    let plan = lesson.experiment.as_ref()?;
    let program = Path::new(env!("CARGO_BIN_EXE_ipc-mastery"));
    match run(&plan.name.value, &plan.params, program) {
        Ok(observation) => Some(observation),
        Err(error) => panic!("{}: {error}", lesson.slug),
    }
}

/// What the kernel agreed with, by part and prediction.
fn agreed(lesson: &Lesson, observation: &Observation) -> Vec<usize> {
    let plan = lesson.experiment.as_ref().expect("has an experiment");
    plan.parts
        .iter()
        .flat_map(|part| &part.predictions)
        .map(|prediction| {
            agreed_option(prediction, observation)
                .unwrap_or_else(|error| panic!("{}: {error}", lesson.slug))
        })
        .collect()
}

fn markdown(lesson: &Lesson) -> String {
    let blocks = lesson.blocks.iter().filter_map(|block| match block {
        Block::Markdown(text) => Some(text.as_str()),
        _ => None,
    });
    blocks.collect::<Vec<_>>().join("\n")
}

/// The words of running text: no headings, code listings or tables. Sections by heading.
fn prose(markdown: &str) -> BTreeMap<String, String> {
    let mut sections = BTreeMap::from([(String::new(), String::new())]);
    let mut heading = String::new();
    let (mut in_heading, mut skipping) = (false, 0);
    for event in Parser::new_ext(markdown, Options::ENABLE_TABLES) {
        match event {
            Event::Start(Tag::Heading { level, .. }) => {
                in_heading = true;
                skipping += usize::from(level as usize == 1);
                if level as usize > 1 {
                    heading.clear();
                }
            }
            Event::End(TagEnd::Heading(level)) => {
                in_heading = false;
                skipping -= usize::from(level as usize == 1);
            }
            Event::Start(Tag::Table(_) | Tag::CodeBlock(CodeBlockKind::Fenced(_))) => skipping += 1,
            Event::End(TagEnd::Table | TagEnd::CodeBlock) => skipping -= 1,
            Event::Text(text) | Event::Code(text) if skipping == 0 => {
                if in_heading {
                    heading.push_str(&text);
                } else {
                    sections.entry(heading.clone()).or_default().push_str(&text);
                }
            }
            Event::SoftBreak | Event::HardBreak | Event::End(TagEnd::Paragraph | TagEnd::Item)
                if skipping == 0 =>
            {
                sections.entry(heading.clone()).or_default().push(' ');
            }
            _ => {}
        }
    }
    sections
}

fn words(text: &str) -> usize {
    text.split_whitespace()
        .filter(|word| word.chars().any(char::is_alphanumeric))
        .count()
}

/// All complaints of a check over all lessons, so that an author sees every one at once.
fn complaints(mut check: impl FnMut(&Lesson, &mut Vec<String>)) {
    let mut all = Vec::new();
    for lesson in curriculum().lessons() {
        let mut found = Vec::new();
        check(lesson, &mut found);
        all.extend(found.iter().map(|text| format!("{}: {text}", lesson.slug)));
    }
    assert!(all.is_empty(), "\n{}", all.join("\n"));
}

#[test]
fn lessons_name_only_what_exists_and_fill_no_slot_too_early() {
    let files = Source::Embedded.files().expect("embedded");
    let problems = lint::problems(&curriculum(), &files, &PROBES);
    assert!(problems.is_empty(), "\n{}", Problems(problems));
}

#[test]
fn this_kernel_agrees_with_exactly_one_option_of_every_prediction() {
    for lesson in curriculum().lessons() {
        if let Some(observation) = observe(lesson) {
            agreed(lesson, &observation);
        }
    }
}

#[test]
fn twenty_runs_agree_with_the_same_options() {
    for lesson in curriculum().lessons() {
        let Some(first) = observe(lesson) else {
            continue;
        };
        let expected = agreed(lesson, &first);
        for _ in 1..20 {
            let again = observe(lesson).expect("has an experiment");
            assert_eq!(agreed(lesson, &again), expected, "{}", lesson.slug);
        }
    }
}

#[test]
fn every_fact_to_state_is_there_and_only_the_fact_is_right() {
    for lesson in curriculum().lessons() {
        let Some(observation) = observe(lesson) else {
            continue;
        };
        for part in &lesson.experiment.as_ref().expect("has one").parts {
            let state = part.state.as_ref().expect("each part has a fact to state");
            let fact = decisive_fact(state, &observation).expect("evaluates");
            assert!(!fact.is_empty(), "{}", lesson.slug);
            assert_eq!(stated_right(state, &observation, &fact), Ok(true));
            assert_eq!(
                stated_right(state, &observation, "something else"),
                Ok(false)
            );
        }
    }
}

/// Facts that the marked line shows in another form, or with another line: lesson, part, the reason.
const NOT_ON_THE_MARKED_LINE: [(&str, &str, &str); 2] = [
    (
        "what-a-unix-socket-is",
        "b",
        "a count; the line says `no descriptor`",
    ),
    (
        "losing-descriptors",
        "a",
        "a count; the line lists the descriptors",
    ),
];

/// Whether a value stands on a line as a word of its own.
fn stands_on(line: &str, value: &str) -> bool {
    let joins = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
    line.match_indices(value).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + value.len()..].chars().next();
        !before.is_some_and(joins) && !after.is_some_and(joins)
    })
}

#[test]
fn the_marked_line_of_a_trace_shows_the_fact_to_state() {
    complaints(|lesson, found| {
        let Some(observation) = observe(lesson) else {
            return;
        };
        for part in &lesson.experiment.as_ref().expect("has one").parts {
            let id = part.id.value.as_str();
            let state = part.state.as_ref().expect("each part has a fact to state");
            let fact = decisive_fact(state, &observation).expect("evaluates");
            let mut marked = observation.part(id).filter(|call| call.decisive);
            let line = marked.next().expect("one line is marked");
            let line = format!("{} = {}", line.call, line.result);
            let exempt = NOT_ON_THE_MARKED_LINE
                .iter()
                .any(|(slug, part, _)| *slug == lesson.slug && *part == id);
            if stands_on(&line, &fact) == exempt {
                found.push(format!("part {id}: `{fact}` and the marked line `{line}`"));
            }
        }
    });
}

#[test]
fn every_slot_and_picture_fills_and_pictures_fit_eight_lines_of_seventy_six_columns() {
    complaints(|lesson, found| {
        let observation = observe(lesson);
        if let Err(error) = fill_markdown(&markdown(lesson), observation.as_ref()) {
            found.push(error.to_string());
        }
        let Some(observation) = observation else {
            return;
        };
        let parts = &lesson.experiment.as_ref().expect("has one").parts;
        let mut pictures = 0;
        for part in parts {
            match fill_picture(part, &observation) {
                Err(error) => found.push(error.to_string()),
                Ok(None) => {}
                Ok(Some(picture)) => {
                    pictures += 1;
                    let wide = picture.lines().any(|line| line.chars().count() > 76);
                    if picture.lines().count() > 8 || wide {
                        found.push(format!("the picture is too large:\n{picture}"));
                    }
                    let shown = Block::Picture(part.id.value.clone());
                    if !lesson.blocks.contains(&shown) {
                        found.push(format!(
                            "the picture of part {} is not shown",
                            part.id.value
                        ));
                    }
                }
            }
        }
        if pictures == 0 {
            found.push("has an experiment and no picture".into());
        }
    });
}

#[test]
fn a_lesson_asks_one_short_question_and_its_last_sentence_answers_it() {
    complaints(|lesson, found| {
        let count = words(&lesson.asks);
        if count == 0 || count > 20 || !lesson.asks.ends_with('?') {
            found.push(format!("asks {count} words"));
        }
        let text = markdown(lesson);
        let last = text.trim_end().rsplit("\n\n").next().unwrap_or_default();
        let last = last.split_whitespace().collect::<Vec<_>>().join(" ");
        if last != lesson.answer {
            found.push(format!(
                "ends with:\n  {last}\nand answers:\n  {}",
                lesson.answer
            ));
        }
    });
}

#[test]
fn prose_keeps_its_budget() {
    complaints(|lesson, found| {
        // Values are not prose: they stand as one sign each.
        let source = fill_markdown(&markdown(lesson), None).expect("fills");
        let sections = prose(&source);
        let total: usize = sections.values().map(|text| words(text)).sum();
        let budget = if lesson.experiment.is_some() {
            500..=800
        } else {
            250..=800
        };
        if !budget.contains(&total) {
            found.push(format!("{total} words"));
        }
        let hook = source.split("\n\n").nth(1).unwrap_or_default();
        if !(35..=90).contains(&words(hook)) {
            found.push(format!("the hook has {} words", words(hook)));
        }
        if lesson.experiment.is_none() {
            return;
        }
        let kernel = sections.get("In the kernel").map_or(0, |text| words(text));
        if !(60..=120).contains(&kernel) {
            found.push(format!("`In the kernel` has {kernel} words"));
        }
        let uses = source
            .split("## What you may build on it")
            .nth(1)
            .map_or(0, |part| part.matches("\n- **").count());
        if !(3..=5).contains(&uses) {
            found.push(format!("{uses} uses"));
        }
    });
}

/// The listing of a lesson's text, and the program that reads it.
fn listing(markdown: &str) -> Option<(&'static str, &str)> {
    [("```python\n", "python3"), ("```sh\n", "sh")]
        .into_iter()
        .find_map(|(fence, program)| {
            let (_, rest) = markdown.split_once(fence)?;
            Some((program, rest.split_once("```")?.0))
        })
}

fn is_installed(program: &str) -> bool {
    let mut paths = std::env::var_os("PATH").into_iter();
    paths.any(|all| std::env::split_paths(&all).any(|at| at.join(program).exists()))
}

#[test]
fn the_experiment_can_be_done_by_hand_in_few_lines_of_python_or_shell() {
    complaints(|lesson, found| {
        if lesson.experiment.is_none() {
            return;
        }
        let text = markdown(lesson);
        let Some((program, listing)) = listing(&text) else {
            found.push("has no listing".into());
            return;
        };
        let long = listing.lines().any(|line| line.chars().count() > 78);
        if listing.lines().count() > 25 || long {
            found.push("the listing is too large".into());
        }
        let mut tools = [program, "tmux"]
            .into_iter()
            .filter(|tool| *tool == program || listing.contains(tool));
        if let Some(tool) = tools.find(|tool| !is_installed(tool)) {
            eprintln!("skipped: {} needs {tool}", lesson.slug);
            return;
        }
        let output = Command::new(program).args(["-c", listing]).output();
        let output = output.expect("it starts");
        if !output.status.success() || output.stdout.is_empty() || !output.stderr.is_empty() {
            found.push(format!("the listing fails: {output:?}"));
        }
    });
}

#[test]
fn kernel_identifiers_come_with_what_to_look_for() {
    complaints(|lesson, found| {
        if lesson.experiment.is_none() {
            return;
        }
        let text = markdown(lesson);
        if !(2..=5).contains(&lesson.idents.len()) {
            found.push(format!("{} identifiers", lesson.idents.len()));
        }
        let looks = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let looks = looks.matches("ook for").count();
        if looks < 2 {
            found.push(format!("says {looks} times what to look for"));
        }
    });
}

#[test]
fn lessons_with_an_experiment_show_this_machine_and_refute_a_belief() {
    complaints(|lesson, found| {
        if lesson.experiment.is_none() {
            return;
        }
        if !lesson.blocks.iter().any(|b| matches!(b, Block::Probe(_))) {
            found.push("shows no probe".into());
        }
        if lesson.refutes.is_empty() {
            found.push("refutes nothing".into());
        }
        if lesson.checked.is_empty() {
            found.push("does not say where it was checked".into());
        }
        let offered: Vec<&str> = lesson
            .experiment
            .iter()
            .flat_map(|plan| &plan.parts)
            .flat_map(|part| &part.predictions)
            .flat_map(|prediction| &prediction.options)
            .filter_map(|option| option.misconception.as_ref())
            .map(|id| id.value.as_str())
            .collect();
        if !lesson
            .refutes
            .iter()
            .any(|id| offered.contains(&id.value.as_str()))
        {
            found.push("no prediction offers what it refutes".into());
        }
    });
}

#[test]
fn predictions_are_short_and_offer_two_to_four_answers() {
    complaints(|lesson, found| {
        let parts = lesson.experiment.iter().flat_map(|plan| &plan.parts);
        for part in parts {
            for prediction in &part.predictions {
                if words(&prediction.prompt) > 35 {
                    found.push(format!("`{}` is too long", prediction.id));
                }
                if !(2..=4).contains(&prediction.options.len()) {
                    found.push(format!(
                        "`{}` has too few or too many answers",
                        prediction.id
                    ));
                }
                let misled = prediction
                    .options
                    .iter()
                    .filter(|o| o.misconception.is_some());
                if misled.count() + 1 != prediction.options.len() {
                    found.push(format!(
                        "`{}`: one answer has no belief behind it",
                        prediction.id
                    ));
                }
            }
        }
    });
}

/// What is said to answers: reasons may leave that to the option.
fn says(form: &Form) -> Vec<&str> {
    match form {
        Form::Choice { options, .. } => options.iter().map(|one| one.say.as_str()).collect(),
        Form::Order { steps, traps } => {
            let steps = steps.iter().map(|one| one.say.as_str());
            steps
                .chain(traps.iter().map(|one| one.say.as_str()))
                .collect()
        }
        Form::Match { lines, .. } => lines.iter().map(|one| one.say.as_str()).collect(),
        Form::Text(word) => {
            let wrong = word.wrong.iter().map(|one| one.say.as_str());
            wrong
                .chain([word.say.as_str(), word.why.as_str()])
                .collect()
        }
    }
}

#[test]
fn quizzes_discriminate_and_every_option_explains_itself() {
    complaints(|lesson, found| {
        if lesson.experiment.is_none() && lesson.quiz.is_empty() {
            return;
        }
        if !(3..=5).contains(&lesson.quiz.len()) {
            found.push(format!("{} quiz items", lesson.quiz.len()));
        }
        if !lesson.quiz.iter().any(Question::is_two_tier) {
            found.push("no two-tier item".into());
        }
        let mut refuted = false;
        for item in &lesson.quiz {
            let id = &item.id.value;
            for word in ["which of the following", " not true", "all of the above"] {
                if item.prompt.to_lowercase().contains(word) {
                    found.push(format!("`{id}` says `{word}`"));
                }
            }
            for seed in 0..if item.draws.is_empty() { 1 } else { 20 } {
                let asked = Asked::alone(item, Some(seed));
                for say in says(&item.form) {
                    let say = asked.text(say, &Value::Null).expect("it was checked");
                    let feedback = words(&say);
                    if !(8..=50).contains(&feedback) {
                        found.push(format!("`{id}`: feedback of {feedback} words: {say}"));
                    }
                }
            }
            refuted |= item.form.misconceptions().any(|misconception| {
                let mut refutes = lesson.refutes.iter();
                refutes.any(|id| id.value == misconception.value)
            });
            let Form::Choice { options, .. } = &item.form else {
                continue;
            };
            if !(3..=4).contains(&options.len()) {
                found.push(format!("`{id}` has {} options", options.len()));
            }
            for seed in 0..20 {
                let asked = Asked::alone(item, Some(seed));
                let wording = asked.wording(&Value::Null).expect("it was checked");
                let Ok(Given::Chosen(right, _)) = asked.solution(&Value::Null) else {
                    panic!("`{id}` has no answer");
                };
                let mut lengths: Vec<usize> = wording
                    .answers
                    .iter()
                    .map(|text| text.chars().count())
                    .collect();
                let right = lengths.swap_remove(right);
                if right > lengths.into_iter().max().unwrap_or(0) + 20 {
                    let shown = &wording.prompt;
                    found.push(format!(
                        "`{id}`: the right answer stands out by its length: {shown}"
                    ));
                }
            }
        }
        if !refuted {
            found.push("no question offers what the lesson refutes".into());
        }
    });
}

/// What is shown of a question, and its answer in words.
fn shown_and_right(asked: &Asked<'_>) -> (String, String) {
    let wording = asked.wording(&Value::Null).expect("it was checked");
    let text = |texts: &[String], place: usize| texts[place].clone();
    let right = match asked.solution(&Value::Null).expect("it was checked") {
        Given::Chosen(option, reason) => {
            let reason = reason.map(|reason| text(&wording.reasons, reason));
            text(&wording.answers, option) + "\n" + &reason.unwrap_or_default()
        }
        Given::Places(places) => {
            let texts = places
                .into_iter()
                .map(|place| text(&wording.answers, place));
            texts.collect::<Vec<_>>().join("\n")
        }
        Given::Text(word) => word,
    };
    let mut shown = [wording.answers, wording.reasons].concat();
    shown.sort();
    shown.extend(wording.lines);
    (wording.prompt + "\n" + &shown.join("\n"), right)
}

/// A question that is always the same is remembered by its words. One that does not tell all that was
/// drawn cannot be answered.
#[test]
fn each_question_is_drawn_anew_and_what_is_shown_of_it_decides_its_answer() {
    complaints(|lesson, found| {
        for item in &lesson.quiz {
            let id = &item.id.value;
            let mut answers: BTreeMap<String, String> = BTreeMap::new();
            for seed in 0..100 {
                let (shown, right) = shown_and_right(&Asked::alone(item, Some(seed)));
                let before = answers.entry(shown).or_insert_with(|| right.clone());
                if *before != right {
                    found.push(format!("`{id}` is answered by {before} and by {right}"));
                    break;
                }
            }
            if answers.len() < 2 {
                found.push(format!("`{id}` is always the same"));
            }
        }
    });
}

#[test]
fn the_text_uses_no_word_that_belittles_or_praises() {
    let banned = [
        "simply",
        "just",
        "obviously",
        "of course",
        "magic",
        "blazing",
        "great",
        "easily",
        "foo",
        "bar",
    ];
    complaints(|lesson, found| {
        let text = markdown(lesson).replace('\n', " ").to_lowercase() + "\n";
        for word in banned {
            let alone = format!(" {}", word.trim_end());
            let hit = text.match_indices(&alone).any(|(at, _)| {
                let after = text[at + alone.len()..].chars().next();
                after.is_none_or(|c| !c.is_alphanumeric())
            });
            if hit && !word.starts_with('!') {
                found.push(format!("says `{}`", word.trim()));
            }
        }
    });
}

#[test]
fn the_path_has_four_levels_and_sixteen_outcomes() {
    let path = curriculum().path;
    assert_eq!(path.levels.len(), 4);
    let ids: Vec<String> = path
        .levels
        .iter()
        .flat_map(|level| &level.outcomes)
        .map(|outcome| outcome.id.clone())
        .collect();
    let expected: Vec<String> = (1..=16).map(|number| format!("O{number}")).collect();
    assert_eq!(ids, expected);
}

#[test]
fn the_bank_is_in_order_and_every_entry_is_used() {
    let curriculum = curriculum();
    let ids: Vec<&String> = curriculum
        .misconceptions
        .iter()
        .map(|entry| &entry.id.value)
        .collect();
    assert!(ids.is_sorted());
    let text: String = Source::Embedded
        .files()
        .expect("embedded")
        .iter()
        .filter(|file| {
            file.name.ends_with("/lesson.toml") || file.name.starts_with("curriculum/tasks/")
        })
        .map(|file| String::from_utf8_lossy(&file.bytes).into_owned())
        .collect();
    for id in ids {
        assert!(text.contains(&format!("\"{id}\"")), "{id} is used nowhere");
    }
}
