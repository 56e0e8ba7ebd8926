//! What a key press can ask for: named actions, each with a sentence, and the places in which keys
//! are looked up. Which key asks for what is in [`super::bindings`], what an action does in
//! [`super::update`].

use std::fmt;

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// Something a learner can ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// End the program.
    Quit,
    /// Stop the program until the shell continues it.
    Suspend,
    /// Draw everything again.
    Redraw,
    /// Go back to where this screen was opened from.
    Back,
    /// Show the keys of this screen.
    Help,
    /// Search all titles and texts.
    Search,
    /// Show the probes.
    Probes,
    /// Show the reference pages.
    Reference,
    /// Show the words of the glossary that this page uses.
    Terms,
    /// One line or row up.
    Up,
    /// One line or row down.
    Down,
    /// Half a page up.
    HalfPageUp,
    /// Half a page down.
    HalfPageDown,
    /// A page up.
    PageUp,
    /// A page down.
    PageDown,
    /// To the beginning.
    Home,
    /// To the end.
    End,
    /// Open what is selected.
    Open,
    /// Open or close the selected module or level.
    Fold,
    /// Go to what comes next on the path.
    Next,
    /// Choose the answer with this number.
    Choose(u8),
    /// Copy the starter in the language with this number.
    Start(u8),
    /// Commit the answer, run, or begin to type.
    Commit,
    /// Go on without answering.
    Skip,
    /// Answer the question again.
    Again,
    /// Go to the next question.
    NextQuestion,
    /// Go to the previous question.
    PreviousQuestion,
    /// Collect the probes again.
    Refresh,
    /// The next tab.
    NextTab,
    /// The previous tab.
    PreviousTab,
    /// Judge the program.
    Check,
    /// Judge the program whenever a file is saved.
    Watch,
    /// Stop the check that is running.
    Stop,
    /// Open the program in the editor.
    Edit,
    /// One more hint.
    Hint,
    /// Show only rows with a text.
    Filter,
    /// Show only where somebody listens.
    OnlyListening,
    /// Show only what the selected row's process holds.
    OnlyProcess,
    /// Show only what belongs to the selected row's service.
    OnlyService,
    /// Show only one type.
    OnlyType,
    /// Go where the line with this number leads.
    Follow(u8),
    /// Take a statement into the order, or out of it.
    Pick,
    /// Move a statement one place up.
    Earlier,
    /// Move a statement one place down.
    Later,
    /// Give the line the next purpose.
    NextPurpose,
    /// Give the line the purpose before.
    PreviousPurpose,
    /// Do the next task.
    Prove,
    /// Start the learner's shell where a scene is.
    Shell,
    /// Answer what is due.
    Review,
    /// Predict the lesson's experiment once more.
    Variant,
    /// Open the lesson that prepares for this.
    Lesson,
    /// Open the exercise that this lesson leads to.
    Exercise,
    /// Stop looking again, or go on.
    Pause,
    /// Show the picture instead of rows, or rows again.
    Picture,
    /// Show the scripts of the model, or the one that a lesson shows.
    Scripts,
    /// What happens next in a run of the model.
    Forward,
    /// What happened before in a run of the model.
    Backward,
    /// When the next call is back.
    NextCall,
    /// When the call before was back.
    PreviousCall,
    /// Why a call came back as it did.
    Why,
    /// Ask what calls come back with, or no longer.
    Predict,
    /// Type calls, and have them made.
    Play,
    /// The line that was typed before.
    Recall,
    /// The line that was typed after.
    RecallNext,
    /// Complete the name of a call.
    Complete,
    /// Leave the field, keep what it did.
    Leave,
    /// Take the text that was typed.
    Accept,
}

impl Action {
    /// The name in the key table and in tests.
    pub fn name(self) -> &'static str {
        match self {
            Self::Quit => "quit",
            Self::Suspend => "suspend",
            Self::Redraw => "redraw",
            Self::Back => "back",
            Self::Help => "help",
            Self::Search => "search",
            Self::Probes => "probes",
            Self::Reference => "reference",
            Self::Terms => "words",
            Self::Up => "up",
            Self::Down => "down",
            Self::HalfPageUp => "half-page-up",
            Self::HalfPageDown => "half-page-down",
            Self::PageUp => "page-up",
            Self::PageDown => "page-down",
            Self::Home => "home",
            Self::End => "end",
            Self::Open => "open",
            Self::Fold => "fold",
            Self::Next => "next",
            Self::Choose(_) => "choose",
            Self::Start(_) => "start",
            Self::Commit => "commit",
            Self::Skip => "skip",
            Self::Again => "again",
            Self::NextQuestion => "next-question",
            Self::PreviousQuestion => "previous-question",
            Self::Refresh => "refresh",
            Self::NextTab => "next-tab",
            Self::PreviousTab => "previous-tab",
            Self::Check => "check",
            Self::Watch => "watch",
            Self::Stop => "stop",
            Self::Edit => "edit",
            Self::Hint => "hint",
            Self::Filter => "filter",
            Self::OnlyListening => "only-listening",
            Self::OnlyProcess => "only-process",
            Self::OnlyService => "only-service",
            Self::OnlyType => "only-type",
            Self::Follow(_) => "follow",
            Self::Pick => "pick",
            Self::Earlier => "earlier",
            Self::Later => "later",
            Self::NextPurpose => "next-purpose",
            Self::PreviousPurpose => "previous-purpose",
            Self::Prove => "prove",
            Self::Shell => "shell",
            Self::Review => "review",
            Self::Variant => "variant",
            Self::Lesson => "lesson",
            Self::Exercise => "exercise",
            Self::Pause => "pause",
            Self::Picture => "picture",
            Self::Scripts => "model",
            Self::Forward => "forward",
            Self::Backward => "backward",
            Self::NextCall => "next-call",
            Self::PreviousCall => "previous-call",
            Self::Why => "why",
            Self::Predict => "predict",
            Self::Play => "play",
            Self::Recall => "recall",
            Self::RecallNext => "recall-next",
            Self::Complete => "complete",
            Self::Leave => "leave",
            Self::Accept => "accept",
        }
    }

    /// What it does, as a sentence without a full stop.
    pub fn sentence(self) -> &'static str {
        match self {
            Self::Quit => "End the program; your progress is kept",
            Self::Suspend => "Stop the program; `fg` continues it",
            Self::Redraw => "Draw the screen again",
            Self::Back => "Go back to the screen before",
            Self::Help => "Show the keys of this screen",
            Self::Search => "Search all titles and texts",
            Self::Probes => "Look at this machine with probes",
            Self::Reference => "Look things up: calls, words, corrections",
            Self::Terms => "Show what the words on this page mean",
            Self::Up => "Go up one line",
            Self::Down => "Go down one line",
            Self::HalfPageUp => "Go up half a page",
            Self::HalfPageDown => "Go down half a page",
            Self::PageUp => "Go up one page",
            Self::PageDown => "Go down one page",
            Self::Home => "Go to the beginning",
            Self::End => "Go to the end",
            Self::Open => "Open what is selected",
            Self::Fold => "Open or close the selected module",
            Self::Next => "Go to what comes next on the path",
            Self::Choose(_) => "Choose the answer with this number",
            Self::Start(_) => "Copy the starter in the language with this number",
            Self::Commit => "Give the chosen answer, run the experiment, or type",
            Self::Skip => "Go on without answering",
            Self::Again => "Answer the question again",
            Self::NextQuestion => "Go to the next question",
            Self::PreviousQuestion => "Go to the question before",
            Self::Refresh => "Look at this machine again",
            Self::NextTab => "Show the next tab",
            Self::PreviousTab => "Show the tab before",
            Self::Check => "Build, run and judge your program",
            Self::Watch => "Judge at every save; pressed again, it ends that",
            Self::Stop => "Stop the check that is running",
            Self::Edit => "Open your program in $VISUAL or $EDITOR",
            Self::Hint => "Show one more hint for the stage",
            Self::Filter => "Show only rows with a text",
            Self::OnlyListening => "Show only where somebody listens; again: all",
            Self::OnlyProcess => "Show only what this row's process holds; again: all",
            Self::OnlyService => "Show only what is of this row's service; again: all",
            Self::OnlyType => "Show only the next type; after the last: all",
            Self::Follow(_) => "Go where the line with this number leads",
            Self::Pick => "Take the statement into your order, or out of it",
            Self::Earlier => "Move the statement one place up",
            Self::Later => "Move the statement one place down",
            Self::NextPurpose => "Give the line the next purpose",
            Self::PreviousPurpose => "Give the line the purpose before",
            Self::Prove => "Do the next task: it is evidence for an outcome",
            Self::Shell => "Start your shell where the scene of the task is",
            Self::Review => "Answer the questions that are due today",
            Self::Variant => "Predict once more, with other numbers: evidence",
            Self::Lesson => "Open the lesson that prepares for this",
            Self::Exercise => "Open the exercise that this lesson leads to",
            Self::Pause => "Stop looking every second; again: go on",
            Self::Picture => "Show what `probe` prints instead of rows; again: rows",
            Self::Scripts => "Go through calls on a model of the kernel",
            Self::Forward => "Show what happens next, within the call",
            Self::Backward => "Go back to what happened before it",
            Self::NextCall => "Go on to where the next call is back",
            Self::PreviousCall => "Go back to where the call before was back",
            Self::Predict => "Ask what each call comes back with; again: do not",
            Self::Play => "Type calls: on the model and on this kernel",
            Self::Recall => "Take the line that was typed before",
            Self::RecallNext => "Take the line that was typed after it",
            Self::Complete => "Complete the name of the call",
            Self::Why => "Tell why the call came back so; again: hide it",
            Self::Leave => "Leave the field",
            Self::Accept => "Take what was typed, or open what is selected",
        }
    }

    /// A word or two for the last line.
    pub fn short(self) -> &'static str {
        match self {
            Self::Quit => "quit",
            Self::Back => "back",
            Self::Help => "keys",
            Self::Search => "search",
            Self::Probes => "probes",
            Self::Reference => "look up",
            Self::Terms => "words",
            Self::Up | Self::Down => "move",
            Self::PageUp | Self::PageDown => "page",
            Self::Open | Self::Accept => "open",
            Self::Fold => "unfold",
            Self::Next => "next",
            Self::Choose(_) => "choose",
            Self::Commit => "answer",
            Self::Skip => "skip",
            Self::Again => "again",
            Self::NextQuestion | Self::PreviousQuestion => "question",
            Self::Refresh => "refresh",
            Self::NextTab | Self::PreviousTab => "tab",
            Self::Check => "check",
            Self::Watch => "watch",
            Self::Stop => "stop",
            Self::Edit => "edit",
            Self::Hint => "hint",
            Self::Filter => "filter",
            Self::OnlyListening => "listening",
            Self::OnlyProcess => "process",
            Self::OnlyService => "service",
            Self::OnlyType => "type",
            Self::Follow(_) => "go",
            Self::Picture => "picture",
            Self::Pick => "in or out",
            Self::Earlier => "up",
            Self::Later => "down",
            Self::NextPurpose | Self::PreviousPurpose => "purpose",
            Self::Prove => "task",
            Self::Variant => "once more",
            Self::Lesson => "lesson",
            Self::Exercise => "exercise",
            Self::Forward => "what happens",
            Self::Backward => "before",
            Self::NextCall => "whole call",
            Self::PreviousCall => "call before",
            Self::Leave => "leave",
            other => other.name(),
        }
    }
}

/// Where a binding holds. The more special place wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    /// On every screen, unless a field is being typed in.
    Everywhere,
    /// On every screen that scrolls.
    Scrolling,
    /// On the path.
    Path,
    /// In a lesson.
    Lesson,
    /// On an exercise's page.
    Exercise,
    /// On the probes screen.
    Probes,
    /// In a task.
    Task,
    /// While statements are put in order.
    Ordering,
    /// While lines are given a purpose.
    Matching,
    /// In a lesson, while statements are put in order.
    LessonOrdering,
    /// In a lesson, while lines are given a purpose.
    LessonMatching,
    /// In a task, while statements are put in order.
    TaskOrdering,
    /// In a task, while lines are given a purpose.
    TaskMatching,
    /// On a reference page.
    Reference,
    /// In the list of scripts of the model.
    Scripts,
    /// In a run of the model.
    Stepper,
    /// While the words of a page are shown.
    Terms,
    /// In the search.
    Search,
    /// While typing calls.
    Prompt,
    /// While typing an answer or a filter.
    Typing,
    /// While the keys are shown.
    Help,
}

impl Place {
    /// Every place that has bindings of its own, in the order of the key table.
    pub const ALL: [Place; 17] = [
        Self::Everywhere,
        Self::Scrolling,
        Self::Path,
        Self::Lesson,
        Self::Exercise,
        Self::Task,
        Self::Ordering,
        Self::Matching,
        Self::Probes,
        Self::Reference,
        Self::Scripts,
        Self::Stepper,
        Self::Terms,
        Self::Search,
        Self::Prompt,
        Self::Typing,
        Self::Help,
    ];

    /// Its title in the key table.
    pub fn title(self) -> &'static str {
        match self {
            Self::Everywhere => "Everywhere",
            Self::Scrolling => "Moving",
            Self::Path => "The path",
            Self::Lesson => "A lesson",
            Self::Exercise => "An exercise",
            Self::Probes => "Probes",
            Self::Task => "A task or a review",
            Self::Ordering | Self::LessonOrdering | Self::TaskOrdering => {
                "While putting statements in order"
            }
            Self::Matching | Self::LessonMatching | Self::TaskMatching => {
                "While giving lines a purpose"
            }
            Self::Reference => "Reference pages",
            Self::Scripts => "Scripts of the model",
            Self::Stepper => "A run of the model",
            Self::Terms => "While words are shown",
            Self::Search => "Search",
            Self::Prompt => "While typing calls",
            Self::Typing => "While typing",
            Self::Help => "While the keys are shown",
        }
    }

    /// The places whose bindings hold here, the most special first.
    pub fn chain(self) -> &'static [Place] {
        match self {
            Self::Everywhere => &[Self::Everywhere],
            Self::Scrolling => &[Self::Scrolling, Self::Everywhere],
            Self::Path => &[Self::Path, Self::Scrolling, Self::Everywhere],
            Self::Lesson => &[Self::Lesson, Self::Scrolling, Self::Everywhere],
            Self::Exercise => &[Self::Exercise, Self::Scrolling, Self::Everywhere],
            Self::Probes => &[Self::Probes, Self::Scrolling, Self::Everywhere],
            Self::Task => &[Self::Task, Self::Scrolling, Self::Everywhere],
            Self::Ordering => &[Self::Ordering, Self::Scrolling, Self::Everywhere],
            Self::Matching => &[Self::Matching, Self::Scrolling, Self::Everywhere],
            Self::LessonOrdering => &[
                Self::Ordering,
                Self::Lesson,
                Self::Scrolling,
                Self::Everywhere,
            ],
            Self::LessonMatching => &[
                Self::Matching,
                Self::Lesson,
                Self::Scrolling,
                Self::Everywhere,
            ],
            Self::TaskOrdering => &[
                Self::Ordering,
                Self::Task,
                Self::Scrolling,
                Self::Everywhere,
            ],
            Self::TaskMatching => &[
                Self::Matching,
                Self::Task,
                Self::Scrolling,
                Self::Everywhere,
            ],
            Self::Reference => &[Self::Reference, Self::Scrolling, Self::Everywhere],
            Self::Scripts => &[Self::Scripts, Self::Scrolling, Self::Everywhere],
            Self::Stepper => &[Self::Stepper, Self::Everywhere],
            Self::Terms => &[Self::Terms],
            Self::Search => &[Self::Search],
            Self::Prompt => &[Self::Prompt],
            Self::Typing => &[Self::Typing],
            Self::Help => &[Self::Help, Self::Scrolling, Self::Everywhere],
        }
    }
}

/// A key, as far as bindings tell keys apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    /// Which one.
    pub code: KeyCode,
    /// Whether the control key is held.
    pub modifier: Modifier,
}

/// What is held together with a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Modifier {
    /// Nothing that matters.
    None,
    /// The control key.
    Control,
}

impl Key {
    pub(super) const fn plain(code: KeyCode) -> Self {
        Self {
            code,
            modifier: Modifier::None,
        }
    }

    pub(super) const fn control(letter: char) -> Self {
        Self {
            code: KeyCode::Char(letter),
            modifier: Modifier::Control,
        }
    }
}

impl Key {
    /// The key of an event; nothing is bound to keys with Alt.
    pub fn of(event: KeyEvent) -> Option<Self> {
        if event.modifiers.contains(KeyModifiers::ALT) {
            return None;
        }
        let modifier = if event.modifiers.contains(KeyModifiers::CONTROL) {
            Modifier::Control
        } else {
            Modifier::None
        };
        Some(Self {
            code: event.code,
            modifier,
        })
    }
}

impl fmt::Display for Key {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.modifier == Modifier::Control {
            out.write_str("Ctrl-")?;
        }
        match self.code {
            KeyCode::Up => out.write_str("↑"),
            KeyCode::Down => out.write_str("↓"),
            KeyCode::Left => out.write_str("←"),
            KeyCode::Right => out.write_str("→"),
            KeyCode::PageUp => out.write_str("PgUp"),
            KeyCode::PageDown => out.write_str("PgDn"),
            KeyCode::Home => out.write_str("Home"),
            KeyCode::End => out.write_str("End"),
            KeyCode::Enter => out.write_str("Enter"),
            KeyCode::Esc => out.write_str("Esc"),
            KeyCode::Tab => out.write_str("Tab"),
            KeyCode::BackTab => out.write_str("Shift-Tab"),
            KeyCode::Backspace => out.write_str("Backspace"),
            KeyCode::Char(' ') => out.write_str("Space"),
            KeyCode::Char(letter) if self.modifier == Modifier::Control => {
                write!(out, "{}", letter.to_ascii_uppercase())
            }
            KeyCode::Char(letter) => write!(out, "{letter}"),
            _ => out.write_str("?"),
        }
    }
}
