//! Questions that are asked now and then while something else is under way.

use std::pin::pin;
use std::time::Duration;

use anyhow::Result;

/// What is asked of a session again and again.
pub(crate) trait Question: Send {
    /// How long it is until it is asked the next time.
    fn pause(&self) -> Duration;

    /// Asks; an error is a reason to give up whatever is under way.
    fn ask(&mut self) -> impl Future<Output = Result<()>> + Send;
}

/// Does something, and asks meanwhile, until the work is done or an answer is a reason to give it up. A question is never left in its
/// middle when the work is done: its answer would be taken for that to the next one.
pub(crate) async fn meanwhile<T>(work: impl Future<Output = Result<T>>, mut question: impl Question) -> Result<T> {
    let mut work = pin!(work);
    loop {
        tokio::select! {
            done = &mut work => return done,
            () = tokio::time::sleep(question.pause()) => {}
        }
        let mut asking = pin!(question.ask());
        tokio::select! {
            asked = &mut asking => asked?,
            done = &mut work => {
                // After a failure nobody asks this session anything more, and somebody may wait for us to end.
                if done.is_ok() {
                    let _ = asking.await;
                }
                return done;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHORT: Duration = Duration::from_millis(20);

    /// A question whose answer takes its time, or none; how often it was asked and answered.
    struct Slow<'a> {
        takes: Option<Duration>,
        asked: &'a mut u32,
        answered: &'a mut u32,
    }

    impl Question for Slow<'_> {
        fn pause(&self) -> Duration {
            SHORT
        }

        async fn ask(&mut self) -> Result<()> {
            *self.asked += 1;
            match self.takes {
                Some(takes) => tokio::time::sleep(takes).await,
                None => anyhow::bail!("lost"),
            }
            *self.answered += 1;
            Ok(())
        }
    }

    async fn run(work: impl Future<Output = Result<u8>>, takes: Option<Duration>) -> (Result<u8>, u32, u32) {
        let (mut asked, mut answered) = (0, 0);
        let done = meanwhile(work, Slow { takes, asked: &mut asked, answered: &mut answered }).await;
        (done, asked, answered)
    }

    #[tokio::test]
    async fn a_question_under_way_is_answered_before_the_work_counts_as_done() {
        let work = async {
            tokio::time::sleep(SHORT * 4).await;
            Ok(5)
        };
        let (done, asked, answered) = run(work, Some(SHORT * 10)).await;
        assert_eq!((done.unwrap(), asked, answered), (5, 1, 1));
    }

    #[tokio::test]
    async fn an_answer_ends_the_work_and_a_failure_waits_for_none() {
        let (gave_up, ..) = run(std::future::pending(), None).await;
        assert_eq!(gave_up.unwrap_err().to_string(), "lost");
        let failing = async {
            tokio::time::sleep(SHORT * 3).await;
            anyhow::bail!("failed")
        };
        let (failed, asked, answered) = run(failing, Some(Duration::from_hours(1))).await;
        assert_eq!((failed.unwrap_err().to_string(), asked, answered), ("failed".to_owned(), 1, 0));
    }
}
