//! Opaque `Debug` for every message that carries payload bytes.
//!
//! Values, stored state and private bytes may hold secrets, and a stray `{:?}` of a request would print
//! them. These messages therefore print their name alone. `tests/generated.rs` fails when a message with
//! a bytes field is missing from the list.

use std::fmt;

use crate::generated::{plugin, tfplugin6};

macro_rules! opaque {
    ($($path:literal => $type:ty,)+) => {
        /// Full names of the messages whose `Debug` prints no content.
        pub const OPAQUE_MESSAGES: &[&str] = &[$($path,)+];

        $(impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!($path, "(***)"))
            }
        })+
    };
}

opaque! {
    "plugin.StdioData" => plugin::StdioData,
    "tfplugin6.ApplyResourceChange.Request" => tfplugin6::apply_resource_change::Request,
    "tfplugin6.ApplyResourceChange.Response" => tfplugin6::apply_resource_change::Response,
    "tfplugin6.CloseEphemeralResource.Request" => tfplugin6::close_ephemeral_resource::Request,
    "tfplugin6.DynamicValue" => tfplugin6::DynamicValue,
    "tfplugin6.ImportResourceState.ImportedResource" => tfplugin6::import_resource_state::ImportedResource,
    "tfplugin6.MoveResourceState.Request" => tfplugin6::move_resource_state::Request,
    "tfplugin6.MoveResourceState.Response" => tfplugin6::move_resource_state::Response,
    "tfplugin6.OpenEphemeralResource.Response" => tfplugin6::open_ephemeral_resource::Response,
    "tfplugin6.PlanResourceChange.Request" => tfplugin6::plan_resource_change::Request,
    "tfplugin6.PlanResourceChange.Response" => tfplugin6::plan_resource_change::Response,
    "tfplugin6.RawState" => tfplugin6::RawState,
    "tfplugin6.ReadResource.Request" => tfplugin6::read_resource::Request,
    "tfplugin6.ReadResource.Response" => tfplugin6::read_resource::Response,
    "tfplugin6.ReadStateBytes.Response" => tfplugin6::read_state_bytes::Response,
    "tfplugin6.RenewEphemeralResource.Request" => tfplugin6::renew_ephemeral_resource::Request,
    "tfplugin6.RenewEphemeralResource.Response" => tfplugin6::renew_ephemeral_resource::Response,
    "tfplugin6.WriteStateBytes.RequestChunk" => tfplugin6::write_state_bytes::RequestChunk,
}

#[cfg(test)]
mod tests {
    use super::tfplugin6::*;

    #[test]
    fn debug_of_values_and_private_bytes_prints_no_payload() {
        let value = DynamicValue {
            msgpack: b"canary".to_vec(),
            json: b"canary".to_vec(),
        };
        let response = open_ephemeral_resource::Response {
            result: Some(value.clone()),
            private: Some(b"canary".to_vec()),
            ..Default::default()
        };
        let request = validate_provider_config::Request {
            config: Some(value),
        };
        let canary_bytes = "99, 97, 110";
        for text in [format!("{response:?}"), format!("{request:?}")] {
            assert!(
                !text.contains("canary") && !text.contains(canary_bytes),
                "{text}"
            );
            assert!(text.contains("(***)"), "{text}");
        }
    }
}
