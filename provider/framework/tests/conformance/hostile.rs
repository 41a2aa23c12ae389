//! Whatever bytes a call brings, the answer is an answer: no failed call, no crash.

use proptest::prelude::*;
use tf_framework::service::ProviderService;
use tfplugin::proto::provider_server::Provider;
use tfplugin::proto::{self, DynamicValue, RawState};
use tonic::Request;

use crate::provider::Echo;

type Bytes = Vec<u8>;

fn value(msgpack: &Bytes) -> Option<DynamicValue> {
    Some(DynamicValue {
        msgpack: msgpack.clone(),
        json: Vec::new(),
    })
}

/// Sends the same bytes to every call that takes values, and checks what the diagnostics say.
async fn send(
    service: &ProviderService<Echo>,
    name: String,
    bytes: Bytes,
) -> Vec<proto::Diagnostic> {
    let configure = proto::configure_provider::Request {
        config: value(&bytes),
        ..Default::default()
    };
    let mut found = service
        .configure_provider(Request::new(configure))
        .await
        .unwrap()
        .into_inner()
        .diagnostics;
    let empty = proto::configure_provider::Request::default();
    service
        .configure_provider(Request::new(empty))
        .await
        .unwrap();

    let open = proto::open_ephemeral_resource::Request {
        type_name: name.clone(),
        config: value(&bytes),
        client_capabilities: None,
    };
    found.extend(
        service
            .open_ephemeral_resource(Request::new(open))
            .await
            .unwrap()
            .into_inner()
            .diagnostics,
    );
    let private = Some(bytes.clone());
    let renew = proto::renew_ephemeral_resource::Request {
        type_name: name.clone(),
        private: private.clone(),
    };
    found.extend(
        service
            .renew_ephemeral_resource(Request::new(renew))
            .await
            .unwrap()
            .into_inner()
            .diagnostics,
    );
    let close = proto::close_ephemeral_resource::Request {
        type_name: name.clone(),
        private,
    };
    found.extend(
        service
            .close_ephemeral_resource(Request::new(close))
            .await
            .unwrap()
            .into_inner()
            .diagnostics,
    );

    let plan = proto::plan_resource_change::Request {
        type_name: name.clone(),
        prior_state: value(&bytes),
        proposed_new_state: value(&bytes),
        config: value(&bytes),
        ..Default::default()
    };
    found.extend(
        service
            .plan_resource_change(Request::new(plan))
            .await
            .unwrap()
            .into_inner()
            .diagnostics,
    );
    let apply = proto::apply_resource_change::Request {
        type_name: name.clone(),
        prior_state: value(&bytes),
        planned_state: value(&bytes),
        config: value(&bytes),
        ..Default::default()
    };
    found.extend(
        service
            .apply_resource_change(Request::new(apply))
            .await
            .unwrap()
            .into_inner()
            .diagnostics,
    );
    let raw_state = Some(RawState {
        json: bytes.clone(),
        ..Default::default()
    });
    let upgrade = proto::upgrade_resource_state::Request {
        type_name: name.clone(),
        version: 0,
        raw_state,
    };
    found.extend(
        service
            .upgrade_resource_state(Request::new(upgrade))
            .await
            .unwrap()
            .into_inner()
            .diagnostics,
    );
    let call = proto::call_function::Request {
        name,
        arguments: value(&bytes).into_iter().collect(),
    };
    service.call_function(Request::new(call)).await.unwrap();
    found
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_bytes_get_an_answer(
        name in prop_oneof![Just("echo_thing"), Just("echo_value"), Just("join"), Just("nothing")],
        bytes in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..64),
            "[\\[\\]{}\":,a-z0-9]{0,40}".prop_map(String::into_bytes),
            Just(vec![0xdf, 0xff, 0xff, 0xff, 0xff]),
            Just(vec![0xdd, 0xff, 0xff, 0xff, 0xff]),
            Just(vec![0x91; 5000]),
        ],
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let service = ProviderService::new(Echo::default());
        let found = runtime.block_on(send(&service, name.to_owned(), bytes));
        for diagnostic in found {
            prop_assert_ne!(diagnostic.severity, 0);
            prop_assert!(!diagnostic.summary.contains("crashed"), "{}", diagnostic.detail);
        }
    }
}
