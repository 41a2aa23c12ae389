//! What the policy has to say about the provider's own blocks: the environment the provider will work in, so
//! that the question put here is the one that the provider puts during the run.

use secret_policy::Policy;
use secret_policy::convert::{Target, convert};
use secretlint_core::Cx;
use secretlint_core::facts::{Block, Role, constant_string};

/// The environment that a run of this configuration works in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RunEnvironment {
    /// The provider block names it, or the policy says where the file belongs.
    Known(String),
    /// Nobody has to choose: the policy defines none.
    Needless,
    /// It is chosen outside of the configuration.
    Unknown,
}

/// The environment in which the provider opens what `block` asks for: what its provider block says, else
/// where the file belongs.
pub(crate) fn run_environment<'a>(
    cx: &Cx<'_, 'a>,
    policy: &Policy,
    block: &Block<'a>,
) -> RunEnvironment {
    let configured = provider_of(cx, block).and_then(|provider| provider.value("environment"));
    if let Some(name) = configured.and_then(constant_string) {
        return RunEnvironment::Known(name.into_owned());
    }
    let here = cx
        .environment(block.file.id)
        .and_then(|here| policy.environment_meant_by(&here.name));
    match here {
        Some(environment) => RunEnvironment::Known(environment.name().to_owned()),
        None if policy.environments().is_empty() && configured.is_none() => {
            RunEnvironment::Needless
        }
        None => RunEnvironment::Unknown,
    }
}

/// True when the policy says that the environment knowingly shares what `text` names, in whichever notation.
pub(crate) fn is_shared(policy: &Policy, text: &str, environment: &str) -> bool {
    convert(text, &Target::default()).is_ok_and(|converted| {
        policy
            .shared_reason(&converted.reference, environment)
            .is_some()
    })
}

/// The block that configures the provider of `block`: the one of its alias, else the one without.
fn provider_of<'r, 'a>(cx: &Cx<'r, 'a>, block: &Block<'a>) -> Option<&'r Block<'a>> {
    let alias = block.value("provider").and_then(|expr| {
        let text = cx.text_of(block.file.place(expr.span()));
        text.trim_matches('"').split_once('.')
    });
    let wanted = alias.map(|(_, alias)| alias);
    cx.module.blocks_of(Role::Provider).find(|provider| {
        let own = provider.value("alias").and_then(constant_string);
        provider.kind() == "secretref" && own.as_deref() == wanted
    })
}
