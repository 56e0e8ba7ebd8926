//! Loads a curriculum whole: finds the files, reads each with its own reader, then has what
//! files say about each other checked. What a single file may hold is the readers' business.

mod alone;
mod cross_check;
mod evidence;
mod place;
mod projects;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;

use super::exercise::{Common, Exercise, Language, Proof};
use super::guidance::Guidance;
use super::lesson::{self, Block, Lesson, Stepped};
use super::manual::Manual;
use super::misconception::Misconception;
use super::model;
use super::module::Module;
use super::path::Path;
use super::problem::{Problem, Problems, SourceFile, did_you_mean};
use super::project::Project;
use super::reader::{Located, Reader, Report, read_file};
use super::services::Catalogue;
use super::source::{Source, SourceError, StoredFile};
use super::task::Task;
use place::numbered;

/// All that is taught.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Curriculum {
    /// Levels and outcomes.
    pub path: Path,
    /// Modules in the order of the path.
    pub modules: Vec<Module>,
    /// Exercises by number.
    pub exercises: Vec<Exercise>,
    /// What all exercises share.
    pub common: Common,
    /// Languages an exercise can be written in.
    pub languages: Vec<Language>,
    /// The misconception bank.
    pub misconceptions: Vec<Misconception>,
    /// Well-known endpoints.
    pub catalogue: Catalogue,
    /// What explains each probe.
    pub manuals: Vec<Manual>,
    /// What gives evidence apart from programs, by slug.
    pub tasks: Vec<Task>,
    /// What leads to one program, by slug.
    pub projects: Vec<Project>,
}

/// Why there is no curriculum.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The files could not be found or read.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The files hold mistakes.
    #[error("{} in the curriculum", mistakes(.0.0.len()))]
    Problems(Problems),
}

fn mistakes(count: usize) -> String {
    if count == 1 {
        "1 mistake".to_owned()
    } else {
        format!("{count} mistakes")
    }
}

impl Curriculum {
    /// Loads and checks everything.
    ///
    /// # Errors
    /// When the files cannot be read, or with every mistake found in them.
    pub fn load(source: &Source) -> Result<Self, LoadError> {
        Loader::all_right(source, Loader::load)
    }

    /// Loads what probes know of services, alone: a probe needs no lessons, and must be quick.
    ///
    /// # Errors
    /// When the files cannot be read, or with every mistake found in that one.
    pub fn load_services(source: &Source) -> Result<Catalogue, LoadError> {
        Loader::all_right(source, Loader::services)
    }

    /// Like [`Self::load_services`], with what explains environments.
    ///
    /// # Errors
    /// As there.
    pub fn load_catalogue(source: &Source) -> Result<Catalogue, LoadError> {
        Loader::all_right(source, Loader::catalogue)
    }

    /// Every lesson, in the order of the path.
    pub fn lessons(&self) -> impl Iterator<Item = &Lesson> {
        self.modules.iter().flat_map(|module| &module.lessons)
    }

    /// The lesson with this slug, alone or after its module's: `af-unix/bytes-not-messages`.
    pub fn lesson(&self, name: &str) -> Option<&Lesson> {
        self.lessons().find(|lesson| {
            lesson.slug == name || name.split_once('/') == Some((&lesson.module, &lesson.slug))
        })
    }

    /// The module with this slug.
    pub fn module(&self, name: &str) -> Option<&Module> {
        self.modules.iter().find(|module| module.slug == name)
    }

    /// The exercise with this name: `exercise-3`, `3` or `echo-server`.
    pub fn exercise(&self, name: &str) -> Option<&Exercise> {
        let number = name
            .strip_prefix("exercise-")
            .unwrap_or(name)
            .parse::<u32>()
            .ok();
        self.exercises
            .iter()
            .find(|exercise| exercise.slug == name || Some(exercise.number) == number)
    }

    /// The task with this slug.
    pub fn task(&self, slug: &str) -> Option<&Task> {
        self.tasks.iter().find(|task| task.slug == slug)
    }

    /// The project whose page has this name: `inbox-project`.
    pub fn project(&self, name: &str) -> Option<&Project> {
        self.projects.iter().find(|project| project.name() == name)
    }

    /// The language with this id.
    pub fn language(&self, id: &str) -> Option<&Language> {
        self.languages
            .iter()
            .find(|language| language.id.value == id)
    }
}

/// The name of the file that explains environments.
const GUIDANCE: &str = "curriculum/environment.toml";

/// Reads files one by one, and gathers the mistakes of all.
pub(super) struct Loader {
    files: Vec<StoredFile>,
    problems: Vec<Problem>,
    /// Source files already read, by name: cross-checks point into them.
    places: BTreeMap<String, Arc<SourceFile>>,
}

impl Loader {
    /// What `load` makes of the files, if it finds no mistake in them.
    pub(super) fn all_right<T>(
        source: &Source,
        load: impl FnOnce(&mut Self) -> T,
    ) -> Result<T, LoadError> {
        let mut loader = Self {
            files: source.files()?,
            problems: Vec::new(),
            places: BTreeMap::new(),
        };
        let loaded = load(&mut loader);
        match loader.problems.is_empty() {
            true => Ok(loaded),
            false => Err(LoadError::Problems(Problems(loader.problems))),
        }
    }

    /// Services and variables.
    fn services(&mut self) -> Catalogue {
        self.read("curriculum/services.toml", Catalogue::read)
    }

    /// Services and variables; and what explains environments, built in where a pack has none.
    fn catalogue(&mut self) -> Catalogue {
        self.complete(GUIDANCE);
        Catalogue {
            guidance: self.read(GUIDANCE, Guidance::read),
            ..self.services()
        }
    }

    /// Whether there is a file of this name.
    pub(super) fn has(&self, name: &str) -> bool {
        self.files.iter().any(|file| file.name == name)
    }

    /// Takes a file that is built in, where the pack has none of this name.
    pub(super) fn complete(&mut self, name: &str) {
        if !self.has(name)
            && let Ok(files) = Source::Embedded.files()
        {
            self.files
                .extend(files.into_iter().filter(|file| file.name == name));
        }
    }

    /// The scripts of the model, by name.
    fn scripts(&self) -> impl Iterator<Item = (&str, &StoredFile)> {
        let files = self.files.iter();
        files.filter_map(|file| Some((model::script_name(&file.name)?, file)))
    }

    /// Adds the scripts that are built in, where the files hold none.
    fn complete_scripts(&mut self) {
        if self.scripts().next().is_none()
            && let Ok(files) = Source::Embedded.files()
        {
            let files = files.into_iter();
            let scripts = files.filter(|file| model::script_name(&file.name).is_some());
            self.files.extend(scripts);
        }
    }

    fn load(&mut self) -> Curriculum {
        self.complete_scripts();
        let mut curriculum = Curriculum {
            path: self.read("curriculum/path.toml", Path::read),
            misconceptions: self.read("curriculum/misconceptions.toml", Misconception::read_all),
            catalogue: self.catalogue(),
            manuals: Manual::all(&self.files),
            ..self.shared()
        };
        for name in self.matching("curriculum/", "/module.toml") {
            let (number, slug) = numbered(&name["curriculum/".len()..]);
            let mut module = Module {
                number,
                slug,
                ..self.read(&name, Module::read)
            };
            let prefix = name.trim_end_matches("module.toml").to_owned();
            for lesson_name in self.matching(&prefix, "/lesson.toml") {
                module
                    .lessons
                    .push(self.lesson(&lesson_name, &prefix, &module.slug));
            }
            curriculum.modules.push(module);
        }
        for name in self.matching("exercises/", "/exercise.toml") {
            let exercise = Exercise {
                proof: self.proof(&name),
                ..self.exercise(&name)
            };
            curriculum.exercises.push(exercise);
        }
        curriculum.tasks = self.tasks();
        curriculum.projects = self.projects();
        curriculum.modules.sort_by_key(|module| module.number);
        curriculum.exercises.sort_by_key(|exercise| exercise.number);
        self.cross_check(&curriculum);
        curriculum
    }

    fn lesson(&mut self, name: &str, prefix: &str, module: &str) -> Lesson {
        let (number, slug) = numbered(&name[prefix.len()..]);
        let mut lesson = self.read(name, Lesson::read);
        let text_name = name.replace("lesson.toml", "text.md");
        if let Some(file) = self.file(&text_name) {
            let (blocks, problems) = lesson::cut(&file.text);
            lesson.blocks = blocks;
            for block in &mut lesson.blocks {
                if let Block::Script(shown) = block {
                    self.tell_of(shown);
                }
            }
            for (span, message) in problems {
                self.add(&text_name, span, message, None);
            }
        }
        Lesson {
            number,
            slug,
            module: module.to_owned(),
            ..lesson
        }
    }

    /// Fills in what a script says of itself; one that is not there has no title.
    fn tell_of(&self, shown: &mut Stepped) {
        let mut scripts = self.scripts();
        if let Some((_, file)) = scripts.find(|(name, _)| *name == shown.name) {
            let text = &file.source_file().text;
            shown.title = match model::title_of(text) {
                "" => shown.name.clone(),
                title => title.to_owned(),
            };
            shown.about = model::about(text);
        }
    }

    fn exercise(&mut self, name: &str) -> Exercise {
        let (_, slug) = numbered(&name["exercises/".len()..]);
        let directory = name.trim_end_matches("exercise.toml").to_owned();
        let mut exercise = Exercise {
            slug,
            ..self.read(name, Exercise::read)
        };
        let text = |file: Option<Arc<SourceFile>>| file.map(|f| f.text.clone()).unwrap_or_default();
        exercise.task = text(self.file(&format!("{directory}README.md")));
        exercise.explanation = text(self.file(&format!("{directory}explanation.md")));
        exercise.files = self
            .below(&directory)
            .into_iter()
            .filter(|file| {
                let (kind, _) = file.name.split_once('/').unwrap_or_default();
                matches!(kind, "starter" | "solution" | "given")
            })
            .collect();
        exercise
    }

    /// What proves the diagnoses of an exercise, where that is there.
    fn proof(&mut self, exercise: &str) -> Proof {
        let mutants = exercise.replace("exercise.toml", "mutants.toml");
        match self.has(&mutants) {
            true => self.read(&mutants, Exercise::read_proof),
            false => Proof::default(),
        }
    }

    /// Names that end in `/<file>` exactly one directory below `prefix`.
    fn matching(&self, prefix: &str, suffix: &str) -> Vec<String> {
        self.files
            .iter()
            .filter_map(|file| {
                let middle = file.name.strip_prefix(prefix)?.strip_suffix(suffix)?;
                (!middle.is_empty() && !middle.contains('/')).then(|| file.name.clone())
            })
            .collect()
    }

    /// The files below a directory, named from there.
    fn below(&self, directory: &str) -> Vec<StoredFile> {
        self.files
            .iter()
            .filter_map(|file| {
                let name = file.name.strip_prefix(directory)?.to_owned();
                Some(StoredFile {
                    name,
                    ..file.clone()
                })
            })
            .collect()
    }

    fn file(&mut self, name: &str) -> Option<Arc<SourceFile>> {
        let Some(stored) = self.files.iter().find(|file| file.name == name) else {
            let file = Arc::new(SourceFile {
                name: name.to_owned(),
                text: String::new(),
            });
            let message = "this file is missing".to_owned();
            self.problems.push(Problem {
                file,
                span: None,
                message,
                help: None,
            });
            return None;
        };
        let file = stored.source_file();
        self.places.insert(name.to_owned(), Arc::clone(&file));
        Some(file)
    }

    pub(super) fn read<T: Default>(
        &mut self,
        name: &str,
        read: impl FnOnce(&mut Reader<'_>) -> T,
    ) -> T {
        let Some(file) = self.file(name) else {
            return T::default();
        };
        let report = Report::new(file);
        let value = read_file(&report, read);
        self.problems.extend(report.finish());
        value
    }

    pub(super) fn add(
        &mut self,
        name: &str,
        span: std::ops::Range<usize>,
        message: String,
        help: Option<String>,
    ) {
        if let Some(file) = self.places.get(name) {
            let file = Arc::clone(file);
            self.problems.push(Problem {
                file,
                span: Some(span),
                message,
                help,
            });
        }
    }

    pub(super) fn known(
        &mut self,
        file: &str,
        what: &str,
        names: &[Located<String>],
        known: &[&str],
    ) {
        for name in names {
            if !known.contains(&name.value.as_str()) {
                let message = format!("there is no {what} `{}`", name.value);
                let help = did_you_mean(&name.value, known.iter().copied());
                self.add(file, name.span.clone(), message, help);
            }
        }
    }

    pub(super) fn unique<'a>(
        &mut self,
        what: &str,
        ids: impl Iterator<Item = (String, &'a Located<String>)>,
    ) {
        let mut seen = std::collections::BTreeSet::new();
        for (file, id) in ids {
            if !seen.insert(id.value.clone()) {
                self.add(
                    &file,
                    id.span.clone(),
                    format!("{what} `{}` occurs twice", id.value),
                    None,
                );
            }
        }
    }
}
