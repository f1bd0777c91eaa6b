//! The load generator: connections that are kept alive, each with one request under way at a time, as `wrk` does it.
//!
//! It runs on one thread of its own and does next to nothing for a request, since whatever it does is taken from the
//! server that it measures.

use std::{
    net::SocketAddr,
    ops::Range,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    runtime::Builder,
    task::JoinSet,
};

use crate::request::Request;

/// When the load ends.
#[derive(Debug, Clone, Copy)]
pub(crate) enum End {
    /// When every request has been answered.
    AllAnswered,
    /// After this time, or as soon as a connection has no more requests.
    After(Duration),
}

/// What every answer must hold.
#[derive(Debug, Clone)]
pub(crate) enum Expected {
    Anything,
    Exactly(Arc<[u8]>),
}

/// What became of a load: every request was answered with 200.
#[derive(Debug)]
pub(crate) struct Answers {
    pub(crate) elapsed: Duration,
    /// Of each request, shortest first.
    pub(crate) latencies: Vec<Duration>,
}

impl Answers {
    pub(crate) fn count(&self) -> usize {
        self.latencies.len()
    }

    pub(crate) fn per_second(&self) -> f64 {
        u32::try_from(self.count()).map_or(f64::INFINITY, f64::from) / self.elapsed.as_secs_f64()
    }

    /// The share that each request has in a time, in seconds.
    pub(crate) fn each(&self, time: Duration) -> f64 {
        time.as_secs_f64() / u32::try_from(self.count()).map_or(f64::INFINITY, f64::from)
    }

    /// The latency that so many per cent of the requests did not exceed.
    pub(crate) fn percentile(&self, percent: usize) -> Duration {
        let rank = (self.count() * percent).div_ceil(100);
        self.latencies.get(rank.saturating_sub(1)).copied().unwrap_or_default()
    }
}

/// Deals requests out to connections, one after the other.
pub(crate) fn dealt(requests: impl IntoIterator<Item = Request>, connections: u16) -> Vec<Vec<Request>> {
    let mut hands = vec![Vec::new(); usize::from(connections)];
    let mut requests = requests.into_iter().fuse();
    loop {
        for hand in &mut hands {
            match requests.next() {
                Some(request) => hand.push(request),
                None => return hands,
            }
        }
    }
}

/// Sends the requests of each connection over it, in their order. Fails at the first answer that is not 200, or does not
/// hold what it must.
pub(crate) async fn run(
    server: SocketAddr,
    requests: Vec<Vec<Request>>,
    end: End,
    expected: Expected,
) -> anyhow::Result<Answers> {
    tokio::task::spawn_blocking(move || {
        Builder::new_current_thread().enable_io().build()?.block_on(drive(server, requests, end, expected))
    })
    .await?
}

/// What one request is answered with. Fails if it is not answered with 200.
pub(crate) async fn ask(server: SocketAddr, request: &Request) -> anyhow::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(server).await.context("cannot connect to the server")?;
    let mut answer = Vec::new();
    stream.write_all(request).await?;
    let head = read_answer(&mut stream, &mut answer).await?;
    Ok(head.content(&answer)?.to_vec())
}

async fn drive(
    server: SocketAddr,
    requests: Vec<Vec<Request>>,
    end: End,
    expected: Expected,
) -> anyhow::Result<Answers> {
    let mut connections = Vec::new();
    for requests in requests {
        let stream = TcpStream::connect(server).await.context("cannot connect to the server")?;
        stream.set_nodelay(true)?;
        connections.push((stream, requests));
    }
    let stop = Arc::new(AtomicBool::new(false));
    let began = Instant::now();
    let mut running = JoinSet::new();
    for (stream, requests) in connections {
        let stop = Arc::clone(&stop);
        let expected = expected.clone();
        running.spawn(async move {
            let until = Until { end, began, stop: &stop };
            let latencies = send(stream, &requests, until, &expected).await;
            if matches!(end, End::After(_)) {
                stop.store(true, Ordering::Relaxed);
            }
            latencies
        });
    }
    let mut latencies = Vec::new();
    while let Some(ended) = running.join_next().await {
        latencies.extend(ended??);
    }
    let elapsed = began.elapsed();
    latencies.sort_unstable();
    Ok(Answers { elapsed, latencies })
}

struct Until<'a> {
    end: End,
    began: Instant,
    stop: &'a AtomicBool,
}

impl Until<'_> {
    fn is_over(&self) -> bool {
        let is_late = matches!(self.end, End::After(limit) if self.began.elapsed() >= limit);
        is_late || self.stop.load(Ordering::Relaxed)
    }
}

async fn send(
    mut stream: TcpStream,
    requests: &[Request],
    until: Until<'_>,
    expected: &Expected,
) -> anyhow::Result<Vec<Duration>> {
    let mut latencies = Vec::with_capacity(requests.len());
    let mut answer = Vec::with_capacity(4096);
    for request in requests {
        if until.is_over() {
            break;
        }
        let sent = Instant::now();
        stream.write_all(request).await?;
        let head = read_answer(&mut stream, &mut answer).await?;
        latencies.push(sent.elapsed());
        let content = head.content(&answer)?;
        match expected {
            Expected::Exactly(expected) if **expected != *content => {
                bail!("an answer is not what it should be: {}", String::from_utf8_lossy(content))
            }
            Expected::Exactly(_) | Expected::Anything => {}
        }
    }
    Ok(latencies)
}

/// Reads one whole answer into `answer`.
async fn read_answer(stream: &mut TcpStream, answer: &mut Vec<u8>) -> anyhow::Result<Head> {
    answer.clear();
    loop {
        if stream.read_buf(answer).await? == 0 {
            bail!("the server hung up on a request");
        }
        if let Some(head) = Head::of(answer)?
            && answer.len() >= head.content.end
        {
            return Ok(head);
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
struct Head {
    status: u16,
    /// Where in the answer its content is.
    content: Range<usize>,
}

impl Head {
    /// The head of an answer, once it is there.
    fn of(answer: &[u8]) -> anyhow::Result<Option<Self>> {
        const END: &[u8] = b"\r\n\r\n";
        let Some(end) = answer.windows(END.len()).position(|window| window == END) else { return Ok(None) };
        let head = answer.get(..end).unwrap_or_default();
        let head = str::from_utf8(head).context("an answer is not HTTP")?;
        let mut lines = head.split("\r\n");
        let status = lines.next().and_then(|line| line.split(' ').nth(1)).and_then(|status| status.parse().ok());
        let length = lines
            .filter_map(|line| line.split_once(':'))
            .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
            .and_then(|(_, length)| length.trim().parse::<usize>().ok());
        let (status, length) = status.zip(length).context("an answer is not HTTP, or of no length")?;
        let start = end + END.len();
        Ok(Some(Self { status, content: start..start + length }))
    }

    /// What the answer holds, if it is one with 200.
    fn content<'a>(&self, answer: &'a [u8]) -> anyhow::Result<&'a [u8]> {
        if self.status != 200 {
            bail!("a request was answered with {}", String::from_utf8_lossy(answer));
        }
        Ok(answer.get(self.content.clone()).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_dealt_in_turn() {
        let hands = dealt((0..7).map(|request| vec![request]), 3);
        assert_eq!(hands, [vec![vec![0], vec![3], vec![6]], vec![vec![1], vec![4]], vec![vec![2], vec![5]]]);
    }

    #[test]
    fn a_head_tells_status_and_content() {
        let answer = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 5\r\nx: y\r\n\r\nhello";
        let head = Head::of(answer).unwrap().unwrap();
        assert_eq!(head, Head { status: 503, content: answer.len() - 5..answer.len() });
        assert!(head.content(answer).unwrap_err().to_string().contains("hello"));
        assert_eq!(Head { status: 200, ..head }.content(answer).unwrap(), b"hello");
        assert_eq!(Head::of(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r").unwrap(), None);
        assert!(Head::of(b"HTTP/1.1 200 OK\r\n\r\n").is_err());
    }

    #[test]
    fn percentiles_are_latencies_that_were_measured() {
        let millis = |count: u64| (1..=count).map(Duration::from_millis).collect();
        let hundred = Answers { elapsed: Duration::from_secs(2), latencies: millis(100) };
        assert_eq!([50, 99, 100].map(|percent| hundred.percentile(percent).as_millis()), [50, 99, 100]);
        assert!((hundred.per_second() - 50.0).abs() < f64::EPSILON);
        assert!((hundred.each(Duration::from_secs(1)) - 0.01).abs() < f64::EPSILON);
        let two = Answers { elapsed: Duration::from_secs(1), latencies: millis(2) };
        assert_eq!([50, 99].map(|percent| two.percentile(percent).as_millis()), [1, 2]);
    }
}
