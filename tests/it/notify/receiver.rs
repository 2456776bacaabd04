//! Somebody's HTTP server that takes what is posted, and answers as it is told.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// What is answered to one request; after the last of them, 200.
pub(super) enum Answer {
    Status(u16),
    /// A status, and after how many seconds to come again.
    Wait(u16, u32),
    Redirect(u16, String),
    /// The line is cut.
    Cut,
    /// Nothing, for as long as the other side waits.
    Never,
}

/// One request that came.
#[derive(Clone)]
pub(super) struct Taken {
    head: String,
    pub body: String,
}

impl Taken {
    pub(super) fn header(&self, name: &str) -> String {
        let of_line =
            |line: &str| line.split_once(": ").filter(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.to_owned());
        self.head.lines().find_map(of_line).unwrap_or_else(|| panic!("no {name} in {}", self.head))
    }
}

pub(super) struct Receiver {
    pub url: String,
    host: String,
    taken: Arc<Mutex<Vec<Taken>>>,
}

impl Receiver {
    pub(super) async fn open<const N: usize>(answers: [Answer; N]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let host = listener.local_addr().unwrap().to_string();
        let taken = Arc::new(Mutex::new(Vec::new()));
        let (inner, answers) = (taken.clone(), Arc::new(Mutex::new(VecDeque::from(answers))));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(receive(stream, inner.clone(), answers.clone()));
            }
        });
        Self { url: format!("http://{host}/services/canary-token-of-a-hook"), host, taken }
    }

    /// Its `host:port`, as a policy names it.
    pub(super) fn host(&self) -> String {
        self.host.clone()
    }

    pub(super) fn taken(&self) -> Vec<Taken> {
        self.taken.lock().unwrap().clone()
    }
}

async fn receive(
    mut stream: TcpStream,
    taken: Arc<Mutex<Vec<Taken>>>,
    answers: Arc<Mutex<VecDeque<Answer>>>,
) -> Option<()> {
    let mut bytes = Vec::new();
    let one = loop {
        let read = stream.read_buf(&mut bytes).await.ok()?;
        let text = String::from_utf8_lossy(&bytes);
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let length = head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
        if length.is_some_and(|length: usize| body.len() >= length) {
            break Taken { head: head.to_owned(), body: body.to_owned() };
        }
        if read == 0 {
            return None;
        }
    };
    taken.lock().unwrap().push(one);
    let answer = answers.lock().unwrap().pop_front();
    let head = match answer.unwrap_or(Answer::Status(200)) {
        Answer::Status(status) => format!("{status} X"),
        Answer::Wait(status, seconds) => format!("{status} X\r\nRetry-After: {seconds}"),
        Answer::Redirect(status, to) => format!("{status} X\r\nLocation: {to}"),
        Answer::Cut => return None,
        Answer::Never => {
            let _ = stream.read_buf(&mut bytes).await;
            return None;
        }
    };
    stream.write_all(format!("HTTP/1.1 {head}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").as_bytes()).await.ok()
}
