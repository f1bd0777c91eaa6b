//! What can happen to a connection: nobody listens, it stalls, breaks, leads elsewhere, or never ends.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use hermes_domain::ports::DirectoryError;
use hermes_sandbox::{
    faults::Fault,
    tc2::{ApiVersion, ClientSpec},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use super::{ID, KEY, NEVER, World, answer, api, ask, config, unavailable};

const MEBIBYTE: usize = 1024 * 1024;

/// A server below HTTP: to each request it answers with the first text and then with the second, so many times.
async fn raw_server(head: &'static str, body: &'static str, times: usize) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 4096];
            if stream.read(&mut request).await.is_err() {
                continue;
            }
            stream.write_all(head.as_bytes()).await.ok();
            for _ in 0..times {
                if stream.write_all(body.as_bytes()).await.is_err() {
                    break;
                }
            }
        }
    });
    address
}

async fn fail_at(address: SocketAddr) -> DirectoryError {
    let mut config = config(&format!("http://{address}"));
    config.patience = Duration::from_secs(1);
    ask(&api(config)).await.unwrap_err()
}

fn assert_keeps_secrets(error: &DirectoryError) {
    let text = format!("{error} {error:?}");
    assert!(!text.contains(KEY) && !text.contains("http://") && !text.contains("1001"), "{text}");
}

#[tokio::test]
async fn nobody_listens() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let error = fail_at(address).await;
    let DirectoryError::Unavailable { message } = &error else { panic!("{error:?}") };
    assert!(message.contains("refused"), "{message}");
    assert_keeps_secrets(&error);
}

#[tokio::test]
async fn a_connection_that_breaks_before_or_within_the_answer() {
    for head in ["", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{\"id\": 1001"] {
        let error = fail_at(raw_server(head, "", 0).await).await;
        assert!(matches!(error, DirectoryError::Unavailable { .. }), "{error:?}");
        assert_keeps_secrets(&error);
    }
}

#[tokio::test]
async fn an_answer_that_takes_too_long() {
    let world = World::with(|config| {
        config.timeout = Duration::from_millis(100);
        config.patience = Duration::from_secs(1);
    })
    .await;
    world.troubled(Fault::latency(NEVER));
    let began = Instant::now();
    assert_eq!(world.ask().await, Err(unavailable("no answer in time")));
    assert!(began.elapsed() < NEVER / 4, "{:?}", began.elapsed());
}

#[tokio::test]
async fn an_attempt_ends_with_the_patience() {
    let world = World::with(|config| {
        config.timeout = NEVER;
        config.patience = Duration::from_secs(1);
    })
    .await;
    world.troubled(Fault::latency(NEVER));
    let began = Instant::now();
    assert_eq!(world.ask().await, Err(unavailable("no answer in time")));
    assert!(began.elapsed() < NEVER / 4, "{:?}", began.elapsed());
    assert_eq!(world.requests(), 1);
}

#[tokio::test]
async fn a_body_that_stalls_takes_too_long_as_well() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = [0; 4096];
        assert!(stream.read(&mut request).await.unwrap() > 0);
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{").await.unwrap();
        // The other side gives up.
        assert!(matches!(stream.read(&mut request).await, Ok(0) | Err(_)));
    });
    let mut config = config(&format!("http://{address}"));
    (config.timeout, config.patience) = (NEVER, Duration::from_secs(1));
    assert_eq!(ask(&api(config)).await, Err(unavailable("no answer in time")));
    server.await.unwrap();
}

#[tokio::test]
async fn a_body_may_have_a_mebibyte_and_no_more() {
    let client = ClientSpec::new(ID.into()).to_json(ApiVersion::V1).to_string();
    for (length, read) in [(MEBIBYTE, true), (MEBIBYTE + 1, false)] {
        let world = World::new().await;
        let body = client.clone() + &" ".repeat(length - client.len());
        world.troubled(answer(200, &[("retry-after", "60")], body));
        match world.ask().await {
            Ok(_) => assert!(read),
            Err(error) => assert_eq!((error, read), (unavailable("the answer is too long"), false)),
        }
    }
}

#[tokio::test]
async fn a_body_without_an_end_is_not_read_to_its_end() {
    let head = "HTTP/1.1 200 OK\r\nretry-after: 60\r\ntransfer-encoding: chunked\r\n\r\n";
    let address = raw_server(head, "10\r\n                \r\n", usize::MAX).await;
    assert_eq!(ask(&api(config(&format!("http://{address}")))).await, Err(unavailable("the answer is too long")));
}

#[tokio::test]
async fn the_key_does_not_follow_a_redirect() {
    let elsewhere = World::new().await;
    let target = format!("{}/api/clients/{ID}/", elsewhere.tc2.base_url());
    for status in [301, 302, 303, 307, 308] {
        let world = World::new().await;
        world.troubled(answer(status, &[("location", target.as_str())], ""));
        assert_eq!(world.ask().await, Err(unavailable(&format!("it answered {status}"))));
        assert_eq!(world.requests(), 1);
    }
    assert_eq!(elsewhere.requests(), 0);
}
