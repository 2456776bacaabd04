use jiff::SignedDuration;

use super::*;
use crate::contract::record::tests::record;

const START: Timestamp = Timestamp::UNIX_EPOCH;

fn keys(current: Option<&str>, old: Option<&str>) -> RecordKeys {
    let (current, old) = (current.map(Secret::new), old.map(Secret::new));
    RecordKeys::new(current.as_ref(), old.as_ref()).unwrap()
}

fn first() -> RecordKeys {
    keys(Some("the first key of all"), None)
}

/// Reads a value where it belongs, changed by `change`.
fn read(keys: &RecordKeys, value: &str, change: impl FnOnce(&mut Record, &mut Option<EnvironmentId>)) -> Reading {
    let (mut at, mut source) = (record(START), Some(EnvironmentId::from("env-0")));
    change(&mut at, &mut source);
    let place = Place {
        project_id: &at.project_id,
        environment_id: &at.environment_id,
        created_at: at.environment_created_at,
        source_id: source.as_ref(),
    };
    keys.read(Some(value), &place)
}

fn why(reading: &Reading) -> Unreadable {
    let Reading::Unreadable(why) = reading else { panic!("{reading:?}") };
    *why
}

#[test]
fn what_one_key_signs_is_read_with_it_alone_or_as_the_old_one() {
    let value = first().value(&record(START));
    let whole = Reading::Signed(Box::new(record(START)));
    assert_eq!(read(&first(), &value, |_, _| ()), whole);
    let rotated = keys(Some("the second key of all"), Some("the first key of all"));
    assert_eq!(read(&rotated, &value, |_, _| ()), whole);
    assert_eq!(why(&read(&keys(Some("the second key of all"), None), &value, |_, _| ())), Unreadable::WronglySigned);
    assert_eq!(why(&read(&keys(None, None), &value, |_, _| ())), Unreadable::NoKey);
    // The old key signs nothing any more.
    assert_eq!(why(&read(&first(), &rotated.value(&record(START)), |_, _| ())), Unreadable::WronglySigned);
    assert!(RecordKeys::new(None, Some(&Secret::new("the first key of all"))).is_err());
    assert!(RecordKeys::new(Some(&Secret::new("too short")), None).is_err());
}

#[test]
fn a_record_counts_only_where_railway_says_the_same() {
    let value = first().value(&record(START));
    assert_eq!(read(&first(), &value, |at, _| at.environment_id = EnvironmentId::from("env-2")), Reading::Absent);
    let later = START + SignedDuration::from_millis(1);
    let contradicted = Unreadable::Contradicted;
    assert_eq!(why(&read(&first(), &value, |at, _| at.environment_created_at = later)), contradicted);
    assert_eq!(why(&read(&first(), &value, |at, _| at.project_id = ProjectId::from("project-2"))), contradicted);
    let other = |_: &mut Record, source: &mut Option<EnvironmentId>| *source = Some(EnvironmentId::from("env-3"));
    assert_eq!(why(&read(&first(), &value, other)), contradicted);
}

#[test]
fn a_changed_byte_an_unknown_version_and_a_missing_signature_are_told_apart() {
    let value = first().value(&record(START));
    for at in 0..value.len() {
        let mut bytes = value.clone().into_bytes();
        bytes[at] ^= 1;
        let Ok(changed) = String::from_utf8(bytes) else { continue };
        let reading = read(&first(), &changed, |_, _| ());
        assert!(!matches!(reading, Reading::Signed(_)), "byte {at}: {changed}");
    }
    let (unsigned, _) = value.rsplit_once('.').unwrap();
    assert!(matches!(read(&first(), unsigned, |_, _| ()), Reading::Unsigned(_)));
    assert_eq!(why(&read(&first(), &value.replacen('2', "3", 1), |_, _| ())), Unreadable::LaterVersion);
    for damaged in ["", "2", "2.", "2..", "2.!.", "1.e30=", "hello", "{", "{}", r#"{"version": 0}"#] {
        assert_eq!(why(&read(&first(), damaged, |_, _| ())), Unreadable::Damaged, "{damaged}");
    }
    let mut old = serde_json::to_value(record(START)).unwrap();
    old["version"] = 1.into();
    assert!(matches!(read(&first(), &old.to_string(), |_, _| ()), Reading::Unsigned(_)));
    old["version"] = 7.into();
    assert_eq!(why(&read(&first(), &old.to_string(), |_, _| ())), Unreadable::LaterVersion);
}
