//! Whether what lessons say holds on this kernel: every prediction, every fact to state and every
//! claim of a lesson, judged by one run of its experiment.
//!
//! [`judge`] is pure: a lesson and what its experiment gave in, findings out. Running experiments
//! and drawing the report are others' work.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::judgement::{self, JudgementError};
use super::{ExperimentError, Observation};
use crate::curriculum::claim::{Backing, Claim};
use crate::curriculum::expression;
use crate::curriculum::lesson::{Lesson, Prediction, State};
use crate::json_schema;

/// What all lessons say, judged on one kernel.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Report {
    /// `ipc-mastery/claims/1`.
    pub schema: String,
    /// The running kernel's release: uname(2).
    pub kernel: String,
    /// How many findings there are of each kind and standing.
    pub summary: Summary,
    /// Lessons that say something that can be judged, in the order of the path.
    pub lessons: Vec<LessonReport>,
}

/// What one lesson says, judged.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct LessonReport {
    /// The lesson, by slug.
    pub lesson: String,
    /// Its module, by slug.
    pub module: String,
    /// The experiment that was run once; null when the lesson has none.
    pub experiment: Option<String>,
    /// Kernel releases on which the lesson was checked by its author.
    pub checked: Vec<String>,
    /// One for each prediction, fact and claim.
    pub findings: Vec<Finding>,
}

/// One thing a lesson says, and how it stands.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Finding {
    /// Prediction, fact or claim.
    pub kind: Kind,
    /// Its id in the lesson; of a fact, the id of its part.
    pub id: String,
    /// The claim's sentence; of a prediction or a fact, its question.
    pub says: String,
    /// How it stands on this kernel.
    pub standing: Standing,
    /// The expressions over the observation that decide; none for a reference.
    pub expressions: Vec<String>,
    /// What they read.
    pub values: Vec<Seen>,
    /// Why it stands so: how it differs, or why it could not be run; null when there is nothing to
    /// say.
    pub why: Option<String>,
    /// The manual page, when the claim stands by reference only.
    pub reference: Option<String>,
    /// The kernel identifier beside it.
    pub ident: Option<String>,
    /// Rows of the claim audit that the claim answers.
    pub audit: Vec<u32>,
}

/// A value that an expression read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Seen {
    /// Its name, such as `obs.a.count`.
    pub name: String,
    /// The value; null also when there is none of this name.
    pub value: Value,
}

/// What a finding is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Exactly one option of a prediction is what the kernel did.
    Prediction,
    /// The decisive fact of a part can be stated.
    Fact,
    /// A claim.
    Claim,
}

/// How something that a lesson says stands on this kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// The kernel did what the lesson says.
    Holds,
    /// The kernel did something else.
    Differs,
    /// The kernel did something else, and the lesson says that kernels of this version do.
    AsTold,
    /// This machine lacks what the experiment needs.
    CannotRun,
    /// The experiment did not work, for a fault that is not the lesson's.
    Failed,
    /// Nothing can be run: a manual page says it.
    Reference,
}

/// Counts of findings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Summary {
    /// Of claims.
    pub claims: Counts,
    /// Of predictions.
    pub predictions: Counts,
    /// Of facts to state.
    pub facts: Counts,
}

/// Counts of findings of one kind, by standing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Counts {
    /// The kernel did what the lesson says.
    pub holds: usize,
    /// The kernel did something else.
    pub differs: usize,
    /// The kernel did something else, as the lesson says of its version.
    pub as_told: usize,
    /// This machine lacks what the experiment needs.
    pub cannot_run: usize,
    /// The experiment did not work.
    pub failed: usize,
    /// A manual page says it.
    pub reference: usize,
}

impl Report {
    /// The name and version of its JSON form.
    pub const SCHEMA: &str = "ipc-mastery/claims/1";

    /// A report on lessons that were judged on the kernel `kernel`.
    pub fn new(kernel: String, lessons: Vec<LessonReport>) -> Self {
        let lessons: Vec<LessonReport> = lessons
            .into_iter()
            .filter(|lesson| !lesson.findings.is_empty())
            .collect();
        let mut summary = Summary::default();
        for finding in lessons.iter().flat_map(|lesson| &lesson.findings) {
            summary.of(finding.kind).add(finding.standing);
        }
        Self {
            schema: Self::SCHEMA.to_owned(),
            kernel,
            summary,
            lessons,
        }
    }

    /// Whether anything stands so.
    pub fn has(&self, standing: Standing) -> bool {
        let mut findings = self.lessons.iter().flat_map(|lesson| &lesson.findings);
        findings.any(|finding| finding.standing == standing)
    }

    /// The JSON Schema of its JSON form.
    pub fn json_schema() -> Value {
        json_schema::named::<Self>("ipc-mastery try --all --json", Self::SCHEMA)
    }
}

impl Summary {
    fn of(&mut self, kind: Kind) -> &mut Counts {
        match kind {
            Kind::Prediction => &mut self.predictions,
            Kind::Fact => &mut self.facts,
            Kind::Claim => &mut self.claims,
        }
    }
}

impl Counts {
    fn add(&mut self, standing: Standing) {
        let count = match standing {
            Standing::Holds => &mut self.holds,
            Standing::Differs => &mut self.differs,
            Standing::AsTold => &mut self.as_told,
            Standing::CannotRun => &mut self.cannot_run,
            Standing::Failed => &mut self.failed,
            Standing::Reference => &mut self.reference,
        };
        *count += 1;
    }
}

/// Judges all that a lesson says, by what its experiment gave: an observation, or why there is none.
/// `None` when the lesson has no experiment. `kernel` is the running kernel's release.
pub fn judge(
    lesson: &Lesson,
    observed: Option<&Result<Observation, ExperimentError>>,
    kernel: &str,
) -> LessonReport {
    let plan = lesson.experiment.as_ref();
    let mut findings = Vec::new();
    for part in plan.iter().flat_map(|plan| &plan.parts) {
        for prediction in &part.predictions {
            findings.push(judge_prediction(prediction, observed));
        }
        if let Some(state) = &part.state {
            findings.push(judge_fact(&part.id.value, state, observed));
        }
    }
    for claim in &lesson.claims {
        findings.push(judge_claim(claim, observed, kernel));
    }
    LessonReport {
        lesson: lesson.slug.clone(),
        module: lesson.module.clone(),
        experiment: plan.map(|plan| plan.name.value.clone()),
        checked: lesson.checked.clone(),
        findings,
    }
}

type Observed<'a> = Option<&'a Result<Observation, ExperimentError>>;

fn judge_prediction(prediction: &Prediction, observed: Observed<'_>) -> Finding {
    let options = prediction.options.iter();
    let expressions: Vec<&str> = options.map(|option| option.when.value.as_str()).collect();
    let finding = Finding::of(Kind::Prediction, &prediction.id, &prediction.prompt);
    finding.decided(
        &expressions,
        observed,
        |observation| match judgement::agreed_option(prediction, observation) {
            Ok(_) => Ok(()),
            Err(JudgementError::Unforeseen { count, .. }) => Err(format!(
                "{count} of its options describe what the kernel did"
            )),
            Err(error) => Err(with_cause(&error)),
        },
    )
}

fn judge_fact(part: &str, state: &State, observed: Observed<'_>) -> Finding {
    let finding = Finding::of(Kind::Fact, part, &state.prompt);
    finding.decided(
        &[&state.equals.value],
        observed,
        |observation| match judgement::decisive_fact(state, observation) {
            Ok(fact) if !fact.trim().is_empty() => Ok(()),
            Ok(_) => Err("there is nothing to state".to_owned()),
            Err(error) => Err(with_cause(&error)),
        },
    )
}

fn judge_claim(claim: &Claim, observed: Observed<'_>, kernel: &str) -> Finding {
    let mut finding = Finding::of(Kind::Claim, &claim.id.value, &claim.says);
    finding.audit.clone_from(&claim.audit);
    match &claim.backing {
        Backing::Reference { page, ident } => Finding {
            standing: Standing::Reference,
            reference: Some(page.clone()),
            ident: ident.clone(),
            ..finding
        },
        Backing::Holds(holds) => {
            let finding = finding.decided(&[&holds.value], observed, |observation| {
                let context = judgement::context(observation);
                match expression::holds(&holds.value, &context) {
                    Ok(true) => Ok(()),
                    Ok(false) => Err("the expression is false".to_owned()),
                    Err(error) => Err(error.to_string()),
                }
            });
            match &claim.range {
                Some(range) if finding.standing == Standing::Differs && !range.covers(kernel) => {
                    Finding {
                        standing: Standing::AsTold,
                        why: Some(range.otherwise.clone()),
                        ..finding
                    }
                }
                _ => finding,
            }
        }
    }
}

impl Finding {
    fn of(kind: Kind, id: &str, says: &str) -> Self {
        Self {
            kind,
            id: id.to_owned(),
            says: says.to_owned(),
            standing: Standing::Holds,
            expressions: Vec::new(),
            values: Vec::new(),
            why: None,
            reference: None,
            ident: None,
            audit: Vec::new(),
        }
    }

    /// How it stands by what was observed: `decide` says how the kernel differs.
    fn decided(
        self,
        expressions: &[&str],
        observed: Observed<'_>,
        decide: impl FnOnce(&Observation) -> Result<(), String>,
    ) -> Self {
        let (standing, why) = match observed {
            None => (
                Standing::Failed,
                Some("the lesson has no experiment".to_owned()),
            ),
            Some(Err(error)) => match error {
                ExperimentError::Lacking { what, .. } => (Standing::CannotRun, Some(what.clone())),
                other => (Standing::Failed, Some(with_cause(other))),
            },
            Some(Ok(observation)) => match (lacking(expressions, observation), decide(observation))
            {
                (Some(what), _) => (Standing::CannotRun, Some(what)),
                (None, Ok(())) => (Standing::Holds, None),
                (None, Err(why)) => (Standing::Differs, Some(why)),
            },
        };
        let values = match observed {
            Some(Ok(observation)) => values(expressions, observation),
            _ => Vec::new(),
        };
        Self {
            standing,
            why,
            values,
            expressions: expressions.iter().map(|&text| text.to_owned()).collect(),
            ..self
        }
    }
}

/// What this machine lacks for the parts that expressions read.
fn lacking(expressions: &[&str], observation: &Observation) -> Option<String> {
    let names = expressions
        .iter()
        .flat_map(|source| expression::names(source));
    names.into_iter().find_map(|name| {
        let part = name.strip_prefix("obs.")?.split('.').next()?;
        observation.lacking(part).map(str::to_owned)
    })
}

/// What expressions read of an observation, each name once.
fn values(expressions: &[&str], observation: &Observation) -> Vec<Seen> {
    let mut names: Vec<String> = expressions
        .iter()
        .flat_map(|source| expression::names(source))
        .collect();
    names.sort();
    names.dedup();
    let context = judgement::context(observation);
    let seen = names.into_iter().map(|name| {
        let pointer = format!("/{}", name.replace('.', "/"));
        let value = context.pointer(&pointer).cloned().unwrap_or(Value::Null);
        Seen { name, value }
    });
    seen.collect()
}

fn with_cause(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::curriculum::claim::{Version, VersionRange};
    use crate::curriculum::reader::Located;

    fn observed() -> Result<Observation, ExperimentError> {
        Ok(Observation {
            schema: Observation::SCHEMA.into(),
            experiment: "test".into(),
            kernel: "6.1.0".into(),
            calls: Vec::new(),
            obs: json!({ "a": { "count": 3 } }),
        })
    }

    fn lesson(holds: &str, since: Option<&str>) -> Lesson {
        let located = |value: &str| Located {
            value: value.to_owned(),
            span: 0..0,
        };
        Lesson {
            claims: vec![Claim {
                id: located("c"),
                says: "It is so.".into(),
                backing: Backing::Holds(located(holds)),
                range: since.map(|since| VersionRange {
                    since: Version::parse(since),
                    until: None,
                    otherwise: "Older kernels do not.".into(),
                }),
                audit: vec![4],
            }],
            ..Lesson::default()
        }
    }

    fn standing(lesson: &Lesson, observed: &Result<Observation, ExperimentError>) -> Finding {
        let mut report = judge(lesson, Some(observed), "6.1.0-13-amd64");
        report.findings.remove(0)
    }

    #[test]
    fn a_false_claim_differs_and_shows_what_was_read() {
        let found = standing(&lesson("obs.a.count == 4", None), &observed());
        assert_eq!(found.standing, Standing::Differs);
        assert_eq!(found.expressions, ["obs.a.count == 4"]);
        let seen = Seen {
            name: "obs.a.count".into(),
            value: json!(3),
        };
        assert_eq!(found.values, [seen]);
        let holds = standing(&lesson("obs.a.count == 3", None), &observed());
        assert_eq!(holds.standing, Standing::Holds);
    }

    #[test]
    fn a_kernel_before_the_claim_does_as_told_unless_it_does_the_new_thing_already() {
        let told = standing(&lesson("obs.a.count == 4", Some("6.5")), &observed());
        assert_eq!(told.standing, Standing::AsTold);
        assert_eq!(told.why.as_deref(), Some("Older kernels do not."));
        let already = standing(&lesson("obs.a.count == 3", Some("6.5")), &observed());
        assert_eq!(already.standing, Standing::Holds);
        let late = standing(&lesson("obs.a.count == 4", Some("6.1")), &observed());
        assert_eq!(late.standing, Standing::Differs);
    }

    #[test]
    fn what_is_lacking_is_told_apart_from_what_failed_and_what_differs() {
        let lacking = Err(ExperimentError::Lacking {
            name: "x".into(),
            what: "user namespaces".into(),
        });
        let found = standing(&lesson("obs.a.count == 3", None), &lacking);
        assert_eq!(found.standing, Standing::CannotRun);
        assert_eq!(found.why.as_deref(), Some("user namespaces"));
        let stuck = Err(ExperimentError::TimedOut { name: "x".into() });
        let found = standing(&lesson("obs.a.count == 3", None), &stuck);
        assert_eq!(found.standing, Standing::Failed);
        let misspelt = standing(&lesson("obs.a.cuont == 3", None), &observed());
        assert_eq!(misspelt.standing, Standing::Differs);
        assert!(misspelt.why.is_some());
    }

    #[test]
    fn what_something_else_stands_in_for_is_not_judged() {
        let mut observed = observed().expect("an observation");
        observed.obs["a"]["lacking"] = json!("tmux");
        for holds in ["obs.a.count == 3", "obs.a.count == 4"] {
            let found = standing(&lesson(holds, None), &Ok(observed.clone()));
            assert_eq!(found.standing, Standing::CannotRun);
            assert_eq!(found.why.as_deref(), Some("tmux"));
        }
    }

    #[test]
    fn a_report_counts_each_kind_by_how_it_stands() {
        let judged = judge(&lesson("obs.a.count == 4", None), Some(&observed()), "6.1");
        let empty = judge(&Lesson::default(), None, "6.1");
        let report = Report::new("6.1".into(), vec![judged, empty]);
        assert_eq!(report.lessons.len(), 1);
        assert_eq!(report.summary.claims.differs, 1);
        assert_eq!(report.summary.claims.holds, 0);
        assert!(report.has(Standing::Differs) && !report.has(Standing::Failed));
    }
}
