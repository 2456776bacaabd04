//! A panic in work as an error of it, so that it is told and taken back like any other.

use std::any::Any;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::Poll;

use anyhow::Result;

use super::{Exit, Failure};
use crate::inert::one_line;

/// Does work to its end.
///
/// # Errors
/// [`Exit::Failed`] with the words of a panic.
pub(crate) async fn caught<T>(work: impl Future<Output = T>) -> Result<T> {
    let mut work = pin!(work);
    poll_fn(|cx| match catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(cx))) {
        Ok(polled) => polled.map(Ok),
        Err(payload) => Poll::Ready(Err(told(&*payload))),
    })
    .await
}

fn told(payload: &(dyn Any + Send)) -> anyhow::Error {
    let hint = "this is a defect of railstage: please report it with the lines of its log";
    Failure::new(Exit::Failed, format!("it panicked: {}", one_line(words_of(payload)))).hint(hint).into()
}

/// What a panic said.
pub(crate) fn words_of(payload: &dyn Any) -> &str {
    payload
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no words")
}
