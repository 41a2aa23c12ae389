//! Where each service listens, by region and partition, FIPS and dual stack.
//!
//! From the endpoint rules that AWS publishes with its SDKs. What is set by hand goes before them.

use url::Url;

use super::settings::wrong;
use crate::error::Result;

/// A service that is called with signed requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Service {
    /// Name in settings and in signatures.
    pub(super) name: &'static str,
    /// First part of its host.
    host: &'static str,
    /// First part of its FIPS and dual-stack hosts, where it is another.
    other_host: &'static str,
    /// Name in the `services` of a profile and, in capitals, in variables. The SDK would look for `secrets-manager`
    /// in the profile if it was given a blank; the documented name has `_`.
    pub(super) id: &'static str,
    /// Start of the `X-Amz-Target` header.
    pub(super) target: &'static str,
    /// Where requests name the service in an action, `ssm:GetParameter`.
    pub(super) action: &'static str,
}

/// Secrets Manager.
pub(super) const SECRETS_MANAGER: Service = Service {
    name: "secretsmanager",
    host: "secretsmanager",
    other_host: "secretsmanager",
    id: "secrets_manager",
    target: "secretsmanager",
    action: "secretsmanager",
};
/// Parameter Store.
pub(super) const SSM: Service = Service {
    name: "ssm",
    host: "ssm",
    other_host: "ssm",
    id: "ssm",
    target: "AmazonSSM",
    action: "ssm",
};
/// Key Management Service.
pub(super) const KMS: Service = Service {
    name: "kms",
    host: "kms",
    other_host: "kms",
    id: "kms",
    target: "TrentService",
    action: "kms",
};
/// Container registry.
pub(super) const ECR: Service = Service {
    name: "ecr",
    host: "api.ecr",
    other_host: "ecr",
    id: "ecr",
    target: "AmazonEC2ContainerRegistry_V20150921",
    action: "ecr",
};
/// Security Token Service; called through the SDK, and signed for here.
pub(super) const STS: Service = Service {
    name: "sts",
    host: "sts",
    other_host: "sts",
    id: "sts",
    target: "",
    action: "sts",
};

/// Which variant of an endpoint is wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Variant {
    pub(super) fips: bool,
    pub(super) dualstack: bool,
}

/// First parts of regions, with the domain of the partition and that of its dual-stack endpoints.
const PARTITIONS: [(&str, &str, &str); 8] = [
    ("cn-", "amazonaws.com.cn", "api.amazonwebservices.com.cn"),
    ("us-gov-", "amazonaws.com", "api.aws"),
    ("us-iso-", "c2s.ic.gov", "api.aws.ic.gov"),
    ("us-isob-", "sc2s.sgov.gov", "api.aws.scloud"),
    ("us-isof-", "csp.hci.ic.gov", "api.aws.hci.ic.gov"),
    ("eu-isoe-", "cloud.adc-e.uk", "api.cloud-aws.adc-e.uk"),
    ("eusc-", "amazonaws.eu", "api.amazonwebservices.eu"),
    ("", "amazonaws.com", "api.aws"),
];

impl Service {
    /// The address of this service in `region`.
    ///
    /// # Errors
    /// `config` when the region is no name of one.
    pub(super) fn address(&self, region: &str, variant: Variant) -> Result<Url> {
        let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if region.is_empty() || region.len() > 40 || !region.chars().all(fits) {
            return Err(wrong(format!("`{region}` is no name of an AWS region"))
                .with_help("write it as AWS does, such as `eu-central-1`"));
        }
        let Some((prefix, domain, dual)) = PARTITIONS
            .iter()
            .find(|(prefix, _, _)| region.starts_with(prefix))
        else {
            return Err(wrong("the region belongs to no known partition"));
        };
        let domain = if variant.dualstack { dual } else { domain };
        let host = if variant == Variant::default() {
            self.host
        } else {
            self.other_host
        };
        // In this partition the usual hosts are validated for FIPS, and some have no others.
        let plain_is_fips = *prefix == "us-gov-" && matches!(self.name, "ssm" | "sts");
        let suffix = if variant.fips && !plain_is_fips {
            "-fips"
        } else {
            ""
        };
        Url::parse(&format!("https://{host}{suffix}.{region}.{domain}"))
            .map_err(|_| wrong(format!("`{region}` is no name of an AWS region")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_follow_partition_and_variant() {
        let (fips, dualstack) = (true, true);
        for (service, region, variant, host) in [
            (
                SECRETS_MANAGER,
                "eu-central-1",
                Variant::default(),
                "secretsmanager.eu-central-1.amazonaws.com",
            ),
            (
                SSM,
                "cn-north-1",
                Variant::default(),
                "ssm.cn-north-1.amazonaws.com.cn",
            ),
            (
                KMS,
                "us-east-1",
                Variant {
                    fips,
                    ..Variant::default()
                },
                "kms-fips.us-east-1.amazonaws.com",
            ),
            (
                KMS,
                "us-east-1",
                Variant {
                    dualstack,
                    ..Variant::default()
                },
                "kms.us-east-1.api.aws",
            ),
            (
                SECRETS_MANAGER,
                "us-west-2",
                Variant { fips, dualstack },
                "secretsmanager-fips.us-west-2.api.aws",
            ),
            (
                SSM,
                "us-gov-west-1",
                Variant {
                    fips,
                    ..Variant::default()
                },
                "ssm.us-gov-west-1.amazonaws.com",
            ),
            (
                ECR,
                "eu-west-1",
                Variant::default(),
                "api.ecr.eu-west-1.amazonaws.com",
            ),
            (
                ECR,
                "us-east-1",
                Variant {
                    fips,
                    ..Variant::default()
                },
                "ecr-fips.us-east-1.amazonaws.com",
            ),
            (
                STS,
                "us-iso-east-1",
                Variant::default(),
                "sts.us-iso-east-1.c2s.ic.gov",
            ),
        ] {
            let url = service.address(region, variant).unwrap();
            assert_eq!(url.host_str(), Some(host));
        }
        for region in ["", "EU", "a.evil.example/", "x@y"] {
            assert!(SSM.address(region, Variant::default()).is_err(), "{region}");
        }
    }
}
