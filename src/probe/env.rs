//! `probe env`: the variables that name endpoints, and what they lead to.
//!
//! Owns the picture of an environment as far as it names endpoints of services. Drawing is
//! [`crate::render`]'s.

use schemars::JsonSchema;
use serde::Serialize;

use super::{ProbeError, Surroundings};
use crate::curriculum::services::Catalogue;
use crate::untrusted::Untrusted;

/// What more is wanted than usual.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wish {}

/// What the probe saw.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub struct Env {
    /// `ipc-mastery/probe/env/1`.
    pub schema: &'static str,
    /// Variables that name an endpoint.
    pub variables: Vec<Variable>,
}

/// A variable that names an endpoint.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub struct Variable {
    /// Its name.
    pub name: String,
    /// The service that it announces.
    pub service: String,
    /// Its value, if it is set.
    pub value: Option<Untrusted>,
}

/// Looks at the environment of this process.
///
/// # Errors
/// None yet.
pub fn collect(
    _wish: &Wish,
    catalogue: &Catalogue,
    _surroundings: &Surroundings,
) -> Result<Env, ProbeError> {
    let variables = catalogue
        .services
        .iter()
        .flat_map(|service| service.variables.iter().map(move |name| (service, name)))
        .map(|(service, name)| Variable {
            name: name.clone(),
            service: service.name.clone(),
            value: std::env::var_os(name).map(|value| Untrusted::new(value.into_encoded_bytes())),
        });
    Ok(Env {
        schema: "ipc-mastery/probe/env/1",
        variables: variables.collect(),
    })
}
