//! Ephemeral resources as each core keeps them.

use std::time::{Duration, SystemTime};

use tfplugin::proto;

use super::checks;
use super::host::{Host, HostError, Reply, Shape, diagnostics};
use super::profile::{Phase, PrivateAtClose};
use crate::diagnostic::Diagnostics;
use crate::value::{Object, Value};

/// An open ephemeral resource, as a core remembers it.
#[derive(Debug, Clone)]
pub struct Ephemeral {
    /// The result.
    pub result: Value,
    /// When the core will renew it.
    pub renew_at: Option<SystemTime>,
    type_name: String,
    private_of_open: Vec<u8>,
    private_of_renewal: Vec<u8>,
    renewals: Diagnostics,
}

impl Host {
    /// Validates and opens an ephemeral resource.
    ///
    /// # Errors
    /// When a call fails, or the core refuses the result. Then it does not close.
    pub async fn open(
        &self,
        type_name: &str,
        config: Object,
    ) -> Result<Reply<Ephemeral>, HostError> {
        let shape = Shape::new(
            self.schemas().ephemeral_resource_schemas.get(type_name),
            type_name,
        )?;
        let complete = shape.complete(config);
        let config = shape.encode(&complete)?;
        let checked = self.check_ephemeral(type_name, config.clone()).await?;
        if checked.has_error() {
            return Ok(Reply {
                value: None,
                diagnostics: checked,
            });
        }
        let request = proto::open_ephemeral_resource::Request {
            type_name: type_name.to_owned(),
            config,
            client_capabilities: Some(self.profile.capabilities(Phase::Open)),
        };
        let response = self
            .client
            .clone()
            .open_ephemeral_resource(request)
            .await?
            .into_inner();
        let found = diagnostics(response.diagnostics);
        if found.has_error() {
            return Ok(Reply {
                value: None,
                diagnostics: found,
            });
        }
        let private = response.private.unwrap_or_default();
        let deferred = response.deferred.is_some();
        let result = match self.accepted(&shape, &complete, response.result, deferred) {
            Ok(result) => result,
            Err(refusal) => {
                if self.profile.closes_what_it_refuses {
                    let request = proto::close_ephemeral_resource::Request {
                        type_name: type_name.to_owned(),
                        private: Some(private),
                    };
                    self.client
                        .clone()
                        .close_ephemeral_resource(request)
                        .await?;
                }
                return Err(refusal);
            }
        };
        let opened = Ephemeral {
            result,
            renew_at: response
                .renew_at
                .and_then(|time| SystemTime::try_from(time).ok()),
            type_name: type_name.to_owned(),
            private_of_open: private.clone(),
            private_of_renewal: private,
            renewals: Diagnostics::new(),
        };
        Ok(Reply {
            value: Some(opened),
            diagnostics: found,
        })
    }

    /// The result, when the core takes it.
    fn accepted(
        &self,
        shape: &Shape,
        config: &Value,
        result: Option<proto::DynamicValue>,
        deferred: bool,
    ) -> Result<Value, HostError> {
        if deferred {
            return Err(HostError::refused("an open must not be deferred"));
        }
        let result = shape.decode(result)?;
        checks::plan(&shape.block, None, config, &result)?;
        if !self.profile.unknown_results && !result.is_wholly_known() {
            return Err(HostError::refused("unknown values in the result"));
        }
        Ok(result)
    }

    async fn check_ephemeral(
        &self,
        type_name: &str,
        config: Option<proto::DynamicValue>,
    ) -> Result<Diagnostics, HostError> {
        let request = proto::validate_ephemeral_resource_config::Request {
            type_name: type_name.to_owned(),
            config,
        };
        let checked = self
            .client
            .clone()
            .validate_ephemeral_resource_config(request)
            .await?
            .into_inner();
        Ok(diagnostics(checked.diagnostics))
    }

    /// Validates a configuration that may be partly unknown.
    ///
    /// # Errors
    /// When the call fails.
    pub async fn validate_ephemeral(
        &self,
        type_name: &str,
        config: Object,
    ) -> Result<Diagnostics, HostError> {
        let shape = Shape::new(
            self.schemas().ephemeral_resource_schemas.get(type_name),
            type_name,
        )?;
        let config = shape.encode(&shape.complete(config))?;
        self.check_ephemeral(type_name, config).await
    }

    /// Renews now, whatever time it is. What the provider says is kept for the close.
    ///
    /// # Errors
    /// When the core would not renew, or the call fails.
    pub async fn renew(&self, opened: &mut Ephemeral) -> Result<Diagnostics, HostError> {
        if opened.renew_at.take().is_none() {
            return Err(HostError::refused("a core does not renew without a time"));
        }
        let request = proto::renew_ephemeral_resource::Request {
            type_name: opened.type_name.clone(),
            private: Some(std::mem::take(&mut opened.private_of_renewal)),
        };
        let response = self
            .client
            .clone()
            .renew_ephemeral_resource(request)
            .await?
            .into_inner();
        let found = diagnostics(response.diagnostics);
        // Bytes that a renewal does not return are gone.
        opened.private_of_renewal = response.private.unwrap_or_default();
        opened.renewals.extend(found.clone());
        if !found.has_error() || self.profile.renews_after_error {
            opened.renew_at = response
                .renew_at
                .and_then(|time| SystemTime::try_from(time).ok());
        }
        Ok(found)
    }

    /// Closes, with the private bytes and the patience of the core. What the practitioner sees includes
    /// what went wrong while renewing, if the core tells.
    ///
    /// # Errors
    /// When the call fails or takes longer than the core waits.
    pub async fn close(&self, opened: Ephemeral) -> Result<Diagnostics, HostError> {
        let private = match self.profile.private_at_close {
            PrivateAtClose::OfOpen => opened.private_of_open,
            PrivateAtClose::OfLastRenewal => opened.private_of_renewal,
        };
        let request = proto::close_ephemeral_resource::Request {
            type_name: opened.type_name,
            private: Some(private),
        };
        let mut client = self.client.clone();
        let call = client.close_ephemeral_resource(request);
        let patience = self
            .profile
            .close_timeout
            .unwrap_or(Duration::from_secs(600));
        let response = tokio::time::timeout(patience, call)
            .await
            .map_err(|_| HostError::TimedOut)??;
        let mut found = if self.profile.reports_renewals {
            opened.renewals
        } else {
            Diagnostics::new()
        };
        found.extend(diagnostics(response.into_inner().diagnostics));
        Ok(found)
    }

    /// Forgets the private bytes of the last renewal, as OpenTofu does when a renewal fails as a call.
    pub fn lose_private(opened: &mut Ephemeral) {
        opened.private_of_renewal.clear();
    }
}
