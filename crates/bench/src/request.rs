//! Requests, byte for byte as they go over the wire.

pub(crate) type Request = Vec<u8>;

pub(crate) const JSON: (&str, &str) = ("Content-Type", "application/json");

pub(crate) fn get(path: &str) -> Request {
    format!("GET {path} HTTP/1.1\r\nHost: hermes\r\n\r\n").into_bytes()
}

pub(crate) fn post(path: &str, headers: &[(&str, &str)], body: &str) -> Request {
    let headers: String = headers.iter().flat_map(|(name, value)| [name, ": ", value, "\r\n"]).collect();
    let length = body.len();
    format!("POST {path} HTTP/1.1\r\nHost: hermes\r\n{headers}Content-Length: {length}\r\n\r\n{body}").into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_written_as_http() {
        assert_eq!(get("/a?b=c"), b"GET /a?b=c HTTP/1.1\r\nHost: hermes\r\n\r\n");
        let expected = b"POST /a HTTP/1.1\r\nHost: hermes\r\nX: 1\r\nY: 2\r\nContent-Length: 3\r\n\r\n\xc3\xa91";
        assert_eq!(post("/a", &[("X", "1"), ("Y", "2")], "\u{e9}1"), expected);
    }
}
