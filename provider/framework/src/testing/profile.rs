//! The cores a test can play.

use std::time::Duration;

use tfplugin::proto::ClientCapabilities;

/// How one version of Terraform or OpenTofu behaves towards a provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Profile {
    /// For messages.
    pub name: &'static str,
    /// What it says its version is when it configures a provider.
    pub version: &'static str,
    /// True for OpenTofu.
    pub opentofu: bool,
    /// Which private bytes a close brings.
    pub private_at_close: PrivateAtClose,
    /// How long a close may take; `None` is for ever.
    pub close_timeout: Option<Duration>,
    /// Goes on renewing after an error that came with a time.
    pub renews_after_error: bool,
    /// Tells the practitioner, at close, what went wrong while renewing.
    pub reports_renewals: bool,
    /// Sends null arguments of functions as messages without content.
    pub null_argument_is_empty: bool,
    /// Knows write-only attributes.
    pub write_only: bool,
    /// Asks for identity schemas.
    pub identity: bool,
    /// Has actions and list resources.
    pub actions: bool,
    /// Puts up with unknown values in the result of an open while planning.
    pub unknown_results: bool,
    /// Closes a resource whose result it refuses.
    pub closes_what_it_refuses: bool,
    /// Keeps the notes of a plan and sends them when it plans again in the same run.
    pub planned_private: bool,
}

/// Which private bytes a close brings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PrivateAtClose {
    /// Those of the open.
    OfOpen,
    /// Those of the last renewal; none when it failed without an answer.
    OfLastRenewal,
}

/// What the core is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// `validate`, or the plan walk.
    Plan,
    /// The apply walk.
    Apply,
    /// Opening an ephemeral resource.
    Open,
}

const TERRAFORM: Profile = Profile {
    name: "Terraform",
    version: "1.12.2",
    opentofu: false,
    private_at_close: PrivateAtClose::OfOpen,
    close_timeout: None,
    renews_after_error: false,
    reports_renewals: false,
    null_argument_is_empty: false,
    write_only: true,
    identity: true,
    actions: false,
    unknown_results: true,
    closes_what_it_refuses: false,
    planned_private: false,
};

const OPENTOFU: Profile = Profile {
    name: "OpenTofu",
    version: "1.11.0",
    opentofu: true,
    private_at_close: PrivateAtClose::OfLastRenewal,
    close_timeout: Some(Duration::from_secs(10)),
    renews_after_error: true,
    reports_renewals: true,
    null_argument_is_empty: true,
    unknown_results: false,
    closes_what_it_refuses: true,
    ..TERRAFORM
};

impl Profile {
    /// Terraform 1.10: the first with ephemeral resources.
    pub const TERRAFORM_1_10: Self = Self {
        name: "Terraform 1.10",
        version: "1.10.5",
        write_only: false,
        identity: false,
        ..TERRAFORM
    };
    /// Terraform 1.11: the first with write-only attributes.
    pub const TERRAFORM_1_11: Self = Self {
        name: "Terraform 1.11",
        version: "1.11.4",
        identity: false,
        ..TERRAFORM
    };
    /// Terraform 1.14: with identities, list resources and actions.
    pub const TERRAFORM_1_14: Self = Self {
        name: "Terraform 1.14",
        version: "1.14.9",
        actions: true,
        ..TERRAFORM
    };
    /// Terraform 1.17: reports failed renewals.
    pub const TERRAFORM_1_17: Self = Self {
        name: "Terraform 1.17",
        version: "1.17.0",
        actions: true,
        planned_private: true,
        reports_renewals: true,
        ..TERRAFORM
    };
    /// OpenTofu 1.11: the first with ephemeral resources and write-only attributes.
    pub const OPENTOFU_1_11: Self = Self {
        name: "OpenTofu 1.11",
        identity: false,
        ..OPENTOFU
    };
    /// OpenTofu 1.12: with identities.
    pub const OPENTOFU_1_12: Self = Self {
        name: "OpenTofu 1.12",
        version: "1.12.6",
        ..OPENTOFU
    };

    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::TERRAFORM_1_10,
        Self::TERRAFORM_1_11,
        Self::TERRAFORM_1_14,
        Self::TERRAFORM_1_17,
        Self::OPENTOFU_1_11,
        Self::OPENTOFU_1_12,
    ];

    /// What the core says it can do.
    #[must_use]
    pub fn capabilities(&self, phase: Phase) -> ClientCapabilities {
        if self.opentofu {
            return ClientCapabilities {
                write_only_attributes_allowed: true,
                ..ClientCapabilities::default()
            };
        }
        ClientCapabilities {
            deferral_allowed: phase == Phase::Apply,
            write_only_attributes_allowed: self.write_only && phase != Phase::Open,
            store_planned_private: self.planned_private && phase != Phase::Open,
            computed_blocks_allowed: self.planned_private && phase != Phase::Open,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What providers see of the cores, as their sources say: one line for each.
    #[test]
    fn the_cores_differ_where_their_sources_do() {
        let habits = Profile::ALL.map(|core| {
            let of_open = core.private_at_close == PrivateAtClose::OfOpen;
            let patience = core.close_timeout.map_or(0, |time| time.as_secs());
            let told = core.capabilities(Phase::Open).write_only_attributes_allowed;
            let flags = [
                of_open,
                core.renews_after_error,
                core.reports_renewals,
                core.null_argument_is_empty,
                core.write_only,
                core.identity,
                core.actions,
                core.unknown_results,
                core.closes_what_it_refuses,
                core.planned_private,
                told,
                core.capabilities(Phase::Apply).deferral_allowed,
            ];
            let flags: String = flags
                .iter()
                .map(|flag| if *flag { 'x' } else { '-' })
                .collect();
            format!("{}: {flags} {patience}", core.name)
        });
        assert_eq!(
            habits,
            [
                "Terraform 1.10: x------x---x 0",
                "Terraform 1.11: x---x--x---x 0",
                "Terraform 1.14: x---xxxx---x 0",
                "Terraform 1.17: x-x-xxxx-x-x 0",
                "OpenTofu 1.11: -xxxx---x-x- 10",
                "OpenTofu 1.12: -xxxxx--x-x- 10",
            ]
        );
    }
}
