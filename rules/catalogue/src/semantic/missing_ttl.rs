//! `missing-ttl`: a role or token whose lifetime is whatever the server's default happens to be.

use hcl_syntax::ExprKind;
use secretlint_core::facts::{Block, constant_text};
use secretlint_core::{Cx, Family, Finding, Hooks, Rank, Rule, RuleMeta, Severity, Sink};

use crate::semantic::describe::{Texts, rule};
use crate::semantic::secrecy::is_resource;

static META: RuleMeta = rule(
    "missing-ttl",
    Family::Lifetime,
    (Severity::Note, Rank::Apart),
    &Texts {
        summary: "A role or token has no lifetime of its own",
        why: "Without one the server's default counts, which for Vault is 32 days: long enough for a leaked token to be found and used.",
        help: "State the shortest lifetime that the work needs, in minutes or hours.",
        docs: r#"
```hcl,expect
resource "vault_kubernetes_auth_backend_role" "app" {
  role_name                        = "app"
  bound_service_account_names      = ["app"]
  bound_service_account_namespaces = ["app"]
}
```

```hcl
resource "vault_kubernetes_auth_backend_role" "app" {
  role_name                        = "app"
  bound_service_account_names      = ["app"]
  bound_service_account_namespaces = ["app"]
  token_ttl                        = 900
}
```

Looks at roles of Vault's auth methods and secrets engines, and at tokens that Vault hands out. A lifetime of `0` means
the default, too.

## False alarms

The mount may have a short default of its own (`default_lease_ttl_seconds`), which roles inherit: mounts that are
tuned in the same module are not recognised.

## References

- <https://developer.hashicorp.com/vault/docs/concepts/tokens#token-time-to-live-periodic-tokens-and-explicit-max-ttls>
"#,
    },
);

/// Resources and the arguments of which one must be set.
const LIFETIMES: &[(&str, &[&str])] = &[
    ("vault_approle_auth_backend_role", TOKEN),
    ("vault_aws_auth_backend_role", TOKEN),
    (
        "vault_aws_secret_backend_role",
        &["default_sts_ttl", "max_sts_ttl"],
    ),
    ("vault_azure_auth_backend_role", TOKEN),
    ("vault_azure_secret_backend_role", &["max_ttl", "ttl"]),
    ("vault_cert_auth_backend_role", TOKEN),
    ("vault_consul_secret_backend_role", &["max_ttl", "ttl"]),
    (
        "vault_database_secret_backend_role",
        &["default_ttl", "max_ttl"],
    ),
    ("vault_gcp_auth_backend_role", TOKEN),
    ("vault_jwt_auth_backend_role", TOKEN),
    ("vault_kubernetes_auth_backend_role", TOKEN),
    (
        "vault_kubernetes_secret_backend_role",
        &["token_default_ttl", "token_max_ttl"],
    ),
    ("vault_ldap_auth_backend", TOKEN),
    ("vault_pki_secret_backend_role", &["max_ttl", "ttl"]),
    ("vault_ssh_secret_backend_role", &["max_ttl", "ttl"]),
    ("vault_token", &["explicit_max_ttl", "period", "ttl"]),
    ("vault_token_auth_backend_role", TOKEN),
];

const TOKEN: &[&str] = &[
    "token_explicit_max_ttl",
    "token_max_ttl",
    "token_period",
    "token_ttl",
];

/// The rule.
pub(crate) struct MissingTtl;

impl Rule for MissingTtl {
    fn meta(&self) -> &RuleMeta {
        &META
    }

    fn hooks(&self) -> Hooks {
        Hooks::BLOCK
    }

    fn block<'a>(&self, _: &Cx<'_, 'a>, block: &Block<'a>, sink: &mut Sink) {
        if !is_resource(block) {
            return;
        }
        let known = LIFETIMES.binary_search_by(|(kind, _)| (*kind).cmp(block.kind()));
        let Ok(index) = known else { return };
        let arguments = LIFETIMES[index].1;
        let is_set = |name: &&str| {
            block.value(name).is_some_and(|value| {
                !matches!(value.kind(), ExprKind::Null)
                    && constant_text(value).is_none_or(|text| text != "0" && !text.is_empty())
            })
        };
        // A certificate authority of SSH keys for one-time passwords has no lifetime.
        let one_time = block
            .value("key_type")
            .and_then(constant_text)
            .is_some_and(|kind| kind == "otp");
        if one_time || arguments.iter().any(is_set) {
            return;
        }
        let names: Vec<String> = arguments.iter().map(|name| format!("`{name}`")).collect();
        let message = format!("`{}` has no lifetime of its own", block.address());
        let mut finding = Finding::new(&META, block.header_place(), block.address(), message);
        finding.help = format!("{} Arguments: {}.", META.help, names.join(", ")).into();
        sink.report(finding);
    }
}

#[cfg(test)]
mod tests {
    use super::LIFETIMES;

    #[test]
    fn the_list_is_sorted() {
        assert!(LIFETIMES.is_sorted_by_key(|(kind, _)| kind));
    }
}
