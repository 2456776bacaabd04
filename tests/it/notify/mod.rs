//! Telling somebody how an execution ended: what reaches whom, how often, and whom it never reaches.

mod letters;
mod mail_server;
mod private;
mod receiver;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;

use self::receiver::{Answer, Receiver};
use crate::stage::{Call, base64, binary, finish};

const KEY: &[u8] = b"canary-key-that-signs-what-is-told";

/// An end of a clone whose owner, and whatever else he could choose, is out for mischief.
fn ended(more: Value) -> Value {
    let copy = json!({
        "deed": "made", "project_id": "p", "environment_id": "e-1", "name": "one <!channel> & <@U1> =?utf-8?q?owned?=", "ancestors": [], "databases": [],
        "owner": "\u{202e}anna\r\nBcc: all@example.net\u{7}", "expires_at": "2026-12-01T00:00:00Z",
    });
    let took = json!({"seconds": 1.0, "railway_calls": 1, "railway_requests": 2});
    let account = json!({"written_at": "2026-11-26T10:00:00Z", "version": "0.1.0", "run_id": "r", "step": "check-health", "status": "ok", "took": took, "copies": [copy]});
    let copied = json!({"databases": 1, "tables": 3, "rows": 7, "bytes": 5_000_000, "masked": "full", "masked_values": 4, "dropped_rows": 2, "rewritten_values": 1});
    let mut request = json!({
        "flow_id": "clone-staging", "execution_id": "4Ey68hKo2ioFfTr0glovpu", "state": "SUCCESS",
        "started_at": "2026-11-26T10:00:00Z", "ended_at": "2026-11-26T10:01:00Z",
        "outputs": {
            "needs_person": false, "project_id": "p", "environment_name": "one\r\nSubject: owned", "url": "https://one.example.net",
            "error": "", "account": account, "copied": copied, "steps": [{"step": "validate", "seconds": 1.25}, {"step": "sync-db"}],
            "dns_records": ["not told"], "warned": {"of": "another version"},
        },
    });
    let Value::Object(more) = more else { panic!("{more} is no object") };
    request.as_object_mut().unwrap().extend(more);
    request
}

/// Tells of it with these secrets, under a policy that names these receivers.
async fn tell(request: &Value, private_receivers: &[String], secrets: &[(&str, &str)]) -> Call {
    let mut command = binary();
    command.arg("notify").envs([
        ("RAILSTAGE_OUTPUT", "kestra"),
        ("RAILSTAGE_REQUEST", &base64(&request.to_string())),
        ("RAILSTAGE_POLICY", &base64(&json!({"private_receivers": private_receivers}).to_string())),
    ]);
    command.envs(secrets.iter().copied());
    let call = finish(command).await;
    for (name, secret) in secrets {
        let quoted = secret.rsplit('/').next().unwrap_or(secret);
        assert!(
            quoted.len() < 8 || !format!("{}{}", call.stdout, call.stderr).contains(quoted),
            "{name} was printed: {}",
            call.stdout
        );
    }
    call
}

fn key() -> String {
    format!("whsec_{}", STANDARD.encode(KEY))
}

async fn told(receiver: &Receiver, request: &Value) -> Call {
    tell(request, &[receiver.host()], &[("RAILSTAGE_NOTIFY_URL", &receiver.url), ("RAILSTAGE_NOTIFY_KEY", &key())])
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn through_trouble_an_event_has_one_id_and_each_attempt_a_signature_of_its_own() {
    let troubled = Receiver::open([Answer::Status(500), Answer::Wait(429, 2), Answer::Cut]).await;
    let slow = Receiver::open([Answer::Never]).await;
    let request = ended(json!({}));
    let (call, late) = tokio::join!(told(&troubled, &request), told(&slow, &request));
    call.expect(0);
    late.expect(0);
    let tries = troubled.taken();
    let ids: Vec<_> = tries.iter().map(|one| one.header("webhook-id")).collect();
    let id = call.outputs()["event_id"].as_str().unwrap().to_owned();
    assert!(ids.len() == 4 && ids.iter().all(|one| *one == id), "{ids:?}");
    assert_eq!((slow.taken().len(), late.outputs()["event_id"].as_str()), (2, Some(&*id)));
    assert_eq!(call.outputs()["channels"], json!([{"channel": "webhook", "delivered": true, "attempts": 4}]));
    for one in &tries {
        let mut mac = Hmac::<Sha256>::new_from_slice(KEY).unwrap();
        mac.update(format!("{id}.{}.{}", one.header("webhook-timestamp"), one.body).as_bytes());
        assert_eq!(one.header("webhook-signature"), format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())));
    }
    assert!(tries[0].header("webhook-timestamp") < tries[3].header("webhook-timestamp"));

    // The same end told again, as a task that a lost worker had; another end is another event.
    told(&troubled, &request).await.expect(0);
    told(&troubled, &ended(json!({"ended_at": "2026-11-26T10:09:00Z"}))).await.expect(0);
    let ids: Vec<_> = troubled.taken().iter().skip(4).map(|one| one.header("webhook-id")).collect();
    assert!(ids[0] == id && ids[1] != id, "{ids:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_told_is_counts_times_and_names_and_no_output_that_is_not_asked_for() {
    let receiver = Receiver::open([]).await;
    told(&receiver, &ended(json!({}))).await.expect(0);
    let event: Value = serde_json::from_str(&receiver.taken()[0].body).unwrap();
    let data = &event["data"];
    assert_eq!((&event["type"], &event["timestamp"]), (&json!("railstage.account"), &json!("2026-11-26T10:01:00Z")));
    assert_eq!(data["steps"], json!([{"step": "validate", "seconds": 1.25}]));
    assert_eq!((&data["copied"]["rows"], &data["account"]["copies"][0]["deed"]), (&json!(7), &json!("made")));
    assert!(data["warned"] == json!([]) && !event.to_string().contains("not told"), "{event}");

    // Whatever it does not say, a person is asked for when it did not end well.
    for (state, outputs, kind) in [
        ("FAILED", json!({}), "railstage.needs_person"),
        ("KILLED", json!({"needs_person": "no"}), "railstage.needs_person"),
        ("FAILED", json!({"needs_person": false, "error": "x\u{1b}[2J".repeat(2_000)}), "railstage.failed"),
    ] {
        told(&receiver, &ended(json!({"state": state, "outputs": outputs}))).await.expect(0);
        let last = receiver.taken().pop().unwrap();
        let event: Value = serde_json::from_str(&last.body).unwrap();
        assert!(event["type"] == kind && last.body.len() < 20_000, "{state}: {event}");
    }

    // One that gave way to another of the same request has nothing to say.
    let before = receiver.taken().len();
    let gave_way = told(&receiver, &ended(json!({"outputs": {"status": "already_running"}}))).await;
    gave_way.expect(0);
    assert_eq!((gave_way.outputs()["channels"].clone(), receiver.taken().len()), (json!([]), before));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_and_a_redirect_are_the_last_word() {
    let elsewhere = Receiver::open([]).await;
    // Nor does anybody wait for longer than ten minutes.
    for answer in [
        Answer::Status(400),
        Answer::Status(410),
        Answer::Wait(503, 3_600),
        Answer::Redirect(302, elsewhere.url.clone()),
        Answer::Redirect(307, elsewhere.url.clone()),
    ] {
        let receiver = Receiver::open([answer]).await;
        let both = [receiver.host(), elsewhere.host()];
        let call = tell(&ended(json!({})), &both, &[("RAILSTAGE_SLACK_URL", &receiver.url)]).await;
        call.expect(4);
        assert_eq!((receiver.taken().len(), elsewhere.taken().len()), (1, 0), "{}", call.error());
        assert_eq!(call.outputs()["channels"], json!([{"channel": "slack", "delivered": false}]));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_channel_that_cannot_be_used_keeps_no_other_from_telling() {
    let receiver = Receiver::open([]).await;
    let nothing: [(&str, &str); 0] = [];
    let call = tell(&ended(json!({})), &[], &nothing).await;
    call.expect(2);
    assert!(call.error().contains("nobody to tell"), "{}", call.error());
    for (name, wrong, word) in [
        ("RAILSTAGE_SLACK_URL", "hooks.example.net/canary", "RAILSTAGE_SLACK_URL is no address"),
        ("RAILSTAGE_SLACK_URL", "file:///etc/passwd", "RAILSTAGE_SLACK_URL is no address"),
        ("RAILSTAGE_MAIL_URL", "smtps://mail.example.net/canary", "there is no RAILSTAGE_MAIL_FROM"),
        ("RAILSTAGE_MAIL_URL", "imap://mail.example.net/canary", "RAILSTAGE_MAIL_URL is no address"),
    ] {
        let secrets = [(name, wrong), ("RAILSTAGE_NOTIFY_URL", &receiver.url), ("RAILSTAGE_NOTIFY_KEY", &key())];
        let before = receiver.taken().len();
        let call = tell(&ended(json!({})), &[receiver.host()], &secrets).await;
        call.expect(2);
        assert!(call.error().contains(word), "{}", call.error());
        assert_eq!(receiver.taken().len(), before + 1, "{wrong}");
    }
    for (key, word) in [
        ("", "there is no RAILSTAGE_NOTIFY_KEY"),
        ("whsec_c2hvcnQ=", "RAILSTAGE_NOTIFY_KEY is no"),
        ("canary-key", "RAILSTAGE_NOTIFY_KEY is no"),
    ] {
        let secrets = [("RAILSTAGE_NOTIFY_URL", &*receiver.url), ("RAILSTAGE_NOTIFY_KEY", key)];
        let call = tell(&ended(json!({})), &[receiver.host()], &secrets).await;
        call.expect(2);
        assert!(call.error().contains(word), "{}", call.error());
    }
}
