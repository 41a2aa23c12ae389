//! Keeping states, as cores that can have them kept do it.

use tf_framework::testing::{Profile, StateStore, object};
use tf_framework::value::Object;
use tfplugin::proto::write_state_bytes::{RequestChunk, RequestChunkMeta};
use tfplugin::proto::{StateRange, read_state_bytes};

use crate::Stage;

async fn opened(stage: &Stage, config: Object, chunk_size: i64) -> StateStore {
    let opened = stage
        .host
        .state_store("echo_states", config, chunk_size)
        .await
        .unwrap();
    opened
        .value
        .unwrap_or_else(|| panic!("{}", opened.diagnostics))
}

#[tokio::test]
async fn states_are_written_listed_read_and_deleted() {
    let stage = Stage::configured(Profile::TERRAFORM_1_17).await;
    let state: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    for chunk_size in [1_000, 4_096, 99_999, 100_000, 8 << 20] {
        let store = opened(&stage, Object::new(), chunk_size).await;
        assert_eq!(i64::try_from(store.chunk_size), Ok(chunk_size));
        assert_eq!(
            stage.host.read_state(&store, "a").await.unwrap().value,
            None
        );
        for name in ["b", "a"] {
            let found = stage.host.write_state(&store, name, &state).await.unwrap();
            assert!(found.is_empty(), "{found}");
        }
        let read = stage.host.read_state(&store, "a").await.unwrap();
        assert_eq!(read.value.as_deref(), Some(state.as_slice()));
        assert!(
            stage
                .host
                .delete_state(&store, "a")
                .await
                .unwrap()
                .is_empty()
        );
        assert!(
            stage
                .host
                .delete_state(&store, "a")
                .await
                .unwrap()
                .is_empty()
        );
        let names = stage.host.states(&store).await.unwrap();
        assert_eq!(names.value, Some(vec!["b".to_owned()]));
    }
}

#[tokio::test]
async fn a_lock_keeps_others_out_until_its_own_name_ends_it() {
    let stage = Stage::configured(Profile::TERRAFORM_1_17).await;
    let store = opened(&stage, Object::new(), 0).await;
    let host = &stage.host;
    let lock = host
        .lock_state(&store, "a", "apply")
        .await
        .unwrap()
        .value
        .unwrap();
    let refused = host.lock_state(&store, "a", "plan").await.unwrap();
    assert_eq!(refused.diagnostics.to_string(), "Locked by apply of a");
    let other = host.lock_state(&store, "b", "plan").await.unwrap();
    assert!(other.value.is_some());
    let found = host.unlock_state(&store, "a", "another").await.unwrap();
    assert_eq!(found.to_string(), "Not that lock");
    assert!(
        host.unlock_state(&store, "a", &lock)
            .await
            .unwrap()
            .is_empty()
    );
    assert!(
        host.lock_state(&store, "a", "plan")
            .await
            .unwrap()
            .value
            .is_some()
    );
}

#[tokio::test]
async fn trouble_is_a_diagnostic_in_every_call() {
    let stage = Stage::configured(Profile::TERRAFORM_1_17).await;
    let host = &stage.host;
    let troubled = |name: &str| object([("trouble", name.into())]);
    let refused = host
        .state_store("echo_states", troubled(""), 0)
        .await
        .unwrap();
    assert_eq!(
        refused.diagnostics.to_string(),
        "Empty trouble (at trouble)"
    );
    let refused = host
        .state_store("echo_states", troubled("configure"), 0)
        .await
        .unwrap();
    assert_eq!(refused.diagnostics.to_string(), "Store is down");
    let store = opened(&stage, troubled("states"), 0).await;
    assert!(host.states(&store).await.unwrap().diagnostics.has_error());
    let store = opened(&stage, troubled("read"), 0).await;
    assert!(
        host.read_state(&store, "a")
            .await
            .unwrap()
            .diagnostics
            .has_error()
    );
    let store = opened(&stage, troubled("write"), 0).await;
    assert!(
        host.write_state(&store, "a", b"{}")
            .await
            .unwrap()
            .has_error()
    );
}

#[tokio::test]
async fn a_panic_in_a_state_store_is_a_diagnostic_without_its_text() {
    let stage = Stage::configured(Profile::TERRAFORM_1_17).await;
    let refused = stage
        .host
        .state_store("echo_states", object([("trouble", "panics".into())]), 0)
        .await
        .unwrap();
    let said = refused.diagnostics.to_string();
    assert!(
        said.contains("crashed") && !said.contains("hunter2"),
        "{said}"
    );
}

#[tokio::test]
async fn a_state_store_needs_its_configuration_and_that_of_the_provider() {
    let request = || read_state_bytes::Request {
        type_name: "echo_states".into(),
        state_id: "a".into(),
    };
    for (stage, expected) in [
        (
            Stage::bare(Profile::TERRAFORM_1_17).await,
            "Provider is not configured",
        ),
        (
            Stage::configured(Profile::TERRAFORM_1_17).await,
            "State store is not configured",
        ),
    ] {
        let mut client = stage.host.client();
        let mut chunks = client
            .read_state_bytes(request())
            .await
            .unwrap()
            .into_inner();
        let said = chunks.message().await.unwrap().unwrap();
        assert_eq!(said.diagnostics[0].summary, expected);
        assert!(said.range.is_some(), "cores look at it");
        assert_eq!(chunks.message().await.unwrap(), None);
    }
}

#[tokio::test]
async fn a_state_that_does_not_arrive_whole_is_not_written() {
    let stage = Stage::configured(Profile::TERRAFORM_1_17).await;
    let store = opened(&stage, Object::new(), 0).await;
    stage.host.write_state(&store, "a", b"first").await.unwrap();
    let chunk = |bytes: &[u8], start: i64| RequestChunk {
        meta: (start == 0).then(|| RequestChunkMeta {
            type_name: "echo_states".into(),
            state_id: "a".into(),
        }),
        bytes: bytes.to_vec(),
        total_length: 6,
        range: Some(StateRange {
            start,
            end: start + 1,
        }),
    };
    for chunks in [
        vec![],
        vec![chunk(b"ab", 0)],
        vec![chunk(b"ab", 0), chunk(b"ef", 4)],
        vec![chunk(b"abcdefg", 0)],
        vec![chunk(b"ab", 2)],
    ] {
        let mut client = stage.host.client();
        let stream = futures::stream::iter(chunks);
        let answer = client.write_state_bytes(stream).await.unwrap().into_inner();
        let said = &answer.diagnostics[0];
        assert!(
            said.detail.contains("Nothing was written"),
            "{}",
            said.detail
        );
    }
    let read = stage.host.read_state(&store, "a").await.unwrap();
    assert_eq!(read.value.as_deref(), Some(&b"first"[..]));
}
