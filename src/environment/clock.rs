//! Railway's clock beside our own: what is deleted by its age must be old by both.

use anyhow::{Result, ensure};
use jiff::{SignedDuration, Timestamp};

use crate::error::{Exit, Failure, chain};
use crate::external::http;
use crate::running::context::Context;

/// How far the two may be apart.
const MOST: SignedDuration = SignedDuration::from_mins(5);

/// Refuses to take our clock for right when Railway's says otherwise, or cannot be asked.
///
/// # Errors
/// [`Exit::Outside`] when Railway's edge does not tell the time, [`Exit::Failed`] when the two clocks differ.
pub(crate) async fn ensure_right(ctx: &Context) -> Result<()> {
    let asked = async { http::time(&http::client()?, &ctx.railway.address()).await };
    let told = asked.await.map_err(|error| {
        Failure::outside(format!("Railway's edge does not tell what time it is: {}", chain(&error)))
            .hint("run it again; nothing is deleted by its age until it does")
    })?;
    ensure_near(Timestamp::now(), told)
}

fn ensure_near(ours: Timestamp, told: Timestamp) -> Result<()> {
    ensure!(
        ours.duration_since(told).abs() < MOST,
        Failure::new(Exit::Failed, format!("our clock says {ours:.0}, and Railway's {told}"))
            .hint("set this machine's clock: by it, copies would go at the wrong time")
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_minutes_are_too_much_to_either_side() {
        let at = |secs: i64| Timestamp::from_second(1_800_000_000 + secs).unwrap();
        for near in [-299, -1, 0, 1, 299] {
            ensure_near(at(near), at(0)).unwrap();
        }
        for far in [-86_400, -300, 300, 86_400] {
            let error = ensure_near(at(far), at(0)).unwrap_err();
            assert_eq!(Exit::of(&error), Exit::Failed);
        }
    }
}
