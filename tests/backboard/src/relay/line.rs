//! The way between a client and the relay, with what may be wrong with it: slow, far away, cut.

use std::future::Future;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

/// How much is read at once.
const CHUNK: usize = 64 << 10;

/// How many chunks may be under way, so that a long way costs no rate.
const UNDER_WAY: usize = 128;

/// How a line behaves just now.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Habits {
    /// How long a byte is under way, each way.
    pub(super) one_way: Duration,
    /// In each direction.
    pub(super) bytes_per_sec: Option<u64>,
    /// How many bytes still pass, in both directions together, before the line is cut.
    pub(super) cut_after: Option<u64>,
}

/// What is done when a line is cut.
type Deed = Box<dyn FnOnce() + Send>;

/// One connection; it lives until either side closes it or it is cut.
#[derive(Clone)]
pub(super) struct Line {
    habits: Arc<Mutex<Habits>>,
    at_cut: Arc<Mutex<Option<Deed>>>,
    ended: watch::Sender<bool>,
}

impl Line {
    /// Puts a line before a client; gives the relay's end of it.
    pub(super) fn of(client: TcpStream, one_way: Duration) -> (Line, DuplexStream) {
        client.set_nodelay(true).ok();
        let habits = Habits { one_way, ..Habits::default() };
        let line =
            Line { habits: Arc::new(Mutex::new(habits)), at_cut: Arc::default(), ended: watch::Sender::new(false) };
        let (near, far) = tokio::io::duplex(4 * CHUNK);
        let (from_client, to_client) = client.into_split();
        let (from_relay, to_relay) = tokio::io::split(near);
        line.spawn(from_client, to_relay, false);
        line.spawn(from_relay, to_client, true);
        (line, far)
    }

    pub(super) fn change(&self, change: impl FnOnce(&mut Habits)) {
        change(&mut self.habits.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Has it cut after so many bytes, and something done then.
    pub(super) fn cut_after(&self, bytes: u64, then: impl FnOnce() + Send + 'static) {
        *self.at_cut.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(then));
        self.change(|habits| habits.cut_after = Some(bytes));
    }

    pub(super) fn has_ended(&self) -> bool {
        *self.ended.borrow()
    }

    /// Ends it without a word.
    pub(super) fn cut(&self) {
        self.ended.send_replace(true);
    }

    /// Waits until it has ended.
    pub(super) fn ended(&self) -> impl Future<Output = ()> + Send + 'static {
        let mut ended = self.ended.subscribe();
        async move {
            ended.wait_for(|ended| *ended).await.ok();
        }
    }

    /// Hands on in one direction; the line is over when all that the relay has said has arrived.
    fn spawn<R, W>(&self, from: R, to: W, is_from_relay: bool)
    where
        R: AsyncRead + Send + Unpin + 'static,
        W: AsyncWrite + Send + Unpin + 'static,
    {
        let (sender, receiver) = mpsc::channel(UNDER_WAY);
        let (line, ended) = (self.clone(), self.ended());
        tokio::spawn(async move {
            tokio::select! {
                _ = line.depart(from, sender) => {}
                () = ended => {}
            }
        });
        let (line, ended) = (self.clone(), self.ended());
        tokio::spawn(async move {
            tokio::select! {
                arrived = arrive(receiver, to) => if is_from_relay || arrived.is_err() { line.cut() },
                () = ended => {}
            }
        });
    }

    /// Takes what comes in; every chunk with the time at which it is due at the other end.
    async fn depart<R: AsyncRead + Unpin>(&self, mut from: R, to: mpsc::Sender<(Instant, Vec<u8>)>) -> io::Result<()> {
        let mut buffer = vec![0; CHUNK];
        loop {
            let read = from.read(&mut buffer).await?;
            if read == 0 {
                return Ok(());
            }
            let (passes, habits) = self.pass(read);
            if let Some(rate) = habits.bytes_per_sec {
                tokio::time::sleep(Duration::from_secs_f64(passes as f64 / rate.max(1) as f64)).await;
            }
            let due = Instant::now() + habits.one_way;
            if to.send((due, buffer[..passes].to_vec())).await.is_err() {
                return Ok(());
            }
            if habits.cut_after == Some(0) {
                // What has passed arrives still.
                tokio::time::sleep(habits.one_way + Duration::from_millis(5)).await;
                let then = self.at_cut.lock().unwrap_or_else(PoisonError::into_inner).take();
                if let Some(then) = then {
                    then();
                }
                self.cut();
                return Ok(());
            }
        }
    }

    /// How many of so many bytes pass, and the habits after that.
    fn pass(&self, bytes: usize) -> (usize, Habits) {
        let mut habits = self.habits.lock().unwrap_or_else(PoisonError::into_inner);
        let left = habits.cut_after.map_or(bytes, |left| usize::try_from(left).unwrap_or(usize::MAX));
        let passes = bytes.min(left);
        habits.cut_after = habits.cut_after.map(|left| left - passes as u64);
        (passes, *habits)
    }
}

/// Hands on what is due.
async fn arrive<W: AsyncWrite + Unpin>(mut from: mpsc::Receiver<(Instant, Vec<u8>)>, mut to: W) -> io::Result<()> {
    while let Some((due, bytes)) = from.recv().await {
        tokio::time::sleep_until(due).await;
        to.write_all(&bytes).await?;
        to.flush().await?;
    }
    to.shutdown().await
}
