//! Expressions and templates over what was observed: answer keys, diagnoses, slots in a text.
//!
//! An answer key is never a literal; it is an expression that the kernel's own answer makes true.
//! Everything here is pure: a value in, a value or a problem out. Undefined names are errors, so a
//! misspelt key cannot pass for "false". This is the only file that knows minijinja.

use minijinja::value::Value;
use minijinja::{Environment, UndefinedBehavior};
use serde::Serialize;

/// Why an expression or a template gave no value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ExpressionError {
    /// What the engine says: lower-case, one line.
    pub message: String,
}

impl From<minijinja::Error> for ExpressionError {
    fn from(error: minijinja::Error) -> Self {
        let detail = error
            .detail()
            .map(|detail| format!(": {detail}"))
            .unwrap_or_default();
        Self {
            message: format!("{}{detail}", error.kind()),
        }
    }
}

fn engine() -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.add_filter("hex", |number: i64| format!("{number:#x}"));
    environment.add_filter("octal", |number: i64| format!("{number:04o}"));
    environment
}

/// Whether an expression is well formed: for loading, before any observation exists.
///
/// # Errors
/// What is wrong with it.
pub fn check_expression(source: &str) -> Result<(), ExpressionError> {
    engine()
        .compile_expression(source)
        .map(drop)
        .map_err(Into::into)
}

/// Whether a template is well formed.
///
/// # Errors
/// What is wrong with it.
pub fn check_template(source: &str) -> Result<(), ExpressionError> {
    engine()
        .template_from_str(source)
        .map(drop)
        .map_err(Into::into)
}

/// The names an expression asks its context for, as paths: `program.signal`. Nothing when it is
/// malformed.
pub fn names(source: &str) -> Vec<String> {
    let environment = engine();
    let Ok(expression) = environment.compile_expression(source) else {
        return Vec::new();
    };
    let mut names: Vec<String> = expression.undeclared_variables(true).into_iter().collect();
    names.sort();
    names
}

/// Evaluates an expression over `context` and says whether it is true.
///
/// # Errors
/// A malformed expression, or a name the context does not have.
pub fn holds(source: &str, context: &impl Serialize) -> Result<bool, ExpressionError> {
    evaluate(source, context).map(|value| value.is_true())
}

/// Evaluates an expression over `context` and gives its value as text.
///
/// # Errors
/// A malformed expression, or a name the context does not have.
pub fn value(source: &str, context: &impl Serialize) -> Result<String, ExpressionError> {
    evaluate(source, context).map(|value| value.to_string())
}

fn evaluate(source: &str, context: &impl Serialize) -> Result<Value, ExpressionError> {
    let environment = engine();
    let value = environment
        .compile_expression(source)?
        .eval(Value::from_serialize(context))?;
    if value.is_undefined() {
        return Err(ExpressionError {
            message: format!("`{source}` names something unknown"),
        });
    }
    Ok(value)
}

/// Fills the slots of a template from `context`.
///
/// # Errors
/// A malformed template, or a name the context does not have.
pub fn fill(template: &str, context: &impl Serialize) -> Result<String, ExpressionError> {
    engine()
        .render_str(template, Value::from_serialize(context))
        .map_err(Into::into)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_answer_key_is_decided_by_the_observation() {
        let seen = json!({ "obs": { "a": { "pid": 7, "connector": 7 } } });
        assert_eq!(holds("obs.a.pid == obs.a.connector", &seen), Ok(true));
        assert_eq!(holds("obs.a.pid > 7 and obs.a.pid < 9", &seen), Ok(false));
    }

    #[test]
    fn a_misspelt_name_is_an_error_and_not_false() {
        let seen = json!({ "obs": { "a": {} } });
        assert!(holds("obs.a.pidd == 3", &seen).is_err());
        assert!(holds("obs.a.pidd", &seen).is_err());
        assert!(fill("pid {{ obs.a.pidd }}", &seen).is_err());
    }

    #[test]
    fn an_expression_tells_what_it_asks_for() {
        let source = "a.b == 1 and (c in ['x'] or 'y' in d.e)";
        assert_eq!(names(source), ["a.b", "c", "d.e"]);
    }

    #[test]
    fn slots_take_observed_values() {
        let seen = json!({ "obs": { "mode": 0o755 } });
        assert_eq!(
            fill("mode {{ obs.mode | octal }}", &seen).as_deref(),
            Ok("mode 0755")
        );
    }
}
