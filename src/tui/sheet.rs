//! The page of an exercise set as lines: the task, the stages with hints, the last result. Pure.

use super::exercise::{Copying, ExerciseState, Live, Program, Tab, Watching};
use super::lesson::page::{READING_WIDTH, Setting};
use crate::check::verdict::{Report, Verdict};
use crate::curriculum::Curriculum;
use crate::curriculum::exercise::{Exercise, Stage};
use crate::mastery::progress::{ExerciseProgress, HintLevel};
use crate::render::markdown::{self, Document, Layout, paragraph};
use crate::render::text::{Line, Role, Text};
use crate::render::timeline;
use crate::render::verdict;
use crate::untrusted::Untrusted;

/// What a page is about.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// The exercise.
    pub exercise: &'a Exercise,
    /// What is taught.
    pub curriculum: &'a Curriculum,
    /// What is remembered of it.
    pub known: Option<&'a ExerciseProgress>,
    /// The learner's program.
    pub program: Option<&'a Program>,
}

/// The lines of the shown tab, and those of the selected stage among them.
pub fn set(
    state: &ExerciseState,
    subject: &Subject<'_>,
    setting: Setting<'_>,
) -> (Text, std::ops::Range<usize>) {
    match state.tab {
        Tab::Task => (task(state, subject, setting), 0..0),
        Tab::Stages => stages(state, subject.exercise, subject.known, setting),
        Tab::Result => (result(state, subject, setting), 0..0),
    }
}

fn set_markdown(source: &str, setting: Setting<'_>) -> Text {
    let width = setting.width.min(READING_WIDTH);
    let layout = Layout::new(width).highlighted(setting.highlighter);
    let set = Document::parse(source).layout(layout);
    let mut text = set.text;
    if !set.links.is_empty() {
        text.blank();
        text.append(markdown::link_list(&set.links, width));
    }
    text
}

fn task(state: &ExerciseState, subject: &Subject<'_>, setting: Setting<'_>) -> Text {
    let Subject {
        exercise,
        curriculum,
        known,
        program,
    } = *subject;
    let mut text = Text::new();
    match program {
        None if state.copying == Copying::Yes => {
            text.line(Line::of(
                Role::Strong,
                "Copying the starter and fetching what it needs …",
            ));
        }
        None => {
            for sentence in state.not_copied.iter().flat_map(|why| why.lines()) {
                let width = setting.width.min(READING_WIDTH);
                text.append(paragraph(Role::Warning, sentence, width));
            }
            text.line(Line::of(
                Role::Note,
                "Copy the starter to a new directory below the one you are in:",
            ));
            let mut line = Line::of(Role::Plain, "  ");
            for (index, language) in exercise.languages.iter().enumerate() {
                let name = curriculum
                    .language(&language.value)
                    .map_or(language.value.as_str(), |language| &language.name);
                line.push(Role::Key, format!("{}", index + 1));
                line.push(Role::Plain, format!(" {name}    "));
            }
            text.line(line);
        }
        Some(program) => {
            let main = Untrusted::from(program.main.as_path());
            text.line(Line::of(Role::Plain, "Your program: ").with(Role::Value, main.to_string()));
            text.line(
                Line::of(Role::Key, "e")
                    .with(Role::Plain, " opens it, ")
                    .with(Role::Key, "c")
                    .with(Role::Plain, " judges it, ")
                    .with(Role::Key, "w")
                    .with(Role::Plain, " judges it on every save."),
            );
        }
    }
    text.blank();
    text.append(set_markdown(&exercise.task, setting));
    if known.is_some_and(|known| known.passed_at.is_some()) {
        text.blank();
        text.line(Line::of(Role::Heading, "Now that you have passed"));
        text.append(set_markdown(&exercise.explanation, setting));
    }
    text
}

fn stages(
    state: &ExerciseState,
    exercise: &Exercise,
    known: Option<&ExerciseProgress>,
    setting: Setting<'_>,
) -> (Text, std::ops::Range<usize>) {
    let mut text = Text::new();
    let mut selected = 0..0;
    for (index, stage) in exercise.stages.iter().enumerate() {
        let start = text.lines.len();
        text.line(stage_line(state, stage, known, index == state.stage));
        if index == state.stage {
            for line in set_markdown(&stage.tests, narrower(setting, 6)).lines {
                text.line(indented(line, 6));
            }
            hints(&mut text, stage, known, setting);
            selected = start..text.lines.len();
        }
    }
    (text, selected)
}

fn narrower(setting: Setting<'_>, by: usize) -> Setting<'_> {
    Setting {
        width: setting.width.min(READING_WIDTH).saturating_sub(by).max(10),
        ..setting
    }
}

fn indented(line: Line, by: usize) -> Line {
    let mut out = Line::of(Role::Plain, " ".repeat(by));
    for span in line.spans {
        out.push(span.role, span.text);
    }
    out
}

/// `» ✓ passed      Echoes one friendly message`
fn stage_line(
    state: &ExerciseState,
    stage: &Stage,
    known: Option<&ExerciseProgress>,
    selected: bool,
) -> Line {
    let id = stage.id.value.as_str();
    let running = state.live.as_ref().and_then(|live| live.stage.as_deref()) == Some(id);
    let earlier = known.is_some_and(|known| known.stages_passed.contains_key(id));
    let (sign, role, word) = match state.verdict(id) {
        _ if running => ("…", Role::Warning, "running"),
        Some(verdict) => sign(verdict),
        None if state.live.is_some() => ("·", Role::Dim, "waits"),
        None if earlier => ("✓", Role::Good, "passed"),
        None => ("·", Role::Dim, ""),
    };
    let cursor = if selected { "» " } else { "  " };
    let title = if selected { Role::Strong } else { Role::Plain };
    let mut line = Line::of(Role::Key, cursor)
        .with(role, format!("{sign} {word:<13} "))
        .with(title, stage.title.as_str());
    if stage.bonus {
        line.push(Role::Dim, "  (bonus)");
    }
    line
}

/// The sign, role and word of a verdict.
pub fn sign(verdict: Verdict) -> (&'static str, Role, &'static str) {
    match verdict {
        Verdict::Pass => ("✓", Role::Good, "passed"),
        Verdict::Fail => ("✗", Role::Bad, "failed"),
        Verdict::CannotJudge => ("?", Role::Warning, "cannot judge"),
        Verdict::CheckerError => ("!", Role::Bad, "our fault"),
        Verdict::NotJudged => ("·", Role::Dim, "not judged"),
    }
}

fn hints(text: &mut Text, stage: &Stage, known: Option<&ExerciseProgress>, setting: Setting<'_>) {
    let taken = known.and_then(|known| known.hints.get(&stage.id.value).copied());
    let passed = known.is_some_and(|known| known.passed_at.is_some());
    let all = [
        (HintLevel::Look, "Look", &stage.hints.look),
        (HintLevel::Think, "Think", &stage.hints.think),
        (HintLevel::Show, "Show", &stage.hints.show),
    ];
    let width = narrower(setting, 6);
    for (level, name, hint) in all {
        // After passing, all hints can be read.
        if passed || taken.is_some_and(|taken| taken >= level) {
            text.blank();
            text.line(Line::of(Role::Note, format!("      {name}")));
            for line in set_markdown(hint, width).lines {
                text.line(indented(line, 6));
            }
        }
    }
    if !passed {
        let line = match taken {
            None => "for a hint: where to look",
            Some(HintLevel::Look) => "for another: how to think about it",
            Some(HintLevel::Think) if known.is_none_or(|known| known.is_helped_by_show(stage)) => {
                "to be shown a sister problem; a pass then counts as assisted"
            }
            Some(HintLevel::Think) => "to be shown a sister problem",
            Some(HintLevel::Show) => "",
        };
        if !line.is_empty() {
            text.blank();
            text.line(
                Line::of(Role::Plain, "      ")
                    .with(Role::Key, "h")
                    .with(Role::Dim, format!(" {line}")),
            );
        }
    }
    text.blank();
}

fn result(state: &ExerciseState, subject: &Subject<'_>, setting: Setting<'_>) -> Text {
    let Subject {
        exercise, known, ..
    } = *subject;
    let mut text = Text::new();
    if let Some(live) = &state.live {
        text.append(live_lines(state, live, exercise, known));
        return text;
    }
    if state.watching == Watching::Yes {
        text.line(
            Line::of(Role::Note, "Judged again on every save. ")
                .with(Role::Key, "w")
                .with(Role::Plain, " ends that."),
        );
        text.blank();
    }
    if let Some(trouble) = &state.trouble {
        let width = setting.width.min(READING_WIDTH);
        text.append(paragraph(
            Role::Warning,
            &format!("No verdict: {trouble}."),
            width,
        ));
        return text;
    }
    match &state.report {
        Some(report) => {
            text.append(judged(report, setting.width.min(100)));
        }
        None if subject.program.is_some() => {
            text.line(
                Line::of(Role::Plain, "Nothing was judged yet. ")
                    .with(Role::Key, "c")
                    .with(Role::Plain, " builds your program, runs it and judges it."),
            );
        }
        None => {
            text.line(Line::of(
                Role::Plain,
                "Nothing was judged yet. Copy the starter from the Task tab first.",
            ));
        }
    }
    text
}

/// What went wrong first, whole; then every stage. The command line has them the other way round,
/// because its reader sees the end first.
fn judged(report: &Report, width: usize) -> Text {
    let mut text = Text::new();
    let failed = match (&report.build, report.first_failure()) {
        (Some(failure), _) => Some(("the program does not build", Verdict::Fail, failure)),
        (None, Some(stage)) => {
            let failure = stage.failure.as_ref();
            failure.map(|failure| (stage.title.as_str(), stage.verdict, failure))
        }
        (None, None) => None,
    };
    let Some((title, kind, failure)) = failed else {
        if report.verdict == Verdict::Pass {
            let line = Line::of(Role::Good, "✓ passed. ")
                .with(Role::Plain, "The Task tab explains what you have built; ");
            text.line(line.with(Role::Key, "n").with(Role::Plain, " goes on."));
            text.blank();
        }
        text.append(verdict::draw(report, width));
        return text;
    };
    let (sign, role, word) = sign(kind);
    let line = Line::of(role, format!("{sign} {word}: ")).with(Role::Strong, title);
    text.line(line);
    text.append(verdict::draw_failure(failure, width));
    text.blank();
    for stage in &report.stages {
        text.line(verdict::stage_line(stage, width));
    }
    let all = timeline::whole(failure, width);
    if !all.lines.is_empty() {
        text.blank();
        text.append(all);
    }
    text
}

fn live_lines(
    state: &ExerciseState,
    live: &Live,
    exercise: &Exercise,
    known: Option<&ExerciseProgress>,
) -> Text {
    let mut text = Text::new();
    let doing = if live.again {
        "Saved: starting over …"
    } else if live.stopping {
        "Stopping …"
    } else if live.building {
        "Building …"
    } else {
        "Judging …"
    };
    let line = Line::of(Role::Strong, doing)
        .with(Role::Key, "   x")
        .with(Role::Dim, " stops it");
    text.line(line);
    text.blank();
    for stage in &exercise.stages {
        text.line(stage_line(state, stage, known, false));
    }
    text
}
