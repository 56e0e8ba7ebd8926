//! `try`: predict what the kernel does, run it, state what it did.
//!
//! On a terminal it asks the lesson's predictions before anything runs. Elsewhere, and with
//! `--json`, it runs the experiment and prints what happened. With `--param` it runs the situation
//! that the parameters make, of which the lesson predicts nothing:
//!
//! ```text
//! $ ipc-mastery try unix.queue --param backlog=4 --param accepted=2
//! ```

use std::io::{self, BufRead, IsTerminal};
use std::path::Path;

use serde_json::{Map, Value};

use super::context::Context;
use super::error::CommandError;
use super::unknown::{self, Kind};
use crate::curriculum::Curriculum;
use crate::curriculum::lesson::{ExperimentPlan, Lesson, Part, Prediction, State};
use crate::exit_code::ExitCode;
use crate::experiment::{self, ExperimentError, Observation, judgement};
use crate::mastery::evidence;
use crate::render::lesson::{self as drawing, Answer, Mark};
use crate::render::markdown::{Layout, paragraph};
use crate::render::text::{Line, Role, Text};
use crate::render::{ansi, experiment as listing};
use crate::untrusted::printable;

/// Tries an experiment, or lists all.
///
/// # Errors
/// When there is no such experiment, this machine lacks what it needs, or it fails.
pub fn run(
    context: &Context,
    name: Option<&str>,
    params: &[String],
    json: bool,
) -> Result<ExitCode, CommandError> {
    let curriculum = context.curriculum()?;
    let Some(name) = name else {
        return list(context, &curriculum, json);
    };
    // Of two lessons that wrap one experiment, one does it in another situation.
    let mut of_name: Vec<_> = wrapped(&curriculum)
        .filter(|(lesson, plan)| lesson.slug == name || plan.name.value == name)
        .collect();
    of_name.sort_by_key(|(lesson, plan)| (lesson.slug != name, !plan.params.is_empty()));
    let Some(&(lesson, plan)) = of_name.first() else {
        return Err(unknown::name(&curriculum, Kind::Experiment, name));
    };
    if !params.is_empty() {
        return vary(
            context,
            (&curriculum, lesson),
            plan,
            &parameters(params)?,
            json,
        );
    }
    if json {
        context.print_json(&observe(plan)?)?;
    } else if io::stdin().is_terminal() && io::stdout().is_terminal() {
        return converse(context, &curriculum, lesson, plan);
    } else {
        show(context, &curriculum, lesson, plan)?;
    }
    Ok(ExitCode::Success)
}

fn wrapped(curriculum: &Curriculum) -> impl Iterator<Item = (&Lesson, &ExperimentPlan)> {
    curriculum
        .lessons()
        .filter_map(|lesson| Some((lesson, lesson.experiment.as_ref()?)))
}

fn list(context: &Context, curriculum: &Curriculum, json: bool) -> Result<ExitCode, CommandError> {
    let lessons: Vec<&Lesson> = wrapped(curriculum).map(|(lesson, _)| lesson).collect();
    if json {
        let entry = |(lesson, plan): (&Lesson, &ExperimentPlan)| {
            serde_json::json!({
                "name": plan.name.value, "asks": lesson.asks, "lesson": lesson.slug,
                "variant": lesson.variant.as_ref().map(|variant| &variant.value),
            })
        };
        let entries: Vec<_> = wrapped(curriculum).map(entry).collect();
        context.print_json(&serde_json::json!({
            "schema": "ipc-mastery/experiments/1", "experiments": entries,
        }))?;
    } else {
        context.print_text(&listing::list(&lessons, ansi::reading_width()))?;
    }
    Ok(ExitCode::Success)
}

/// Parameters as they were typed: `backlog=4`, `kind=stream`.
fn parameters(typed: &[String]) -> Result<Map<String, Value>, CommandError> {
    let mut params = Map::new();
    for one in typed {
        let Some((name, value)) = one.split_once('=') else {
            let message = format!("`{}` is no parameter", printable(one));
            let hint = "Write `--param NAME=VALUE`, as in `--param backlog=4`.";
            return Err(CommandError::usage(message).hinted(hint));
        };
        // A mode such as 0600 is written in octal, and is no number here.
        let number = value.parse::<i64>().ok();
        let number = number.filter(|number| number.to_string() == value);
        let value = number.map_or_else(|| Value::from(value), Value::from);
        params.insert(name.to_owned(), value);
    }
    Ok(params)
}

/// Runs the situation that parameters make, and prints its calls and what was seen.
fn vary(
    context: &Context,
    (curriculum, lesson): (&Curriculum, &Lesson),
    plan: &ExperimentPlan,
    params: &Map<String, Value>,
    json: bool,
) -> Result<ExitCode, CommandError> {
    let seen = observe_with(&plan.name.value, params)?;
    if json {
        context.print_json(&seen)?;
        return Ok(ExitCode::Success);
    }
    let layout = Layout::new(ansi::reading_width());
    let mut text = listing::varied(&seen, params, layout.width());
    text.blank();
    text.append(next(curriculum, lesson, layout));
    context.print_text(&text)?;
    Ok(ExitCode::Success)
}

fn observe(plan: &ExperimentPlan) -> Result<Observation, CommandError> {
    observe_with(&plan.name.value, &plan.params)
}

fn observe_with(name: &str, params: &Map<String, Value>) -> Result<Observation, CommandError> {
    let program = Path::new(experiment::OURSELVES);
    experiment::run(name, params, program).map_err(|error| match error {
        ExperimentError::Lacking { .. } => CommandError::cannot_judge(error.to_string()),
        ExperimentError::Unknown { .. } | ExperimentError::Parameters { .. } => {
            CommandError::usage(error.to_string())
        }
        ExperimentError::TimedOut { .. }
        | ExperimentError::Failed { .. }
        | ExperimentError::Process(_) => CommandError::internal(error.to_string()).caused_by(error),
    })
}

/// Runs it and prints every part with the options the kernel agreed with.
fn show(
    context: &Context,
    curriculum: &Curriculum,
    lesson: &Lesson,
    plan: &ExperimentPlan,
) -> Result<(), CommandError> {
    let observation = observe(plan)?;
    let layout = Layout::new(ansi::reading_width());
    let mut text = Text::new();
    text.append(drawing::opening(lesson, layout));
    for part in &plan.parts {
        text.blank();
        text.append(drawing::story(lesson, part, layout));
        text.blank();
        text.append(calls(&observation, part, layout));
        for prediction in &part.predictions {
            text.blank();
            text.append(agreement(prediction, &observation, None, layout));
        }
    }
    text.blank();
    text.append(next(curriculum, lesson, layout));
    context.print_text(&text)
}

/// Asks, runs, asks again. When the input ends (Ctrl-D) it ends early, as by Ctrl-C.
fn converse(
    context: &Context,
    curriculum: &Curriculum,
    lesson: &Lesson,
    plan: &ExperimentPlan,
) -> Result<ExitCode, CommandError> {
    let layout = Layout::new(ansi::reading_width());
    context.print_text(&drawing::opening(lesson, layout))?;
    let mut observation: Option<Observation> = None;
    for part in &plan.parts {
        context.print_text(&drawing::story(lesson, part, layout).apart())?;
        let Some(chosen) = predict(context, part, layout)? else {
            return Ok(ended_early(context));
        };
        let seen = match observation.take() {
            Some(seen) => seen,
            None => observe(plan)?,
        };
        context.print_text(&calls(&seen, part, layout).apart())?;
        if let Some(state) = &part.state
            && !state_fact(context, state, &seen, part, layout)?
        {
            return Ok(ended_early(context));
        }
        for (prediction, chosen) in part.predictions.iter().zip(chosen) {
            let text = agreement(prediction, &seen, Some(chosen), layout);
            context.print_text(&text.apart())?;
        }
        observation = Some(seen);
    }
    context.print_text(&next(curriculum, lesson, layout).apart())?;
    Ok(ExitCode::Success)
}

fn ended_early(context: &Context) -> ExitCode {
    context.say("Ended early: there is no more input.");
    ExitCode::Interrupted
}

/// Asks every prediction of a part. `None` when the input has ended.
fn predict(
    context: &Context,
    part: &Part,
    layout: Layout<'_>,
) -> Result<Option<Vec<usize>>, CommandError> {
    let mut chosen = Vec::new();
    for prediction in &part.predictions {
        let answers: Vec<Answer<'_>> = prediction
            .options
            .iter()
            .map(|option| Answer::open(&option.text))
            .collect();
        let text = drawing::question("Predict", &prediction.prompt, &answers, layout);
        context.print_text(&text.apart())?;
        let last = letter(answers.len().saturating_sub(1));
        let question = format!("Your prediction, a to {last}: ");
        loop {
            let Some(answer) = ask(context, &question)? else {
                return Ok(None);
            };
            let answer = answer.trim().to_lowercase();
            if let Some(index) = (0..answers.len()).find(|&at| answer == letter(at).to_string()) {
                chosen.push(index);
                break;
            }
        }
    }
    Ok(Some(chosen))
}

/// Asks for the decisive fact, twice at most. False when the input has ended.
fn state_fact(
    context: &Context,
    state: &State,
    observation: &Observation,
    part: &Part,
    layout: Layout<'_>,
) -> Result<bool, CommandError> {
    let fact = judgement::decisive_fact(state, observation).map_err(contradiction)?;
    context.print_text(&drawing::fact(state, None, layout).apart())?;
    for last in [false, true] {
        let Some(answer) = ask(context, "What happened: ")? else {
            return Ok(false);
        };
        if judgement::stated_right(state, observation, &answer).map_err(contradiction)? {
            let mut text = Text::new();
            text.line(Line::of(Role::Good, "Yes, that is what the kernel did."));
            context.print_text(&text)?;
            break;
        }
        if last {
            context.print_text(&drawing::fact(state, Some(&fact), layout))?;
        } else {
            let mut text = Text::new();
            text.line(Line::of(Role::Warning, "Look once more:"));
            let deciding = observation
                .part(&part.id.value)
                .filter(|call| call.decisive);
            text.append(drawing::calls(deciding, layout.width()));
            context.print_text(&text)?;
        }
    }
    Ok(true)
}

/// A prediction's options, with the one that the kernel made true marked, and the one that was
/// chosen when it is another.
fn agreement(
    prediction: &Prediction,
    observation: &Observation,
    chosen: Option<usize>,
    layout: Layout<'_>,
) -> Text {
    let agreed = match judgement::agreed_option(prediction, observation) {
        Ok(agreed) => agreed,
        Err(error) => return paragraph(Role::Warning, &error.to_string(), layout.width()),
    };
    let answers: Vec<Answer<'_>> = prediction
        .options
        .iter()
        .enumerate()
        .map(|(index, option)| Answer {
            text: &option.text,
            mark: if index == agreed {
                Mark::Right
            } else if chosen == Some(index) {
                Mark::Wrong
            } else {
                Mark::Open
            },
        })
        .collect();
    drawing::question("Result", &prediction.prompt, &answers, layout)
}

/// The calls of a part, and above them what they are when this machine could not make them.
fn calls(observation: &Observation, part: &Part, layout: Layout<'_>) -> Text {
    let id = &part.id.value;
    let mut text = Text::new();
    if let Some(said) = observation.instead(id) {
        let said = format!("No run of this machine: {said}.");
        text.append(paragraph(Role::Warning, &said, layout.width()));
    }
    text.append(drawing::calls(observation.part(id), layout.width()));
    text
}

/// Where to go from here: to the explanation, and to the prediction that counts.
fn next(curriculum: &Curriculum, lesson: &Lesson, layout: Layout<'_>) -> Text {
    let words = format!("Why: ipc-mastery read {}", lesson.slug);
    let mut text = paragraph(Role::Note, &words, layout.width());
    let variant = lesson.variant.as_ref();
    let outcomes = variant.map_or_else(Vec::new, |slug| {
        evidence::outcomes_of(curriculum, &slug.value)
    });
    text.append(drawing::variant(lesson, &outcomes, layout));
    text
}

fn letter(index: usize) -> char {
    char::from(b'a' + u8::try_from(index).unwrap_or(25).min(25))
}

fn contradiction(error: judgement::JudgementError) -> CommandError {
    CommandError::internal(error.to_string()).caused_by(error)
}

/// Reads one line from the terminal. `None` when the input has ended.
fn ask(context: &Context, question: &str) -> Result<Option<String>, CommandError> {
    context.print(question)?;
    let mut line = String::new();
    if io::stdin().lock().read_line(&mut line)? == 0 {
        context.print("\n")?;
        return Ok(None);
    }
    Ok(Some(line))
}
