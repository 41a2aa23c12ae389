//! The cores a test can play.

use std::time::Duration;

use tfplugin::proto::ClientCapabilities;

/// How one version of Terraform or OpenTofu behaves towards a provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Profile {
    /// For messages.
    pub name: &'static str,
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
};

const OPENTOFU: Profile = Profile {
    name: "OpenTofu",
    opentofu: true,
    private_at_close: PrivateAtClose::OfLastRenewal,
    close_timeout: Some(Duration::from_secs(10)),
    renews_after_error: true,
    reports_renewals: true,
    null_argument_is_empty: true,
    unknown_results: false,
    ..TERRAFORM
};

impl Profile {
    /// Terraform 1.10: the first with ephemeral resources.
    pub const TERRAFORM_1_10: Self = Self {
        name: "Terraform 1.10",
        write_only: false,
        identity: false,
        ..TERRAFORM
    };
    /// Terraform 1.11: the first with write-only attributes.
    pub const TERRAFORM_1_11: Self = Self {
        name: "Terraform 1.11",
        identity: false,
        ..TERRAFORM
    };
    /// Terraform 1.14: with identities, list resources and actions.
    pub const TERRAFORM_1_14: Self = Self {
        name: "Terraform 1.14",
        actions: true,
        ..TERRAFORM
    };
    /// Terraform 1.17: reports failed renewals.
    pub const TERRAFORM_1_17: Self = Self {
        name: "Terraform 1.17",
        actions: true,
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
            ..ClientCapabilities::default()
        }
    }
}
