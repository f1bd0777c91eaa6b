//! A line to a server that can be cut and mended, and that remembers when something was said over it.

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream, tcp},
    task::{JoinHandle, JoinSet},
};

const CHUNK: usize = 16 * 1024;

/// Passes on to a server whatever comes, and back what it answers.
#[derive(Debug)]
pub struct Relay {
    address: SocketAddr,
    server: SocketAddr,
    said: Arc<Mutex<Vec<Instant>>>,
    /// Ends all connections with it.
    listening: Option<JoinHandle<()>>,
}

impl Relay {
    /// To the server with this URL, whose path must be empty.
    pub fn to(url: &str) -> Self {
        let server = url.strip_prefix("http://").and_then(|rest| rest.parse().ok()).expect("http://<address>");
        let listener = bind(([127, 0, 0, 1], 0).into());
        let address = listener.local_addr().expect("its address");
        let mut relay = Self { address, server, said: Arc::default(), listening: None };
        relay.listen(listener);
        relay
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Breaks all connections off, and refuses new ones.
    pub async fn cut(&mut self) {
        if let Some(listening) = self.listening.take() {
            listening.abort();
            // It was aborted, which is what the error says.
            listening.await.ok();
        }
    }

    /// Takes connections again, at the same address.
    pub fn mend(&mut self) {
        assert!(self.listening.is_none(), "the line is not cut");
        self.listen(bind(self.address));
    }

    /// As [`Relay::mend`], and leads to this server from now on.
    pub fn mend_to(&mut self, server: SocketAddr) {
        self.server = server;
        self.mend();
    }

    /// When something was sent towards the server, oldest first.
    pub fn said(&self) -> Vec<Instant> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn listen(&mut self, listener: TcpListener) {
        let (server, said) = (self.server, Arc::clone(&self.said));
        self.listening = Some(tokio::spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                connections.spawn(pass_on(client, server, Arc::clone(&said)));
            }
        }));
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        if let Some(listening) = &self.listening {
            listening.abort();
        }
    }
}

fn bind(address: SocketAddr) -> TcpListener {
    let listener = std::net::TcpListener::bind(address).expect("the port is free");
    listener.set_nonblocking(true).expect("a listener");
    TcpListener::from_std(listener).expect("a listener")
}

/// Until either side ends. That is not an error of anybody here.
async fn pass_on(client: TcpStream, server: SocketAddr, said: Arc<Mutex<Vec<Instant>>>) -> io::Result<()> {
    let server = TcpStream::connect(server).await?;
    let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
    let note = || said.lock().unwrap_or_else(PoisonError::into_inner).push(Instant::now());
    tokio::select! {
        ended = copy(from_client, to_server, note) => ended,
        ended = copy(from_server, to_client, || ()) => ended,
    }
}

async fn copy(mut from: tcp::OwnedReadHalf, mut to: tcp::OwnedWriteHalf, note: impl Fn()) -> io::Result<()> {
    let mut chunk = vec![0; CHUNK];
    loop {
        let length = from.read(&mut chunk).await?;
        if length == 0 {
            return Ok(());
        }
        note();
        to.write_all(&chunk[..length]).await?;
    }
}
