//! What a line carries, found out at its beginning: one that is slow is worth the work of compressing what goes over it.

use std::time::{Duration, Instant};

use super::connect::Session;
use super::fault::Fault;

/// So much is sent to find it out.
const SENT_BYTES: usize = 512 << 10;
/// A line is slow on which that takes longer: it carries less than some 25 MB/s, or leads far away. On a faster one whoever
/// compresses would be waited for: zlib, as servers use it, manages some tens of MB/s, and takes a whole processor for them.
const FAST_WITHIN: Duration = Duration::from_millis(20);
/// The fastest of so many tries counts: a server may be at something else.
const TRIES: usize = 3;
/// One that takes so long says enough.
const SLOW_FROM: Duration = Duration::from_millis(80);

impl Session {
    /// Whether the line is slow on which the server's answers come, and with `both_ways` the one to the server, too.
    pub(crate) async fn has_slow_line(&mut self, both_ways: bool) -> Result<bool, Fault> {
        let there_and_back = format!("SELECT @@max_allowed_packet > {}", 2 * SENT_BYTES);
        if !self.is_fast(&there_and_back).await? {
            return Ok(true);
        }
        // What is too long for a server ends the session.
        let takes_it = self.rows(&there_and_back).await?.first().is_some_and(|row| row.flag(0));
        let mut tried = Vec::new();
        if takes_it {
            tried.push(format!("SELECT REPEAT('x', {SENT_BYTES})"));
            tried.extend(both_ways.then(|| format!("SELECT LENGTH('{}')", "x".repeat(SENT_BYTES))));
        }
        for sql in tried {
            if !self.is_fast(&sql).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn is_fast(&mut self, sql: &str) -> Result<bool, Fault> {
        let mut tries = Vec::new();
        loop {
            let began = Instant::now();
            self.rows(sql).await?;
            tries.push(began.elapsed());
            if let Some(verdict) = verdict(&tries) {
                return Ok(verdict);
            }
        }
    }
}

/// Whether a line is fast on which that took so long, as soon as it can be told.
fn verdict(tries: &[Duration]) -> Option<bool> {
    match tries.last()? {
        last if *last <= FAST_WITHIN => Some(true),
        last if *last >= SLOW_FROM || tries.len() == TRIES => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::lying_server_tests::{Played, endpoint, session_with};
    use super::super::settings::Purpose;
    use super::*;

    #[test]
    fn a_line_is_slow_on_which_none_of_three_tries_is_fast() {
        for (ms, is_fast) in [
            (&[5][..], Some(true)),
            // The server was at something else.
            (&[30], None),
            (&[30, 50], None),
            (&[30, 50, 5], Some(true)),
            // 512 KiB at 100 Mbit/s.
            (&[42, 42, 42], Some(false)),
            (&[100], Some(false)),
            (&[30, 4000], Some(false)),
        ] {
            let tries: Vec<_> = ms.iter().map(|ms| Duration::from_millis(*ms)).collect();
            assert_eq!(verdict(&tries), is_fast, "{ms:?}");
        }
    }

    /// Answers each statement with a number; what was asked.
    async fn answers(mut played: Played, number: &'static [u8]) -> Vec<Vec<u8>> {
        let column = b"\x03def\x00\x00\x00\x01a\x00\x0c\x2d\x00\x10\x00\x00\x00\xfd\x00\x00\x00\x00\x00";
        let mut asked = Vec::new();
        while let Some(statement) = played.hear().await {
            asked.push(statement);
            for packet in [b"\x01", &column[..], b"\xfe\x00\x00\x02\x00", number, b"\xfe\x00\x00\x02\x00"] {
                played.say(packet).await;
            }
        }
        asked
    }

    #[tokio::test]
    async fn only_a_target_is_sent_so_much_and_only_one_that_takes_it() {
        for (both_ways, number) in [(false, &b"\x011"[..]), (true, b"\x010"), (false, b"\x010")] {
            let (tell, told) = tokio::sync::oneshot::channel();
            let mut session = session_with(endpoint(), Purpose::Read, async move |played| {
                tell.send(answers(played, number).await).unwrap();
            })
            .await;
            session.has_slow_line(both_ways).await.unwrap();
            drop(session);
            let asked = told.await.unwrap();
            assert!(!asked.is_empty() && asked.iter().all(|statement| statement.len() < 100));
        }
    }
}
