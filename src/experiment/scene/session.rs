//! The scene `session`: a mock of a login's runtime directory, for machines where nobody is logged
//! in. Programs with the names of real ones listen there; one has died and left its name behind, one
//! name is served by a stranger. Which ones is drawn.
//!
//! Who plays what is data of the task. What is right is [`super::census`]'s to find out.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::super::{Failure, parameters};
use super::member::Member;
use super::player::{Fate, Manners, Player};
use super::{Part, Set};

/// The runtime directory, in the scene's own.
const DIRECTORY: &str = "run";

/// The longest path that bind(2) takes: `sun_path` has 108 bytes, and a NUL is one of them.
const LONGEST: usize = 107;

/// Who may play, and what was drawn.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Cast {
    /// Programs of a session.
    pub(super) programs: Vec<Program>,
    /// Programs that belong to none of its names.
    strangers: Vec<String>,
    /// Names that are what they seem.
    keep: Vec<String>,
    /// Which of the optional programs play: a bit each.
    also: u64,
    /// Which name is dead.
    dead: usize,
    /// Which name is served by a stranger.
    squatted: usize,
    /// By which one.
    stranger: usize,
    /// 0 when the program that the name belongs to does not run.
    alive: u64,
    /// Who begins.
    first: usize,
}

/// A program of a session. Names are relative to the runtime directory.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Program {
    /// Its name.
    pub(super) program: String,
    /// Where it listens.
    #[serde(default)]
    pub(super) listens: Vec<String>,
    /// Where it receives datagrams.
    #[serde(default)]
    receives: Vec<String>,
    /// Its other files.
    #[serde(default)]
    files: Vec<String>,
    /// Whether it is drawn if it plays.
    #[serde(default)]
    optional: bool,
}

impl Cast {
    /// Reads the parameters.
    pub(super) fn read(params: &Map<String, Value>) -> Result<Self, Failure> {
        parameters(params)
    }

    /// Who plays, in the order in which they are started.
    fn players(&self) -> Result<Vec<Player>, Failure> {
        let mut bits = self.also;
        let mut plays = |program: &&Program| {
            let bit = bits & 1 == 1;
            if program.optional {
                bits >>= 1;
            }
            !program.optional || bit
        };
        let programs: Vec<&Program> = self.programs.iter().filter(&mut plays).collect();
        // Only a program with one name is a suspect: each of the others would be two answers.
        let mut suspects: Vec<&Program> = programs
            .iter()
            .copied()
            .filter(|program| match &program.listens[..] {
                [name] => !name.contains('/') && !self.keep.contains(name),
                _ => false,
            })
            .collect();
        if suspects.len() < 2 || self.strangers.is_empty() {
            let few = "a session needs two programs with one name each, and a stranger";
            return Err(Failure::Parameters(few.to_owned()));
        }
        let dead = suspects.remove(self.dead % suspects.len());
        let squatted = suspects[self.squatted % suspects.len()];
        let mut players = Vec::new();
        for program in programs {
            let is = |other: &Program| program.program == other.program;
            if is(squatted) && self.alive == 0 {
                continue;
            }
            players.push(Player {
                program: program.program.clone(),
                listens: program.listens.clone(),
                receives: program.receives.clone(),
                files: program.files.clone(),
                manners: Manners::Honest,
                fate: if is(dead) { Fate::Dies } else { Fate::Stays },
            });
        }
        let count = players.len();
        players.rotate_left(self.first % count);
        players.push(Player {
            program: self.strangers[self.stranger % self.strangers.len()].clone(),
            listens: squatted.listens.clone(),
            manners: Manners::Takes,
            ..Player::default()
        });
        Ok(players)
    }
}

/// A mock session that stands.
struct Session {
    directory: PathBuf,
    /// Who is there; they stay as long as their input is open.
    _members: Vec<Member>,
}

/// Sets it.
pub(super) fn set(params: &Map<String, Value>) -> Result<Box<dyn Set>, Failure> {
    let fault = |error: std::io::Error| Failure::Fault(format!("cannot set a session: {error}"));
    let players = Cast::read(params)?.players()?;
    let directory = std::env::current_dir().map_err(fault)?.join(DIRECTORY);
    DirBuilder::new()
        .mode(0o700)
        .create(&directory)
        .map_err(fault)?;
    let mut members = Vec::new();
    for player in players {
        let player = player.beneath(&directory)?;
        let fate = player.fate;
        let name = player.program.clone();
        let member = Member::start(&name, Part::Player(player))?;
        match fate {
            Fate::Dies => member.wait()?,
            Fate::Stays => members.push(member),
        }
    }
    Ok(Box::new(Session {
        directory,
        _members: members,
    }))
}

impl Player {
    /// With absolute paths, as programs of a session bind theirs.
    fn beneath(mut self, directory: &std::path::Path) -> Result<Self, Failure> {
        let names = self.listens.iter_mut().chain(&mut self.receives);
        for name in names.chain(&mut self.files) {
            let path = directory.join(&name).to_string_lossy().into_owned();
            if path.len() > LONGEST {
                let what = "a shorter path for temporary files (TMPDIR): the name of a socket has \
                            107 bytes at most";
                return Err(Failure::Lacking(what.to_owned()));
            }
            *name = path;
        }
        Ok(self)
    }
}

impl Set for Session {
    fn look(&mut self) -> Result<Value, Failure> {
        Ok(json!({ "directory": self.directory.to_string_lossy() }))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn program(name: &str, listens: &[&str], optional: bool) -> Program {
        Program {
            program: name.to_owned(),
            listens: listens.iter().map(|&name| name.to_owned()).collect(),
            optional,
            ..Program::default()
        }
    }

    fn cast() -> Cast {
        Cast {
            programs: vec![
                program("dbus-daemon", &["bus"], false),
                program("sway", &["wayland-1"], false),
                program("pipewire", &["pipewire-0", "pipewire-0-manager"], false),
                program("foot", &["foot.sock"], true),
                program("ssh-agent", &["ssh-agent.socket"], false),
                program("mpd", &["mpd.socket"], true),
            ],
            strangers: vec!["nc".to_owned(), "python3".to_owned()],
            keep: vec!["bus".to_owned()],
            also: 0,
            dead: 0,
            squatted: 0,
            stranger: 0,
            alive: 1,
            first: 0,
        }
    }

    #[test]
    fn one_name_is_dead_and_another_one_taken_by_a_stranger_however_it_is_drawn() {
        let mut seen = BTreeSet::new();
        for drawn in 0..4_usize.pow(4) {
            let cast = Cast {
                also: drawn as u64 % 4,
                dead: drawn / 4 % 4,
                squatted: drawn / 16 % 4,
                alive: drawn as u64 / 64 % 2,
                first: drawn / 64,
                stranger: drawn / 128,
                ..cast()
            };
            let players = cast.players().unwrap();
            let dead: Vec<&Player> = players
                .iter()
                .filter(|one| one.fate == Fate::Dies)
                .collect();
            let (stranger, others) = players.split_last().unwrap();
            assert_eq!(dead.len(), 1);
            assert_eq!(stranger.manners, Manners::Takes);
            assert_ne!(dead[0].listens, stranger.listens);
            for name in ["bus", "pipewire-0"] {
                let kept = |player: &&Player| player.listens.iter().any(|one| one == name);
                assert_eq!(players.iter().filter(kept).count(), 1, "{name}");
            }
            let rivals = others.iter().filter(|one| one.listens == stranger.listens);
            assert_eq!(rivals.count() as u64, cast.alive);
            seen.insert((dead[0].listens.clone(), stranger.listens.clone()));
        }
        assert_eq!(seen.len(), 12, "every pair of the four suspects");
    }

    #[test]
    fn a_session_without_suspects_is_an_author_s_mistake() {
        let cast = Cast {
            programs: vec![program("dbus-daemon", &["bus"], false)],
            ..cast()
        };
        assert!(matches!(cast.players(), Err(Failure::Parameters(_))));
    }
}
