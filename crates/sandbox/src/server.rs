//! An HTTP server inside the process, for any [`Site`]: one system thread and one worker of its own, so that it runs
//! beside any runtime and ends with its handle.
//!
//! Every request is logged and put before the [`Faults`]; the site itself knows nothing of either. From outside the
//! process the same is reached under `/sandbox/`: `GET|PUT|DELETE /sandbox/faults`, `GET|DELETE /sandbox/log`,
//! `GET /sandbox/state`, `POST /sandbox/reset`; a site may add more.

use std::{
    any::Any,
    fmt,
    net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream},
    os::fd::AsFd,
    sync::{Arc, Mutex, PoisonError, Weak},
    thread,
    time::Duration,
};

use actix_web::{
    App, HttpRequest, HttpResponse, HttpServer,
    dev::{Extensions, ServerHandle},
    http::StatusCode,
    web::{self, Bytes, Data},
};
use anyhow::Context;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::{oneshot, watch};

use crate::{
    faults::{Fault, Faults, Rule},
    request_log::RequestLog,
};

const MAX_BODY_BYTES: usize = 16 * 1024 * 1024;

/// What a server does: an answer to each request. An answer is worked out without waiting for anything.
pub trait Site: Send + Sync + 'static {
    fn answer(&self, request: &Request) -> Response;

    /// Everything it holds, for people and tests to look at.
    fn state(&self) -> Value;

    /// Goes back to the state at the start.
    fn reset(&self);

    /// Answers a request under `/sandbox/` that every site does not have.
    fn control(&self, request: &Request) -> Option<Response> {
        let _ = request;
        None
    }
}

/// A request as a site sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// In capitals.
    pub method: String,
    /// Without the query.
    pub path: String,
    /// As it came, without the question mark.
    pub query: String,
    /// Names in lower case. Values that are not text are left out.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Request {
    /// The parts of the path; leading, trailing and doubled slashes make none.
    pub fn segments(&self) -> Vec<&str> {
        self.path.split('/').filter(|segment| !segment.is_empty()).collect()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(header, _)| header.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The parameters of the query, decoded, in their order.
    pub fn parameters(&self) -> Vec<(String, String)> {
        web::Query::<Vec<(String, String)>>::from_query(&self.query).map(web::Query::into_inner).unwrap_or_default()
    }
}

/// What a site answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    pub status: u16,
    pub content_type: &'static str,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Response {
    pub fn json(status: u16, body: &Value) -> Self {
        Self { status, content_type: "application/json; charset=utf-8", headers: Vec::new(), body: body.to_string() }
    }

    pub fn html(status: u16, body: String) -> Self {
        Self { status, content_type: "text/html; charset=utf-8", headers: Vec::new(), body }
    }

    pub fn text(status: u16, body: impl Into<String>) -> Self {
        Self { status, content_type: "text/plain; charset=utf-8", headers: Vec::new(), body: body.into() }
    }

    #[must_use]
    pub fn with_header(mut self, name: &str, value: impl fmt::Display + Copy) -> Self {
        self.headers.push((name.to_owned(), value.to_string()));
        self
    }

    /// The answer that a fault gives instead of the site.
    fn of_fault(status: u16, body: Value) -> Self {
        match body {
            Value::Null => Self::text(status, ""),
            Value::String(page) if page.starts_with('<') => Self::html(status, page),
            Value::String(text) => Self::text(status, text),
            body => Self::json(status, &body),
        }
    }
}

impl From<Response> for HttpResponse {
    fn from(response: Response) -> Self {
        let status = StatusCode::from_u16(response.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut builder = Self::build(status);
        builder.content_type(response.content_type);
        for (name, value) in response.headers {
            builder.insert_header((name, value));
        }
        builder.body(response.body)
    }
}

/// A running server. Dropping it stops it.
pub struct Server<S> {
    host: Arc<Host<S>>,
    address: SocketAddr,
    actix: ServerHandle,
    runtime: tokio::runtime::Handle,
}

struct Host<S> {
    site: Arc<S>,
    faults: Faults,
    log: RequestLog,
    connections: Arc<Connections>,
    /// Moves on whenever a request has come or has been dealt with, or something was changed from inside the process.
    activity: watch::Sender<u64>,
}

impl<S: Site> Server<S> {
    /// Starts on `127.0.0.1`; port 0 takes any that is free. Requests are accepted when this returns.
    pub async fn start(port: u16, site: Arc<S>) -> anyhow::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))
            .with_context(|| format!("cannot listen on 127.0.0.1:{port}"))?;
        let address = listener.local_addr()?;
        let host = Arc::new(Host {
            site,
            faults: Faults::default(),
            log: RequestLog::default(),
            connections: Arc::default(),
            activity: watch::Sender::new(0),
        });
        let (started, start) = oneshot::channel();
        let served = Arc::clone(&host);
        thread::Builder::new().name(format!("sandbox-{}", address.port())).spawn(move || {
            if let Err(error) = actix_web::rt::System::new().block_on(run(listener, served, started)) {
                tracing::error!(%error, "A sandbox server ended in error.");
            }
        })?;
        let (actix, runtime) = start.await.context("the sandbox server did not start")?;
        Ok(Self { host, address, actix, runtime })
    }

    /// `http://127.0.0.1:<port>`, without a slash at the end.
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn site(&self) -> &Arc<S> {
        &self.host.site
    }

    pub fn faults(&self) -> &Faults {
        &self.host.faults
    }

    pub fn log(&self) -> &RequestLog {
        &self.host.log
    }

    /// Where a site's background work runs; it ends with the server.
    pub fn runtime(&self) -> &tokio::runtime::Handle {
        &self.runtime
    }

    /// Starts over, as `POST /sandbox/reset` has it.
    pub fn reset(&self) {
        self.host.reset();
    }

    /// Says that something was changed from inside the process, for [`Server::until`].
    pub fn touch(&self) {
        self.host.touch();
    }

    /// Waits until `found` finds what it looks for; it is asked again whenever a request
    /// has come or has been dealt with, and at every [`Server::touch`].
    pub async fn until<T>(&self, patience: Duration, mut found: impl FnMut() -> Option<T>) -> anyhow::Result<T> {
        let mut activity = self.host.activity.subscribe();
        let search = async {
            loop {
                activity.mark_unchanged();
                if let Some(it) = found() {
                    return Ok(it);
                }
                activity.changed().await.context("the server has ended")?;
            }
        };
        tokio::time::timeout(patience, search).await.with_context(|| format!("did not happen within {patience:?}"))?
    }

    /// Stops, and returns when nothing listens any more. Open connections are cut, whatever they were about.
    pub async fn stop(self) {
        self.actix.stop(false).await;
        self.host.connections.cut();
    }
}

impl<S> Drop for Server<S> {
    fn drop(&mut self) {
        // The order is sent by the call itself; the future only waits until it is obeyed.
        drop(self.actix.stop(false));
        self.host.connections.cut();
    }
}

impl<S> fmt::Debug for Server<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("address", &self.address).finish_non_exhaustive()
    }
}

async fn run<S: Site>(
    listener: TcpListener,
    host: Arc<Host<S>>,
    started: oneshot::Sender<(ServerHandle, tokio::runtime::Handle)>,
) -> std::io::Result<()> {
    let connections = Arc::clone(&host.connections);
    let server = HttpServer::new(move || {
        App::new()
            .app_data(Data::from(Arc::clone(&host)))
            .app_data(web::PayloadConfig::new(MAX_BODY_BYTES))
            .default_service(web::to(serve::<S>))
    })
    .workers(1)
    .disable_signals()
    .on_connect(move |connection, extensions| connections.keep(connection, extensions))
    .listen(listener)?
    .run();
    // Whoever started it may have given up meanwhile; its handle is dropped then, which stops the server.
    if let Err((handle, _)) = started.send((server.handle(), tokio::runtime::Handle::current())) {
        drop(handle.stop(false));
    }
    server.await
}

/// A second handle of a connection's socket, with which to cut it.
struct Socket(TcpStream);

impl Socket {
    fn cut(&self) {
        if let Err(error) = self.0.shutdown(Shutdown::Both) {
            tracing::debug!(%error, "The connection was closed before it could be cut.");
        }
    }
}

/// The connections that are open.
#[derive(Default)]
struct Connections(Mutex<Vec<Weak<Socket>>>);

impl Connections {
    fn keep(&self, connection: &dyn Any, extensions: &mut Extensions) {
        let socket = connection
            .downcast_ref::<actix_web::rt::net::TcpStream>()
            .and_then(|stream| stream.as_fd().try_clone_to_owned().ok());
        if let Some(socket) = socket {
            let socket = Arc::new(Socket(TcpStream::from(socket)));
            let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            open.retain(|socket| socket.strong_count() > 0);
            open.push(Arc::downgrade(&socket));
            extensions.insert(socket);
        }
    }

    fn cut(&self) {
        let open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        open.iter().filter_map(Weak::upgrade).for_each(|socket| socket.cut());
    }
}

async fn serve<S: Site>(http: HttpRequest, body: Bytes, host: Data<Host<S>>) -> HttpResponse {
    let request = Request::new(&http, &body);
    if request.segments().first() == Some(&"sandbox") {
        return host.control(&request).into();
    }
    let seq = host.log.open(&request.method, &request.path, &request.query, &request.body);
    host.touch();
    let verdict = host.faults.judge(&request.method, &request.path);
    if !verdict.latency.is_zero() {
        actix_web::rt::time::sleep(verdict.latency).await;
    }
    let response = match verdict.fault {
        None | Some(Fault::Latency { .. }) => host.carry_out(seq, &request),
        Some(Fault::Answer { status, headers, body }) => {
            let mut response = Response::of_fault(status, body);
            response.headers.extend(headers);
            response
        }
        Some(Fault::CutBefore) => return cut(&http),
        Some(Fault::CutAfter) => {
            host.carry_out(seq, &request);
            host.touch();
            return cut(&http);
        }
        Some(Fault::CarryOutLate { millis }) => {
            let host = host.clone();
            let late = actix_web::rt::spawn(async move {
                actix_web::rt::time::sleep(Duration::from_millis(millis)).await;
                let response = host.carry_out(seq, &request);
                host.touch();
                response
            });
            late.await.unwrap_or_else(|error| Response::text(500, error.to_string()))
        }
    };
    host.log.answered(seq, response.status);
    host.touch();
    response.into()
}

/// Ends the connection at once. What is returned never reaches the client.
fn cut(http: &HttpRequest) -> HttpResponse {
    if let Some(socket) = http.conn_data::<Arc<Socket>>() {
        socket.cut();
    }
    HttpResponse::InternalServerError().force_close().finish()
}

impl Request {
    fn new(http: &HttpRequest, body: &Bytes) -> Self {
        Self {
            method: http.method().as_str().to_owned(),
            path: http.path().to_owned(),
            query: http.query_string().to_owned(),
            headers: http
                .headers()
                .iter()
                .filter_map(|(name, value)| Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned())))
                .collect(),
            body: body.to_vec(),
        }
    }
}

/// The body of `PUT /sandbox/faults`: `{"rules": […], "seed": 7}`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewRules {
    rules: Vec<Rule>,
    seed: Option<u64>,
}

impl<S> Host<S> {
    fn touch(&self) {
        self.activity.send_modify(|count| *count += 1);
    }
}

impl<S: Site> Host<S> {
    fn reset(&self) {
        self.site.reset();
        self.faults.clear();
        self.log.clear();
    }

    fn carry_out(&self, seq: u64, request: &Request) -> Response {
        let response = self.site.answer(request);
        self.log.carried_out(seq, response.status);
        response
    }

    fn control(&self, request: &Request) -> Response {
        if let Some(response) = self.site.control(request) {
            return response;
        }
        match (request.method.as_str(), request.segments().as_slice()) {
            ("GET", ["sandbox", "faults"]) => self.rules(),
            ("PUT", ["sandbox", "faults"]) => match serde_json::from_slice(&request.body) {
                Ok(NewRules { rules, seed: Some(seed) }) => {
                    self.faults.set_seeded(seed, rules);
                    self.rules()
                }
                Ok(NewRules { rules, seed: None }) => {
                    self.faults.set(rules);
                    self.rules()
                }
                Err(error) => Response::json(400, &json!({ "error": error.to_string() })),
            },
            ("DELETE", ["sandbox", "faults"]) => {
                self.faults.clear();
                self.rules()
            }
            ("GET", ["sandbox", "log"]) => Response::json(200, &json!(self.log.all())),
            ("DELETE", ["sandbox", "log"]) => {
                self.log.clear();
                Response::json(200, &json!({}))
            }
            ("GET", ["sandbox", "state"]) => Response::json(200, &self.site.state()),
            ("POST", ["sandbox", "reset"]) => {
                self.reset();
                Response::json(200, &json!({}))
            }
            _ => Response::json(404, &json!({ "error": "There is no such control." })),
        }
    }

    fn rules(&self) -> Response {
        Response::json(200, &json!({ "rules": self.faults.rules(), "applied": self.faults.applied() }))
    }
}
