//! What is decided by meaning: where a value stands, what flows there, which environment it is in.
//!
//! One file a rule; each holds the rule's description ([`RuleMeta`](secretlint_core::RuleMeta)
//! with documentation whose examples are executed) and its code. What several rules need is in
//! [`literal`] (is this literal a secret, and where does it stand), [`secrecy`] (is what flows here
//! secret; [`pointer`] and [`kept`] for what only leads to one or is kept beside it) and [`sink`] (reporting what flows into a place).

mod brought;
mod commands;
mod describe;
mod ephemeral_copied_to_state;
mod fills;
mod foreign_environment_reference;
mod generated_secret_in_state;
mod kept;
mod literal;
mod literals;
mod long_lived_credential;
mod missing_rotation;
mod missing_ttl;
mod missing_write_only_version;
mod nonsensitive_secret;
mod persisted_secret_argument;
mod pointer;
mod policy;
mod policy_violation;
mod repair;
mod secrecy;
mod secret_in_command;
mod secret_in_data_source;
mod secret_in_local_file;
mod secret_in_name_or_tag;
mod secret_in_plain_environment;
mod secret_in_state_data_source;
mod secret_in_trigger;
mod secret_in_user_data;
mod shared_identity;
mod shared_secret_reference;
mod sharing;
mod sink;
mod stored_secret;
mod texts;
mod ungated_ephemeral;
mod unmarked_secret_output;
mod unmarked_secret_variable;
mod versions;

#[cfg(test)]
mod regressions;
#[cfg(test)]
mod regressions_flow;
#[cfg(test)]
mod regressions_places;
#[cfg(test)]
mod scenarios;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod text_regressions;
#[cfg(test)]
mod value_regressions;

use secretlint_core::Rule;

/// Every semantic rule, sorted by id; [`literals::Literals`] stands for all rules about literals.
pub static RULES: &[&dyn Rule] = &[
    &ephemeral_copied_to_state::EphemeralCopiedToState,
    &foreign_environment_reference::ForeignEnvironmentReference,
    &generated_secret_in_state::GeneratedSecretInState,
    &literals::Literals,
    &long_lived_credential::LongLivedCredential,
    &missing_rotation::MissingRotation,
    &missing_ttl::MissingTtl,
    &missing_write_only_version::MissingWriteOnlyVersion,
    &nonsensitive_secret::NonsensitiveSecret,
    &persisted_secret_argument::PersistedSecretArgument,
    &policy_violation::PolicyViolation,
    &secret_in_command::SecretInCommand,
    &secret_in_data_source::SecretInDataSource,
    &secret_in_local_file::SecretInLocalFile,
    &secret_in_name_or_tag::SecretInNameOrTag,
    &secret_in_plain_environment::SecretInPlainEnvironment,
    &secret_in_state_data_source::SecretInStateDataSource,
    &secret_in_trigger::SecretInTrigger,
    &secret_in_user_data::SecretInUserData,
    &shared_identity::SharedIdentity,
    &shared_secret_reference::SharedSecretReference,
    &stored_secret::StoredSecret,
    &ungated_ephemeral::UngatedEphemeral,
    &unmarked_secret_output::UnmarkedSecretOutput,
    &unmarked_secret_variable::UnmarkedSecretVariable,
];
