//! Loads one exercise with what all exercises share: judging a program needs no lessons, and is
//! done again and again.

use super::super::exercise::{Common, Exercise, Language};
use super::super::source::Source;
use super::place::numbered;
use super::{Curriculum, LoadError, Loader};

impl Curriculum {
    /// Loads the exercise with this name (`exercise-3`, `3` or `echo-server`), without its proof, and
    /// nothing else but languages and what all exercises share. `None`: there is no such exercise.
    ///
    /// # Errors
    /// When the files cannot be read, or with every mistake found in them. What files say about each
    /// other is not looked at.
    pub fn load_exercise(source: &Source, name: &str) -> Result<Option<Self>, LoadError> {
        Loader::all_right(source, |loader| loader.alone(name))
    }
}

impl Loader {
    fn alone(&mut self, name: &str) -> Option<Curriculum> {
        let number = name.strip_prefix("exercise-").unwrap_or(name);
        let number = number.parse::<u32>().ok();
        let files = self.matching("exercises/", "/exercise.toml");
        let file = files.into_iter().find(|file| {
            let (its_number, slug) = numbered(&file["exercises/".len()..]);
            slug == name || Some(its_number) == number
        })?;
        let exercises: Vec<Exercise> = vec![self.exercise(&file)];
        Some(Curriculum {
            exercises,
            ..self.shared()
        })
    }

    /// What all exercises share.
    pub(super) fn shared(&mut self) -> Curriculum {
        let mut languages = self.read("exercises/languages.toml", Language::read_all);
        for language in &mut languages {
            language.files = self.below(&format!("exercises/languages/{}/", language.id.value));
        }
        Curriculum {
            common: self.read("exercises/common.toml", Common::read),
            languages,
            ..Curriculum::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exercise_alone_is_what_it_is_among_all() {
        let all = Curriculum::load(&Source::Embedded).unwrap();
        for exercise in &all.exercises {
            for name in [
                exercise.slug.clone(),
                exercise.name(),
                exercise.number.to_string(),
            ] {
                let alone = Curriculum::load_exercise(&Source::Embedded, &name).unwrap();
                let alone = alone.expect("it is there");
                assert_eq!(format!("{:?}", alone.common), format!("{:?}", all.common));
                let [found] = alone.exercises.as_slice() else {
                    panic!("one exercise");
                };
                let mut found = found.clone();
                found.proof = exercise.proof.clone();
                assert_eq!(format!("{found:?}"), format!("{exercise:?}"));
            }
        }
        assert!(
            Curriculum::load_exercise(&Source::Embedded, "no-such")
                .unwrap()
                .is_none()
        );
    }
}
