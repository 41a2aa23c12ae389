//! Closing what the provider block made, at the end of the process.

use std::time::Duration;

use tf_framework::service::SHUTDOWN_BUDGET;
use tf_framework::testing::{Profile, object};
use tf_framework::value::Object;
use tfplugin::{Lifecycle, ShutdownReason};
use tokio::time::Instant;

use crate::{Stage, lease};

/// A provider with this trouble, and how long its end may take.
async fn troubled(trouble: &str) -> Stage {
    let stage = Stage::bare(Profile::TERRAFORM_1_11).await;
    let config = object([("trouble", trouble.into())]);
    let found = stage.host.configure(config).await.unwrap();
    assert!(found.is_empty(), "{found}");
    stage
}

async fn end(stage: &Stage) -> Duration {
    let begun = Instant::now();
    stage.service.shutdown(ShutdownReason::Requested).await;
    begun.elapsed()
}

#[tokio::test]
async fn the_provider_is_closed_once_after_the_last_lease() {
    let stage = Stage::configured(Profile::TERRAFORM_1_11).await;
    for _ in 0..3 {
        let opened = stage.host.open("echo_lease", lease("")).await.unwrap();
        assert!(opened.value.is_some());
    }
    end(&stage).await;
    end(&stage).await;
    let last = stage.echo.journal.lines().split_off(7);
    assert_eq!(last, ["revoked", "revoked", "revoked", "closing", "closed"]);
}

#[tokio::test]
async fn an_interruption_closes_nothing_and_the_end_does() {
    let stage = Stage::configured(Profile::TERRAFORM_1_11).await;
    stage.host.stop().await.unwrap();
    assert_eq!(stage.count("closing"), 0);
    let opened = stage.host.open("echo_lease", lease("")).await.unwrap();
    assert!(opened.value.is_some(), "the process serves on");
    end(&stage).await;
    assert_eq!(stage.count("closed"), 1);
}

#[tokio::test]
async fn every_provider_block_is_closed() {
    let stage = Stage::bare(Profile::TERRAFORM_1_11).await;
    for _ in 0..3 {
        stage.host.configure(Object::new()).await.unwrap();
    }
    end(&stage).await;
    assert_eq!(stage.count("closed"), 3);
}

#[tokio::test]
async fn what_was_not_configured_is_not_closed() {
    let stage = Stage::bare(Profile::TERRAFORM_1_11).await;
    let refused = object([("region", "moon".into())]);
    let found = stage.host.configure(refused).await.unwrap();
    assert!(found.has_error());
    end(&stage).await;
    assert_eq!(stage.count("closing"), 0);
}

#[tokio::test(start_paused = true)]
async fn trouble_while_closing_ends_with_the_budget() {
    for (trouble, longest) in [
        ("close fails", Duration::ZERO),
        ("close panics", Duration::ZERO),
        ("close hangs", SHUTDOWN_BUDGET),
    ] {
        let stage = troubled(trouble).await;
        assert!(end(&stage).await <= longest, "{trouble}");
        assert_eq!(stage.count("closing"), 1, "{trouble}");
        assert_eq!(stage.count("closed"), 0, "{trouble}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_cannot_be_revoked_leaves_time_to_close() {
    let stage = Stage::configured(Profile::TERRAFORM_1_11).await;
    let hangs = lease("revoke hangs");
    let opened = stage.host.open("echo_lease", hangs).await.unwrap();
    assert!(opened.value.is_some());
    assert!(end(&stage).await < SHUTDOWN_BUDGET);
    assert_eq!((stage.count("revoked"), stage.count("closed")), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn what_an_interrupted_configure_makes_is_closed() {
    let stage = Stage::bare(Profile::TERRAFORM_1_11).await;
    let config = object([("trouble", "configure hangs".into())]);
    let configuring = stage.host.configure(config);
    let interrupt = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        stage.host.stop().await.unwrap();
    };
    let (found, ()) = tokio::join!(configuring, interrupt);
    assert!(found.unwrap().to_string().contains("Interrupted"));
    assert_eq!(stage.count("configured"), 0);
    end(&stage).await;
    assert_eq!((stage.count("configured"), stage.count("closed")), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn what_is_made_after_the_end_is_closed_at_once() {
    let stage = Stage::configured(Profile::TERRAFORM_1_11).await;
    end(&stage).await;
    let found = stage.host.configure(Object::new()).await.unwrap();
    assert!(found.has_error(), "{found}");
    assert_eq!(stage.count("closed"), 2);
}
