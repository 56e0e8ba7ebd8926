//! `try`: predict what the kernel does, run it, state what it did.
//!
//! On a terminal it asks the lesson's predictions before anything runs. Elsewhere, and with
//! `--json`, it runs the experiment and prints what happened.

use std::io::{self, BufRead, IsTerminal, Write};
use std::path::Path;

use super::context::Context;
use super::error::CommandError;
use crate::curriculum::Curriculum;
use crate::curriculum::lesson::{ExperimentPlan, Lesson, Part, Prediction, State};
use crate::curriculum::problem::did_you_mean;
use crate::exit_code::ExitCode;
use crate::experiment::{self, ExperimentError, Observation, judgement};
use crate::render::text::{Line, Role, Text};
use crate::render::{ansi, experiment as drawing};

/// Tries an experiment, or lists all.
///
/// # Errors
/// When there is no such experiment, this machine lacks what it needs, or it fails.
pub fn run(context: &Context, name: Option<&str>, json: bool) -> Result<ExitCode, CommandError> {
    let curriculum = context.curriculum()?;
    let Some(name) = name else {
        return list(context, &curriculum, json);
    };
    let Some((lesson, plan)) =
        wrapped(&curriculum).find(|(lesson, plan)| plan.name.value == name || lesson.slug == name)
    else {
        return Err(unknown(&curriculum, name));
    };
    if json {
        context.print_json(&observe(plan)?)?;
    } else if io::stdin().is_terminal() && io::stdout().is_terminal() {
        converse(context, lesson, plan)?;
    } else {
        show(context, lesson, plan)?;
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
            })
        };
        let entries: Vec<_> = wrapped(curriculum).map(entry).collect();
        context.print_json(&serde_json::json!({
            "schema": "ipc-mastery/experiments/1", "experiments": entries,
        }))?;
    } else {
        context.print_text(&drawing::list(&lessons, ansi::reading_width()))?;
    }
    Ok(ExitCode::Success)
}

fn unknown(curriculum: &Curriculum, name: &str) -> CommandError {
    let names = wrapped(curriculum).flat_map(|(lesson, plan)| [&plan.name.value, &lesson.slug]);
    let shown = crate::untrusted::printable(name);
    let error = CommandError::usage(format!("there is no experiment `{shown}`"));
    match did_you_mean(name, names.map(String::as_str)) {
        Some(hint) => error.hinted(hint),
        None => error.hinted("`ipc-mastery try` lists all experiments."),
    }
}

fn observe(plan: &ExperimentPlan) -> Result<Observation, CommandError> {
    let program = Path::new(experiment::OURSELVES);
    experiment::run(&plan.name.value, &plan.params, program).map_err(|error| match error {
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
fn show(context: &Context, lesson: &Lesson, plan: &ExperimentPlan) -> Result<(), CommandError> {
    let observation = observe(plan)?;
    let width = ansi::reading_width();
    let mut text = Text::new();
    text.line(Line::of(Role::Heading, &lesson.asks));
    for part in &plan.parts {
        text.blank();
        text.append(drawing::sentence(&part.story, width));
        text.blank();
        text.append(drawing::calls(&observation, &part.id.value, width));
        for prediction in &part.predictions {
            text.blank();
            text.append(drawing::sentence(&prediction.prompt, width));
            text.append(agreement(prediction, &observation, None, width));
        }
    }
    text.blank();
    text.append(why(lesson, width));
    context.print_text(&text)
}

/// Asks, runs, asks again. Ends early, without complaint, when the input ends.
fn converse(context: &Context, lesson: &Lesson, plan: &ExperimentPlan) -> Result<(), CommandError> {
    let width = ansi::reading_width();
    let mut heading = Text::new();
    heading.line(Line::of(Role::Heading, &lesson.asks));
    context.print_text(&heading)?;
    let mut observation: Option<Observation> = None;
    for part in &plan.parts {
        let mut story = Text::new();
        story.blank();
        story.append(drawing::sentence(&part.story, width));
        context.print_text(&story)?;
        let Some(chosen) = predict(context, part, width)? else {
            return Ok(());
        };
        let seen = match observation.take() {
            Some(seen) => seen,
            None => observe(plan)?,
        };
        let mut text = Text::new();
        text.blank();
        text.append(drawing::calls(&seen, &part.id.value, width));
        context.print_text(&text)?;
        if let Some(state) = &part.state
            && state_fact(context, state, &seen, part, width)?.is_none()
        {
            return Ok(());
        }
        let mut text = Text::new();
        for (prediction, chosen) in part.predictions.iter().zip(chosen) {
            if part.predictions.len() > 1 {
                text.blank();
                text.append(drawing::sentence(&prediction.prompt, width));
            }
            text.append(agreement(prediction, &seen, Some(chosen), width));
        }
        context.print_text(&text)?;
        observation = Some(seen);
    }
    let mut text = Text::new();
    text.blank();
    text.append(why(lesson, width));
    context.print_text(&text)
}

/// Asks every prediction of a part. `None` when the input has ended.
fn predict(
    context: &Context,
    part: &Part,
    width: usize,
) -> Result<Option<Vec<usize>>, CommandError> {
    let mut chosen = Vec::new();
    for prediction in &part.predictions {
        let mut text = Text::new();
        text.blank();
        text.append(drawing::sentence(&prediction.prompt, width));
        for (index, option) in prediction.options.iter().enumerate() {
            text.append(numbered(index, &option.text, width));
        }
        context.print_text(&text)?;
        let count = prediction.options.len();
        let question = format!("Your prediction, 1 to {count}: ");
        loop {
            let Some(answer) = ask(context, &question)? else {
                return Ok(None);
            };
            match answer.trim().parse::<usize>() {
                Ok(number) if (1..=count).contains(&number) => {
                    chosen.push(number - 1);
                    break;
                }
                _ => context.print_text(&drawing::sentence("A number, please.", width))?,
            }
        }
    }
    Ok(Some(chosen))
}

/// Asks for the decisive fact, twice at most. `None` when the input has ended.
fn state_fact(
    context: &Context,
    state: &State,
    observation: &Observation,
    part: &Part,
    width: usize,
) -> Result<Option<()>, CommandError> {
    let mut text = Text::new();
    text.blank();
    text.append(drawing::sentence(&state.prompt, width));
    context.print_text(&text)?;
    for last in [false, true] {
        let Some(answer) = ask(context, "What happened: ")? else {
            return Ok(None);
        };
        let right = judgement::stated_right(state, observation, &answer).map_err(contradiction)?;
        let fact = judgement::decisive_fact(state, observation).map_err(contradiction)?;
        let mut text = Text::new();
        if right {
            text.line(Line::of(Role::Good, "Yes, that is what the kernel did."));
        } else if last {
            let fact = crate::untrusted::readable(&fact).into_owned();
            text.line(Line::of(Role::Plain, "The kernel's answer was ").with(Role::Value, fact));
        } else {
            text.line(Line::of(
                Role::Warning,
                "Look once more at the line marked >.",
            ));
            let mut decisive = observation.clone();
            decisive.calls.retain(|call| call.decisive);
            text.append(drawing::calls(&decisive, &part.id.value, width));
        }
        context.print_text(&text)?;
        if right {
            break;
        }
    }
    Ok(Some(()))
}

/// The options with the one that the kernel made true marked, and the one that was chosen.
fn agreement(
    prediction: &Prediction,
    observation: &Observation,
    chosen: Option<usize>,
    width: usize,
) -> Text {
    let mut text = Text::new();
    let agreed = match judgement::agreed_option(prediction, observation) {
        Ok(agreed) => agreed,
        Err(error) => {
            text.append(drawing::sentence(
                &judgement::escape(&error.to_string()),
                width,
            ));
            return text;
        }
    };
    let option = &prediction.options[agreed];
    match chosen {
        Some(index) if index == agreed => {
            text.line(Line::of(
                Role::Good,
                "The kernel agreed with your prediction.",
            ));
        }
        Some(index) => {
            text.line(Line::of(Role::Plain, "You expected:"));
            text.append(numbered(index, &prediction.options[index].text, width));
            text.line(Line::of(Role::Plain, "The kernel agreed with:"));
            text.append(numbered(agreed, &option.text, width));
        }
        None => {
            text.line(Line::of(Role::Plain, "The kernel agreed with:"));
            text.append(numbered(agreed, &option.text, width));
        }
    }
    text
}

fn numbered(index: usize, markdown: &str, width: usize) -> Text {
    let mut text = Text::new();
    let set = drawing::sentence(markdown, width.saturating_sub(5));
    for (row, line) in set.lines.into_iter().enumerate() {
        let mut indented = if row == 0 {
            Line::of(Role::Key, format!("  {}  ", index + 1))
        } else {
            Line::of(Role::Plain, "     ")
        };
        for span in line.spans {
            indented.push(span.role, span.text);
        }
        text.line(indented);
    }
    text
}

fn why(lesson: &Lesson, width: usize) -> Text {
    let slug = &lesson.slug;
    drawing::sentence(&format!("Why: `ipc-mastery read {slug}`"), width)
}

fn contradiction(error: judgement::JudgementError) -> CommandError {
    CommandError::internal(error.to_string()).caused_by(error)
}

/// Reads one line from the terminal. `None` when the input has ended.
fn ask(context: &Context, question: &str) -> Result<Option<String>, CommandError> {
    context.print(question)?;
    io::stdout().flush()?;
    let mut line = String::new();
    if io::stdin().lock().read_line(&mut line)? == 0 {
        context.print("\n")?;
        return Ok(None);
    }
    Ok(Some(line))
}
