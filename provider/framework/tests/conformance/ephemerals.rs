//! Opening, renewing and closing, as every core does it.

use std::time::{Duration, SystemTime};

use tf_framework::testing::{Host, HostError, Profile, object};
use tf_framework::types::Type;
use tf_framework::value::{Dynamic, Value};
use tfplugin::{Lifecycle, ShutdownReason};

use crate::{Stage, lease};

#[tokio::test]
async fn arguments_come_back_exactly_and_results_are_filled_in() {
    for profile in Profile::ALL {
        let stage = Stage::configured(profile).await;
        let number = Value::Number(
            tf_framework::number::Number::parse("0.10000000000000000000001").unwrap(),
        );
        let any = Value::Dynamic(Box::new(Dynamic {
            ty: Type::object([("a", Type::Number), ("b", Type::Tuple(vec![Type::String]))]),
            value: Value::Object(object([
                ("a", 1.into()),
                ("b", Value::Tuple(vec!["x".into()])),
            ])),
        }));
        let config = object([
            ("name", "n".into()),
            ("number", number.clone()),
            ("any", any.clone()),
            ("password", "geheim".into()),
        ]);
        let opened = stage.host.open("echo_value", config).await.unwrap();
        let opened = opened
            .value
            .unwrap_or_else(|| panic!("{}: {}", profile.name, opened.diagnostics));
        let result = opened.result.as_object().unwrap();
        assert_eq!(
            (&result["number"], &result["any"], &result["length"]),
            (&number, &any, &6.into())
        );
        assert_eq!(opened.renew_at, None);
        assert!(
            stage.host.close(opened).await.unwrap().is_empty(),
            "{}",
            profile.name
        );
    }
}

#[tokio::test]
async fn every_core_can_renew_and_close_by_its_own_habits() {
    for profile in Profile::ALL {
        let stage = Stage::configured(profile).await;
        let mut opened = stage
            .host
            .open("echo_lease", lease(""))
            .await
            .unwrap()
            .value
            .unwrap();
        assert_eq!(
            opened.renew_at,
            Some(SystemTime::UNIX_EPOCH + Duration::from_secs(40))
        );
        for _ in 0..3 {
            stage.pass(40);
            assert!(stage.host.renew(&mut opened).await.unwrap().is_empty());
        }
        assert!(stage.host.close(opened).await.unwrap().is_empty());
        assert_eq!(
            (stage.count("renewed"), stage.count("revoked")),
            (3, 1),
            "{}",
            profile.name
        );
        assert!(stage.service.leases().is_empty());
    }
}

#[tokio::test]
async fn a_lease_that_is_not_closed_is_revoked_at_shutdown() {
    let stage = Stage::configured(Profile::TERRAFORM_1_11).await;
    for _ in 0..3 {
        stage
            .host
            .open("echo_lease", lease(""))
            .await
            .unwrap()
            .value
            .unwrap();
    }
    stage.service.shutdown(ShutdownReason::Requested).await;
    stage.service.shutdown(ShutdownReason::Requested).await;
    assert_eq!(stage.count("revoked"), 3);
}

#[tokio::test]
async fn closing_after_the_private_bytes_are_lost_succeeds() {
    let stage = Stage::configured(Profile::OPENTOFU_1_11).await;
    let mut opened = stage
        .host
        .open("echo_lease", lease(""))
        .await
        .unwrap()
        .value
        .unwrap();
    Host::lose_private(&mut opened);
    assert!(stage.host.close(opened).await.unwrap().is_empty());
    assert_eq!(stage.count("revoked"), 0);
    stage.service.shutdown(ShutdownReason::Requested).await;
    assert_eq!(stage.count("revoked"), 1);
}

#[tokio::test]
async fn a_failed_renewal_is_told_at_close_by_every_core() {
    for profile in Profile::ALL {
        let stage = Stage::configured(profile).await;
        let mut opened = stage
            .host
            .open("echo_lease", lease("renew fails"))
            .await
            .unwrap()
            .value
            .unwrap();
        stage.pass(40);
        stage.host.renew(&mut opened).await.unwrap();
        assert!(
            opened.renew_at.is_some(),
            "{}: it is tried again while the lease lives",
            profile.name
        );
        stage.pass(20);
        assert!(stage.host.renew(&mut opened).await.unwrap().has_error());
        assert_eq!(opened.renew_at, None);
        let closed = stage.host.close(opened).await.unwrap();
        assert!(
            closed
                .to_string()
                .contains("could not be renewed during the run"),
            "{}: {closed}",
            profile.name
        );
    }
}

#[tokio::test]
async fn an_expired_lease_is_not_renewed_in_a_hot_loop() {
    let stage = Stage::configured(Profile::TERRAFORM_1_11).await;
    let opened = stage
        .host
        .open("echo_lease", lease("expired"))
        .await
        .unwrap()
        .value
        .unwrap();
    assert!(opened.renew_at.unwrap() >= SystemTime::UNIX_EPOCH + Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn trouble_with_revoking_is_a_warning_within_every_cores_patience() {
    for profile in Profile::ALL {
        for trouble in ["revoke fails", "revoke hangs"] {
            let stage = Stage::configured(profile).await;
            let opened = stage
                .host
                .open("echo_lease", lease(trouble))
                .await
                .unwrap()
                .value
                .unwrap();
            let closed = stage.host.close(opened).await.unwrap();
            assert!(
                !closed.has_error() && closed.to_string().contains("not revoked"),
                "{closed}"
            );
        }
    }
}

#[tokio::test]
async fn a_result_that_cores_would_refuse_is_an_error_and_its_lease_is_revoked() {
    for (trouble, path) in [("unknown result", "value"), ("changed argument", "ttl")] {
        let stage = Stage::configured(Profile::TERRAFORM_1_11).await;
        let reply = stage.host.open("echo_lease", lease(trouble)).await.unwrap();
        let problem = reply.diagnostics.iter().next().unwrap();
        assert_eq!(
            (problem.path.to_string().as_str(), reply.value.is_none()),
            (path, true)
        );
        assert_eq!(
            (stage.count("revoked"), stage.service.leases().len()),
            (1, 0),
            "{trouble}"
        );
    }
}

#[tokio::test]
async fn a_lease_beside_a_reported_error_is_revoked() {
    let stage = Stage::configured(Profile::TERRAFORM_1_11).await;
    let reply = stage
        .host
        .open("echo_lease", lease("error beside result"))
        .await
        .unwrap();
    assert_eq!(
        (
            reply.diagnostics.to_string().as_str(),
            reply.value.is_none()
        ),
        ("Half open", true)
    );
    assert_eq!(
        (stage.count("revoked"), stage.service.leases().len()),
        (1, 0)
    );
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_waits_for_an_open_under_way_and_revokes_what_it_opened() {
    let stage = Stage::configured(Profile::TERRAFORM_1_11).await;
    let host = stage.host.clone();
    let opening =
        tokio::spawn(async move { host.open("echo_lease", lease("open hangs")).await.unwrap() });
    while stage.count("opening") == 0 {
        tokio::task::yield_now().await;
    }
    stage.service.shutdown(ShutdownReason::Requested).await;
    assert_eq!((stage.count("opened"), stage.count("revoked")), (1, 1));
    assert!(opening.await.unwrap().diagnostics.has_error());
}

#[tokio::test]
async fn errors_point_at_the_attribute() {
    let stage = Stage::configured(Profile::TERRAFORM_1_11).await;
    let reply = stage
        .host
        .open("echo_lease", lease("open fails"))
        .await
        .unwrap();
    assert_eq!(reply.diagnostics.to_string(), "No such secret (at trouble)");
    let reply = stage
        .host
        .open("echo_value", object([("name", "".into())]))
        .await
        .unwrap();
    assert_eq!(
        reply.diagnostics.to_string(),
        "Empty name (at name): Give a name."
    );
}

#[tokio::test]
async fn validation_copes_with_unknown_values() {
    let stage = Stage::bare(Profile::TERRAFORM_1_11).await;
    let found = stage
        .host
        .validate_ephemeral("echo_value", object([("name", Value::unknown())]))
        .await
        .unwrap();
    assert!(found.is_empty(), "{found}");
}

#[tokio::test]
async fn warnings_travel_with_the_result() {
    let stage = Stage::configured(Profile::TERRAFORM_1_11).await;
    let reply = stage
        .host
        .open("echo_lease", lease("warning"))
        .await
        .unwrap();
    assert!(reply.value.is_some() && !reply.diagnostics.has_error());
    assert_eq!(reply.diagnostics.to_string(), "Soon to expire");
}

#[tokio::test]
async fn a_panic_is_a_diagnostic_without_its_text_and_the_provider_serves_on() {
    let stage = Stage::configured(Profile::TERRAFORM_1_11).await;
    let reply = stage
        .host
        .open("echo_lease", lease("open panics"))
        .await
        .unwrap();
    let text = reply.diagnostics.to_string();
    assert!(
        text.contains("Provider crashed") && !text.contains("hunter2"),
        "{text}"
    );
    assert!(
        stage
            .host
            .open("echo_lease", lease(""))
            .await
            .unwrap()
            .value
            .is_some()
    );
}

#[tokio::test]
async fn an_interruption_ends_an_open_and_the_provider_serves_on() {
    let stage = Stage::configured(Profile::TERRAFORM_1_11).await;
    let opening = tokio::spawn({
        let host = stage.host.clone();
        async move { host.open("echo_lease", lease("open waits")).await.unwrap() }
    });
    while stage.count("opening") == 0 {
        tokio::task::yield_now().await;
    }
    stage.host.stop().await.unwrap();
    let reply = opening.await.unwrap();
    assert_eq!(reply.diagnostics.to_string(), "Stopped by the practitioner");
    let opened = stage
        .host
        .open("echo_lease", lease(""))
        .await
        .unwrap()
        .value
        .unwrap();
    assert!(stage.host.close(opened).await.unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_open_that_ignores_the_interruption_is_abandoned_and_what_it_opens_is_revoked() {
    let stage = Stage::configured(Profile::TERRAFORM_1_11).await;
    let opening = tokio::spawn({
        let host = stage.host.clone();
        async move { host.open("echo_lease", lease("open hangs")).await.unwrap() }
    });
    while stage.count("opening") == 0 {
        tokio::task::yield_now().await;
    }
    stage.host.stop().await.unwrap();
    let reply = opening.await.unwrap();
    assert!(
        reply.diagnostics.to_string().contains("Interrupted"),
        "{}",
        reply.diagnostics
    );
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(
        (
            stage.count("opened"),
            stage.count("revoked"),
            stage.service.leases().len()
        ),
        (1, 1, 0)
    );
}

#[tokio::test]
async fn a_secret_that_is_no_text_points_to_the_base64_attribute() {
    let stage = Stage::configured(Profile::TERRAFORM_1_11).await;
    for bytes in [vec![0xff_i64, 0xfe], vec![0x65, 0xcc, 0x81]] {
        let bytes = Value::List(bytes.into_iter().map(Value::from).collect());
        let reply = stage
            .host
            .open(
                "echo_value",
                object([("name", "n".into()), ("bytes", bytes)]),
            )
            .await
            .unwrap();
        let problem = reply.diagnostics.iter().next().unwrap();
        assert_eq!(problem.path, "value".into());
        assert!(problem.detail.contains("`value_base64`"), "{problem}");
    }
}

#[tokio::test]
async fn a_secret_in_a_message_is_masked() {
    let stage = Stage::configured(Profile::TERRAFORM_1_11).await;
    let config = object([
        ("name", "leak".into()),
        ("password", "correct horse battery".into()),
    ]);
    let text = stage
        .host
        .open("echo_value", config)
        .await
        .unwrap()
        .diagnostics
        .to_string();
    assert!(
        text.contains("cannot log in with") && !text.contains("horse"),
        "{text}"
    );
}

#[tokio::test]
async fn what_is_not_offered_is_a_diagnostic() {
    let stage = Stage::configured(Profile::TERRAFORM_1_11).await;
    assert!(matches!(
        stage.host.open("echo_nothing", lease("")).await,
        Err(HostError::NotOffered(_))
    ));
}

#[tokio::test]
async fn hundreds_of_leases_at_once_are_all_given_back() {
    let stage = Stage::configured(Profile::TERRAFORM_1_11).await;
    let opens = (0..500).map(|_| stage.host.open("echo_lease", lease("")));
    let opened = futures::future::join_all(opens).await;
    assert_eq!(stage.service.leases().len(), 500);
    let closes = opened
        .into_iter()
        .map(|reply| stage.host.close(reply.unwrap().value.unwrap()));
    futures::future::join_all(closes).await;
    assert_eq!(
        (stage.service.leases().len(), stage.count("revoked")),
        (0, 500)
    );
}
