//! `secretref_identity_token`: the identity token of this run, for an audience.

use async_trait::async_trait;
use secret_policy::SecretRef;
use secret_stores::identity::TokenClaims;
use secret_value::Secret;
use tf_framework::model;
use tf_framework::prelude::*;

use super::value::placeholder;
use crate::reference::sentence;
use crate::session::{LeaseModel, Session, report};

model! {
    /// Gets the workload identity token (OpenID Connect) of this run for an audience, to prove who runs it to a
    /// service or another provider. In GitHub Actions, Forgejo and Gitea it is issued anew for the audience; a token
    /// that GitLab, Kubernetes or others issued before is only given where it names the audience. The reference
    /// `identity://AUDIENCE` is what the policy decides about and the access log records. The token cannot be
    /// revoked and expires by itself.
    pub(crate) struct IdentityTokenModel {
        /// Whom the token is for, such as `sts.amazonaws.com` or `https://vault.example.com`.
        pub(crate) audience: String = required(),
        /// Set to `terraform.applying` to get the token only while applying: a plan then checks that the run has an
        /// identity, and gives a placeholder. Default true: one is made in every plan, too.
        pub(crate) applying: Option<bool> = optional(),
        /// The token.
        pub(crate) value: Option<Secret> = computed().sensitive(),
        /// Who issued it; null while only planning with `applying = false`, as are all that follow.
        pub(crate) issuer: Option<String> = computed(),
        /// Who it was issued to.
        pub(crate) subject: Option<String> = computed(),
        /// When it ends, RFC 3339 in UTC; null when it does not say.
        pub(crate) expires_at: Option<String> = computed(),
        /// How long it holds; null when it does not say.
        pub(crate) lease: Option<LeaseModel> = computed(),
    }
}

/// The resource.
pub(crate) struct IdentityToken;

/// The reference of the token for `audience`.
fn reference(audience: &str) -> Result<SecretRef, Diagnostics> {
    // What has a meaning in references has none in an audience.
    let escaped: String = audience
        .chars()
        .map(|c| match c {
            '%' | '?' | '#' | '/' | '*' | '{' | ' ' => format!("%{:02X}", u32::from(c)),
            c => c.to_string(),
        })
        .collect();
    let parsed = SecretRef::parse(&format!("identity://{escaped}"));
    parsed.map(|found| found.reference).map_err(|error| {
        Diagnostic::error("No audience is named like this")
            .detail(format!(
                "{}. {}.",
                sentence(&error.message),
                sentence(&error.help)
            ))
            .at("audience")
            .into()
    })
}

#[async_trait]
impl EphemeralResource for IdentityToken {
    type Data = Session;
    type Model = IdentityTokenModel;

    fn name(&self) -> &'static str {
        "secretref_identity_token"
    }

    async fn validate(&self, config: &Config) -> Diagnostics {
        match config
            .known::<String>("audience")
            .map(|text| reference(&text))
        {
            Some(Err(problems)) => problems,
            _ => Diagnostics::new(),
        }
    }

    async fn open(
        &self,
        context: &Context<Session>,
        mut config: IdentityTokenModel,
    ) -> Result<Opened<IdentityTokenModel>, Diagnostics> {
        let session = context.data();
        let reference = reference(&config.audience)?;
        if session.only_plans(config.applying, &reference).await? {
            config.value = Some(placeholder());
            return Ok(Opened::new(config));
        }
        let opened = session.open(&reference).await?;
        report(context, opened.notes);
        // The store takes nothing else for a token, so that this cannot fail.
        let claims = opened
            .text
            .as_ref()
            .and_then(|token| TokenClaims::read(token).ok());
        let claim = |name: &str| {
            let claims = claims.as_ref()?;
            claims.all.get(name)?.as_str().map(str::to_owned)
        };
        config.issuer = claim("iss");
        config.subject = claim("sub");
        config.expires_at = claims
            .as_ref()
            .and_then(|claims| claims.expires)
            .map(|time| time.to_string());
        config.value = opened.text;
        config.lease = opened.lease.as_ref().map(LeaseModel::new);
        Ok(Opened::until(config, opened.lease))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_audience_is_one_part_of_the_reference_whatever_it_holds() {
        for audience in [
            "sts.amazonaws.com",
            "https://vault.example.com",
            "//iam.googleapis.com/projects/1/providers/x",
            "api://AzureADTokenExchange",
            "100%",
            "a?b#c",
            "{a} *",
        ] {
            let reference = reference(audience).unwrap();
            assert_eq!(reference.segments(), [audience], "{audience}");
            let again: SecretRef = reference.to_string().parse().unwrap();
            assert_eq!(again, reference);
        }
        assert!(reference("").is_err());
    }
}
