//! Slack's incoming webhook: the event in words, of which Slack obeys none.

use serde_json::json;

use crate::notifying::event::Event;
use crate::notifying::words;

/// What is posted. Without `mrkdwn` nothing is formatted; with `&<>` escaped nothing is a link, a mention or `<!channel>`.
pub(super) fn body(event: &Event) -> String {
    let text = format!("{}\n{}", words::subject(event), words::text(event));
    let escaped = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    json!({ "text": escaped, "mrkdwn": false, "parse": "none", "link_names": false, "unfurl_links": false, "unfurl_media": false }).to_string()
}
