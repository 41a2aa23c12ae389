//! Who may talk to a provider, and what everybody else can do to it: nothing.

mod support;

use std::sync::Arc;
use std::time::{Duration, Instant};

use support::{PATIENCE, call, schema, tiny};
use tfplugin::client::{ClientIdentity, Peer, Plugin, open, open_tls, tls_config};
use tfplugin::{Address, MAX_MESSAGE_LEN};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tonic::Code;

#[tokio::test]
async fn the_host_that_started_it_is_served() {
    let plugin = Plugin::start(&tiny()).await.unwrap();
    assert_eq!(plugin.handshake().protocol_version, 6);
    assert!(
        plugin.handshake().certificate.len() > 50,
        "hosts ignore shorter ones"
    );
    assert_eq!(plugin.handshake().multiplex, None);
    let reply = schema(plugin.connect().await.unwrap()).await.unwrap();
    assert!(reply.provider.unwrap().block.is_some());
}

#[tokio::test]
async fn a_second_connection_of_the_host_is_served_beside_the_first() {
    let plugin = Plugin::start(&tiny()).await.unwrap();
    let (one, two) = (
        plugin.connect().await.unwrap(),
        plugin.connect().await.unwrap(),
    );
    schema(one.clone()).await.unwrap();
    schema(two).await.unwrap();
    schema(one).await.unwrap();
}

#[tokio::test]
async fn a_client_without_certificate_is_refused() {
    let plugin = Plugin::start(&tiny()).await.unwrap();
    assert!(refused(&plugin, None).await);
    assert_still_served(&plugin).await;
}

#[tokio::test]
async fn a_client_with_another_certificate_is_refused() {
    let plugin = Plugin::start(&tiny()).await.unwrap();
    assert!(refused(&plugin, Some(&ClientIdentity::generate().unwrap())).await);
    assert_still_served(&plugin).await;
}

#[tokio::test]
async fn a_stolen_certificate_without_its_key_is_refused() {
    let host = ClientIdentity::generate().unwrap();
    let thief = ClientIdentity::generate().unwrap().posing_as(&host);
    let mut launch = tiny().env("PLUGIN_CLIENT_CERT", host.pem());
    launch.tls = false;
    let plugin = Plugin::start(&launch).await.unwrap();
    assert!(refused(&plugin, Some(&thief)).await);
    assert!(
        !refused(&plugin, Some(&host)).await,
        "the true owner is served"
    );
}

#[tokio::test]
async fn plaintext_is_refused_where_tls_was_asked_for() {
    let plugin = Plugin::start(&tiny()).await.unwrap();
    let mut socket = open(&plugin.handshake().address).await.unwrap();
    socket
        .write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        .await
        .unwrap();
    let mut reply = Vec::new();
    // The answer is a TLS alert or nothing, and then the end.
    let _ = tokio::time::timeout(PATIENCE, socket.read_to_end(&mut reply))
        .await
        .unwrap();
    assert!(reply.is_empty() || reply[0] == 21, "{reply:?}");
    assert_still_served(&plugin).await;
}

#[tokio::test]
async fn http2_is_negotiated_and_nothing_else() {
    let host = ClientIdentity::generate().unwrap();
    let plugin = start_for(&host).await;
    let config = |protocols: &[&[u8]]| {
        let peer = Peer {
            certificate: &plugin.handshake().certificate,
            identity: Some(&host),
        };
        let mut config = tls_config(peer).unwrap();
        config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
        Arc::new(config)
    };
    let address = &plugin.handshake().address;
    let stream = open_tls(address, config(&[b"http/1.1", b"h2"]))
        .await
        .unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    assert!(open_tls(address, config(&[b"http/1.1"])).await.is_err());
    // Hosts before Terraform 1.12 may offer nothing.
    assert!(open_tls(address, config(&[])).await.is_ok());
}

#[tokio::test]
async fn plaintext_is_served_when_the_host_has_no_certificate() {
    let mut launch = tiny();
    launch.tls = false;
    let plugin = Plugin::start(&launch).await.unwrap();
    assert!(plugin.handshake().certificate.is_empty());
    assert!(matches!(plugin.handshake().address, Address::Unix(_)));
    assert_still_served(&plugin).await;
}

#[tokio::test]
async fn slow_silent_and_garbage_clients_do_no_harm() {
    let plugin = Plugin::start(&tiny()).await.unwrap();
    // Keeps the process from ending by itself, which would close the connections below.
    let host = plugin.connect().await.unwrap();
    let mut idle = Vec::new();
    for number in 0..63_u8 {
        let mut socket = open(&plugin.handshake().address).await.unwrap();
        match number % 3 {
            0 => socket.write_all(&[22, 3, 1]).await.unwrap(),
            1 => socket.write_all(&[number; 600]).await.unwrap(),
            _ => {}
        }
        idle.push(socket);
    }
    let start = Instant::now();
    assert_still_served(&plugin).await;
    // One handshake after the other would take more than a minute.
    assert!(
        start.elapsed() < Duration::from_secs(10),
        "took {:?}",
        start.elapsed()
    );
    for mut socket in idle {
        let mut rest = Vec::new();
        // However the connection ends: it must end, at the handshake deadline.
        let _ = tokio::time::timeout(PATIENCE, socket.read_to_end(&mut rest))
            .await
            .unwrap();
    }
    schema(host).await.unwrap();
}

#[tokio::test]
async fn more_silent_clients_than_places_only_delay_the_host() {
    let plugin = Plugin::start(&tiny()).await.unwrap();
    let mut idle = Vec::new();
    for _ in 0..100 {
        idle.push(open(&plugin.handshake().address).await.unwrap());
    }
    let served = tokio::time::timeout(PATIENCE, assert_still_served(&plugin)).await;
    assert!(served.is_ok());
}

#[tokio::test]
async fn garbage_frames_end_their_own_connection_only() {
    let host = ClientIdentity::generate().unwrap();
    let plugin = start_for(&host).await;
    let peer = Peer {
        certificate: &plugin.handshake().certificate,
        identity: Some(&host),
    };
    let config = Arc::new(tls_config(peer).unwrap());
    let good = plugin.connect_as(Some(&host)).await.unwrap();
    let garbage: [&[u8]; 3] = [
        b"GET / HTTP/1.1\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
        &[0; 4096],
    ];
    for bytes in garbage {
        let mut stream = open_tls(&plugin.handshake().address, Arc::clone(&config))
            .await
            .unwrap();
        stream.write_all(bytes).await.unwrap();
        let mut reply = Vec::new();
        let _ = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut reply))
            .await
            .unwrap();
        schema(good.clone()).await.unwrap();
    }
}

#[tokio::test]
async fn large_messages_pass_and_oversized_ones_are_refused() {
    let plugin = Plugin::start(&tiny()).await.unwrap();
    let channel = plugin.connect().await.unwrap();
    let large = vec![7; 20 * 1024 * 1024];
    assert!(call(channel.clone(), "echo", large.clone()).await.unwrap() == large);
    let refused = call(channel.clone(), "echo", vec![7; MAX_MESSAGE_LEN + 1])
        .await
        .unwrap_err();
    assert_eq!(refused.code(), Code::OutOfRange);
    schema(channel).await.unwrap();
}

async fn start_for(host: &ClientIdentity) -> Plugin {
    let mut launch = tiny().env("PLUGIN_CLIENT_CERT", host.pem());
    launch.tls = false;
    Plugin::start(&launch)
        .await
        .unwrap_or_else(|error| panic!("{error}"))
}

/// True when a client with that certificate gets no answer.
async fn refused(plugin: &Plugin, identity: Option<&ClientIdentity>) -> bool {
    match plugin.connect_as(identity).await {
        Ok(channel) => schema(channel).await.is_err(),
        Err(_) => true,
    }
}

async fn assert_still_served(plugin: &Plugin) {
    let channel = plugin
        .connect()
        .await
        .unwrap_or_else(|error| panic!("{error}"));
    let served = schema(channel).await;
    assert!(served.is_ok(), "{served:?}");
}
