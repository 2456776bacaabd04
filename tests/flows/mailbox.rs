//! A webhook of somebody's, which takes what it is sent.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// Its address, and what was posted there.
pub(crate) struct Mailbox {
    pub url: String,
    posted: Arc<Mutex<Vec<Value>>>,
}

impl Mailbox {
    pub(crate) async fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook?canary-token", listener.local_addr().unwrap());
        let posted = Arc::new(Mutex::new(Vec::new()));
        let letters = posted.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let letters = letters.clone();
                tokio::spawn(async move {
                    let letter = receive(stream).await;
                    letters.lock().unwrap().extend(letter);
                });
            }
        });
        Self { url, posted }
    }

    /// Takes out the first letter of this type, waited for.
    pub(crate) async fn letter(&self, kind: &str) -> Value {
        let end = tokio::time::Instant::now() + Duration::from_mins(1);
        loop {
            {
                let mut posted = self.posted.lock().unwrap();
                if let Some(at) = posted.iter().position(|letter| letter["type"] == kind) {
                    return posted.remove(at);
                }
            }
            assert!(tokio::time::Instant::now() < end, "no `{kind}` was posted: {:?}", self.posted.lock().unwrap());
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.posted.lock().unwrap().is_empty()
    }
}

/// The JSON body of one request, which is answered.
async fn receive(mut stream: TcpStream) -> Option<Value> {
    let mut bytes = Vec::new();
    loop {
        let read = stream.read_buf(&mut bytes).await.ok()?;
        let text = String::from_utf8_lossy(&bytes);
        let body = text.split_once("\r\n\r\n").and_then(|(_, body)| serde_json::from_str(body).ok());
        if body.is_some() {
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok").await.ok()?;
            return body;
        }
        if read == 0 {
            return None;
        }
    }
}
