//! Whether a server that does not answer is at work on what it was asked.

use tokio_postgres::types::Type;

use super::answer_timeout::Probe;
use super::connect::Session;
use super::endpoint::Endpoint;
use super::settings::Purpose;

/// Asks over a session of its own, since the line of the one that is asked about may be what is dead. That session does
/// not ask in turn, but the compiler cannot know, and needs a box for it.
pub(super) fn probe(endpoint: &Endpoint, purpose: Purpose) -> Probe {
    let asks_as = if purpose == Purpose::Read { Purpose::Read } else { Purpose::Administer };
    let endpoint = endpoint.clone();
    Box::new(move |pid| Box::pin(is_active(endpoint.clone(), asks_as, pid)))
}

/// One that waits for us to take what it says, or to say more, does nothing.
async fn is_active(endpoint: Endpoint, purpose: Purpose, pid: i32) -> bool {
    let asking = async {
        let session = Session::open(&endpoint, purpose).await?;
        let sql = "SELECT EXISTS (SELECT FROM pg_catalog.pg_stat_activity WHERE pid = $1 AND state = 'active' AND wait_event_type IS DISTINCT FROM 'Client')";
        let is_active = session.row(sql, &[(&pid, Type::INT4)]).await?.get(0);
        session.close().await;
        anyhow::Ok(is_active)
    };
    asking.await.unwrap_or(false)
}
