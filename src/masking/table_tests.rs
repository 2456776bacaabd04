use super::*;

fn rule(column: Option<usize>, test: Option<(usize, &str)>, transformer: Transformer) -> MaskRule {
    let test = test.map(|(column, glob)| Test { column, wants: Wants::Glob(WildMatch::new(glob)) });
    MaskRule { column, test, transformer, value: b"0".to_vec(), because: None, origin: Origin::Own }
}

fn chooser(rules: Vec<MaskRule>, switch: Option<usize>) -> Chooser {
    let mask = TableMask { key: Key::random(), rules, slots: vec![Slot::default(); 3], switch, switch_is_name: true };
    Chooser::new(Arc::new(mask))
}

fn look(chooser: &mut Chooser, row: [Option<&'static str>; 3]) -> Verdict {
    chooser.look(|column| row[column].map(|value| Cow::Borrowed(value.as_bytes())))
}

#[test]
fn the_first_rule_that_fits_holds() {
    let rules = || {
        vec![
            rule(Some(1), Some((2, "keep me")), Transformer::Keep),
            rule(None, Some((0, "session*")), Transformer::DropRows),
            rule(Some(1), Some((0, "email")), Transformer::Email),
            rule(None, Some((0, "quiet")), Transformer::Keep),
            rule(Some(1), None, Transformer::Set),
        ]
    };
    for switch in [Some(0), None] {
        let mut chooser = chooser(rules(), switch);
        for _ in 0..2 {
            assert_eq!(look(&mut chooser, [Some("sessions"), Some("x"), None]), Verdict::Dropped(1));
            assert_eq!(look(&mut chooser, [Some("email"), Some("x"), None]), Verdict::Changes);
            assert_eq!(chooser.rule(1), Some(2));
            assert_eq!(look(&mut chooser, [Some("email"), Some("x"), Some("keep me")]), Verdict::Changes);
            assert_eq!(chooser.rule(1), Some(0));
            assert_eq!(look(&mut chooser, [Some("quiet"), Some("x"), None]), Verdict::Stays);
            assert_eq!(look(&mut chooser, [None, Some("x"), None]), Verdict::Changes);
            assert_eq!((chooser.rule(0), chooser.rule(1)), (None, Some(4)));
            assert_eq!(chooser.new_value(4, Some(b"1")), New::Value(b"0".to_vec()));
            assert_eq!(chooser.new_value(4, Some(b"0")), New::Stays);
        }
    }
}

#[test]
fn more_keys_than_are_remembered_get_the_same_verdict() {
    let mut chooser = chooser(vec![rule(None, Some((0, "*7")), Transformer::DropRows)], Some(0));
    for i in 0..MOST_REMEMBERED + 50 {
        let key = i.to_string();
        let verdict = chooser.look(|_| Some(Cow::Owned(key.clone().into_bytes())));
        assert_eq!(verdict == Verdict::Dropped(0), key.ends_with('7'), "{key}");
    }
}
