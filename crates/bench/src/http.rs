//! Minimal HTTP/1.1 client with one persistent connection, for exactly what our own server sends.
use anyhow::{Context, Result, bail, ensure};
use std::{
    fmt::Write as _,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    time::Duration,
};

/// An encoded request.
#[derive(Clone, Debug)]
pub struct Request(Vec<u8>);

impl Request {
    pub fn get(host: &str, path: &str, headers: &[(&str, &str)]) -> Self {
        Self::new("GET", host, path, headers, "")
    }

    /// Returns a POST request.
    pub fn post(host: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Self {
        Self::new("POST", host, path, headers, body)
    }

    fn new(method: &str, host: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Self {
        let mut text = format!("{method} {path} HTTP/1.1\r\nhost: {host}\r\n");
        for (name, value) in headers {
            let _ = write!(text, "{name}: {value}\r\n"); // writing to a string cannot fail
        }
        if method == "POST" {
            let _ = write!(text, "content-length: {}\r\n", body.len());
        }
        Self(format!("{text}\r\n{body}").into_bytes())
    }
}

/// Lower-case names with their values.
type Headers = Vec<(String, String)>;

/// A complete response.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: Headers,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Returns the response if it has this status.
    ///
    /// # Errors
    /// Fails if it has another status, with the body.
    pub fn is(self, status: u16) -> Result<Self> {
        ensure!(self.status == status, "the server responded with {}: {}", self.status, self.text());
        Ok(self)
    }
}

enum Length {
    Known(usize),
    Chunked,
}

/// A persistent connection.
#[derive(Debug)]
pub struct Connection(BufReader<TcpStream>);

impl Connection {
    /// Connects to `host` (name and port).
    ///
    /// # Errors
    /// Fails if the host cannot be reached.
    pub fn open(host: &str) -> Result<Self> {
        let stream = TcpStream::connect(host).with_context(|| format!("{host} cannot be reached"))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_mins(1)))?;
        Ok(Self(BufReader::with_capacity(64 << 10, stream)))
    }

    /// Sends a request and reads the complete response.
    ///
    /// # Errors
    /// Fails if the connection is closed, or the response cannot be parsed.
    pub fn send(&mut self, request: &Request) -> Result<Answer> {
        self.0.get_mut().write_all(&request.0)?;
        let (status, headers, length) = self.head()?;
        let mut body = vec![];
        match length {
            Length::Known(length) => {
                body.resize(length, 0);
                self.0.read_exact(&mut body)?;
            }
            Length::Chunked => while self.chunk(&mut body)? {},
        }
        Ok(Answer { status, headers, body })
    }

    /// Sends a request for a stream of server-sent events, and returns once it has started.
    ///
    /// # Errors
    /// Fails like [`Connection::send`], and if the response is not a stream.
    pub fn listen(mut self, request: &Request) -> Result<Events> {
        self.0.get_mut().write_all(&request.0)?;
        let (status, _, _) = self.head()?;
        ensure!(status == 200, "the server responded with {status} instead of a stream");
        Ok(Events { connection: self, read: vec![], at: 0 })
    }

    fn head(&mut self) -> Result<(u16, Headers, Length)> {
        let first = self.line()?;
        let status = first.split(' ').nth(1).and_then(|code| code.parse().ok()).context("not an HTTP response")?;
        let (mut headers, mut length) = (vec![], Length::Known(0));
        loop {
            let line = self.line()?;
            let Some((name, value)) = line.split_once(": ") else { break };
            let name = name.to_ascii_lowercase();
            match name.as_str() {
                "content-length" => length = Length::Known(value.parse()?),
                "transfer-encoding" => length = Length::Chunked,
                _ => {}
            }
            headers.push((name, value.to_owned()));
        }
        Ok((status, headers, length))
    }

    /// Appends the next chunk; returns false after the last one.
    fn chunk(&mut self, body: &mut Vec<u8>) -> Result<bool> {
        let length = usize::from_str_radix(&self.line()?, 16)?;
        let before = body.len();
        body.resize(before + length, 0);
        self.0.read_exact(body.get_mut(before..).unwrap_or_default())?;
        self.line()?;
        Ok(length > 0)
    }

    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        if self.0.read_line(&mut line)? == 0 {
            bail!("the server closed the connection");
        }
        Ok(line.trim_end_matches(['\r', '\n']).to_owned())
    }
}

/// A stream of server-sent events.
#[derive(Debug)]
pub struct Events {
    connection: Connection,
    read: Vec<u8>,
    at: usize,
}

impl Events {
    /// Returns the name and the data of the next event; `None` at the end.
    ///
    /// # Errors
    /// Fails if the stream breaks, or sends nothing for a minute.
    pub fn next(&mut self) -> Result<Option<(String, String)>> {
        loop {
            let rest = self.read.get(self.at..).unwrap_or_default();
            if let Some(end) = rest.windows(2).position(|two| two == b"\n\n") {
                let block = String::from_utf8_lossy(rest.get(..end).unwrap_or_default()).into_owned();
                self.at += end + 2;
                let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name)).map(str::to_owned);
                if let Some(event) = field("event: ") {
                    return Ok(Some((event, field("data: ").unwrap_or_default())));
                }
                continue;
            }
            self.read.drain(..std::mem::take(&mut self.at));
            if !self.connection.chunk(&mut self.read)? {
                return Ok(None);
            }
        }
    }

    /// Reads until an event of this name, and returns its data.
    ///
    /// # Errors
    /// Fails if the stream ends before such an event.
    pub fn until(&mut self, name: &str) -> Result<String> {
        while let Some((event, data)) = self.next()? {
            if event == name {
                return Ok(data);
            }
        }
        bail!("the stream ended before {name}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    fn answering(answer: &'static str) -> Connection {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let host = listener.local_addr().unwrap().to_string();
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = [0; 8192];
            let _ = stream.read(&mut request).unwrap();
            stream.write_all(answer.as_bytes()).unwrap();
        });
        Connection::open(&host).unwrap()
    }

    #[test]
    fn answers_are_read_with_a_length_and_in_chunks() {
        let get = Request::get("x", "/", &[("accept", "*/*")]);
        let whole = answering("HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\nX-A: b\r\n\r\nno").send(&get).unwrap();
        assert_eq!((whole.status, whole.headers[1].1.as_str(), whole.text().as_str()), (404, "b", "no"));
        assert!(whole.is(200).is_err());
        let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\na\r\n0123456789\r\n0\r\n\r\n";
        assert_eq!(answering(chunked).send(&get).unwrap().text(), "abc0123456789");
        assert!(answering("").send(&get).is_err());
    }

    #[test]
    fn events_are_read_across_chunks() {
        let stream = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n\
                      15\r\nevent: a\ndata: 1\n\n:\n\n\r\n9\r\nevent: b\n\r\n9\r\ndata: 2\n\n\r\n0\r\n\r\n";
        let mut events = answering(stream).listen(&Request::get("x", "/", &[])).unwrap();
        assert_eq!(events.next().unwrap(), Some(("a".into(), "1".into())));
        assert_eq!(events.until("b").unwrap(), "2");
        assert!(events.next().unwrap().is_none() && events.until("c").is_err());
    }
}
