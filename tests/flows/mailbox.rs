//! A webhook of somebody's, which takes what it is sent.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// Its address, and what was posted there.
pub(crate) struct Mailbox {
    pub url: String,
    room: Arc<Mutex<Room>>,
}

/// What was taken, each with its id, and what was tried.
#[derive(Default)]
struct Room {
    posted: Vec<Value>,
    tried: Vec<String>,
    /// Statuses of the next answers, in the place of 200.
    answers: VecDeque<u16>,
}

impl Mailbox {
    pub(crate) async fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook?canary-token", listener.local_addr().unwrap());
        let room = Arc::new(Mutex::new(Room::default()));
        let inner = room.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(receive(stream, inner.clone()));
            }
        });
        Self { url, room }
    }

    /// Answers the next letters so, and takes none of them.
    pub(crate) fn refuse(&self, statuses: &[u16]) {
        self.room.lock().unwrap().answers.extend(statuses);
    }

    /// The ids of all letters that were brought, taken or not.
    pub(crate) fn tried(&self) -> Vec<String> {
        self.room.lock().unwrap().tried.clone()
    }

    /// Takes out the first letter of this type, waited for.
    pub(crate) async fn letter(&self, kind: &str) -> Value {
        let end = tokio::time::Instant::now() + Duration::from_mins(1);
        loop {
            {
                let posted = &mut self.room.lock().unwrap().posted;
                if let Some(at) = posted.iter().position(|letter| letter["type"] == kind) {
                    return posted.remove(at);
                }
            }
            assert!(
                tokio::time::Instant::now() < end,
                "no `{kind}` was posted: {:?}",
                self.room.lock().unwrap().posted
            );
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.room.lock().unwrap().posted.is_empty()
    }
}

/// Takes the JSON body of one request, or refuses it as ordered.
async fn receive(mut stream: TcpStream, room: Arc<Mutex<Room>>) -> Option<()> {
    let mut bytes = Vec::new();
    loop {
        let read = stream.read_buf(&mut bytes).await.ok()?;
        let text = String::from_utf8_lossy(&bytes);
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or_default();
        if let Ok(mut letter) = serde_json::from_str::<Value>(body) {
            let id = head.lines().find_map(|line| line.strip_prefix("webhook-id: ")).unwrap_or_default();
            letter["id"] = id.into();
            let status = {
                let mut room = room.lock().unwrap();
                room.tried.push(id.to_owned());
                let status = room.answers.pop_front().unwrap_or(200);
                if status == 200 {
                    room.posted.push(letter);
                }
                status
            };
            let answer = format!("HTTP/1.1 {status} X\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok");
            return stream.write_all(answer.as_bytes()).await.ok();
        }
        if read == 0 {
            return None;
        }
    }
}
