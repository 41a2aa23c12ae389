//! The clouds of Azure: where logins are made, and what key vaults are called there.

/// One cloud.
#[derive(Clone, Copy, Debug)]
pub(super) struct AzureCloud {
    /// Its name in `ARM_ENVIRONMENT`.
    #[cfg_attr(
        not(feature = "azure"),
        expect(dead_code, reason = "SOPS looks at hosts alone")
    )]
    pub(super) name: &'static str,
    /// Where Microsoft Entra answers.
    #[cfg_attr(
        not(feature = "azure"),
        expect(dead_code, reason = "SOPS looks at hosts alone")
    )]
    pub(super) authority: &'static str,
    /// The audience of identity tokens that Microsoft Entra takes as a proof.
    #[cfg_attr(
        not(feature = "azure"),
        expect(dead_code, reason = "SOPS looks at hosts alone")
    )]
    pub(super) exchange: &'static str,
    /// Hosts of key vaults end like this, and tokens for them are for this application.
    pub(super) vaults: &'static str,
    /// The same for managed hardware modules.
    #[cfg_attr(
        not(feature = "sops"),
        expect(dead_code, reason = "they hold keys, not secrets")
    )]
    pub(super) modules: &'static str,
}

/// Every cloud; the first is meant when nothing is said.
pub(super) const CLOUDS: [AzureCloud; 3] = [
    AzureCloud {
        name: "public",
        authority: "https://login.microsoftonline.com",
        exchange: "api://AzureADTokenExchange",
        vaults: "vault.azure.net",
        modules: "managedhsm.azure.net",
    },
    AzureCloud {
        name: "usgovernment",
        authority: "https://login.microsoftonline.us",
        exchange: "api://AzureADTokenExchangeUSGov",
        vaults: "vault.usgovcloudapi.net",
        modules: "managedhsm.usgovcloudapi.net",
    },
    AzureCloud {
        name: "china",
        authority: "https://login.chinacloudapi.cn",
        exchange: "api://AzureADTokenExchangeChina",
        vaults: "vault.azure.cn",
        modules: "managedhsm.azure.cn",
    },
];

/// The application that tokens for the vault or hardware module at `host` are for; `None` for a foreign host.
#[cfg(feature = "sops")]
pub(super) fn application(host: &str) -> Option<&'static str> {
    let ends = CLOUDS
        .iter()
        .flat_map(|cloud| [cloud.vaults, cloud.modules]);
    ends.into_iter().find(|end| {
        host.strip_suffix(end)
            .is_some_and(|rest| rest.len() > 1 && rest.ends_with('.'))
    })
}
