use wildmatch::WildMatch;

use super::*;
use crate::masking::table::Expected;

fn rule(column: Option<usize>, condition: Option<(usize, &str)>, transformer: Transformer) -> TableRule {
    let condition =
        condition.map(|(column, glob)| Condition { column, expected: Expected::Glob(WildMatch::new(glob)) });
    TableRule::of_test(column, condition, transformer)
}

fn masker(rules: Vec<TableRule>, key_column: Option<usize>) -> RowMasker {
    RowMasker::new(Arc::new(TableMask::of_test(rules, 3, key_column)))
}

fn decide(masker: &mut RowMasker, row: [Option<&'static str>; 3]) -> RowDecision {
    masker.decide(|column| row[column].map(|value| Cow::Borrowed(value.as_bytes())))
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
    for key_column in [Some(0), None] {
        let mut masker = masker(rules(), key_column);
        for _ in 0..2 {
            assert_eq!(decide(&mut masker, [Some("sessions"), Some("x"), None]), RowDecision::Dropped(1));
            assert_eq!(decide(&mut masker, [Some("email"), Some("x"), None]), RowDecision::Masked);
            assert_eq!(masker.rule(1), Some(2));
            assert_eq!(decide(&mut masker, [Some("email"), Some("x"), Some("keep me")]), RowDecision::Masked);
            assert_eq!(masker.rule(1), Some(0));
            assert_eq!(decide(&mut masker, [Some("quiet"), Some("x"), None]), RowDecision::Unchanged);
            assert_eq!(decide(&mut masker, [None, Some("x"), None]), RowDecision::Masked);
            assert_eq!((masker.rule(0), masker.rule(1)), (None, Some(4)));
            assert_eq!(masker.new_value(4, Some(b"1")), NewValue::Value(b"set".to_vec()));
            assert_eq!(masker.new_value(4, Some(b"set")), NewValue::Unchanged);
        }
    }
}

#[test]
fn more_keys_than_are_remembered_get_the_same_verdict() {
    let mut masker = masker(vec![rule(None, Some((0, "*7")), Transformer::DropRows)], Some(0));
    for i in 0..MOST_REMEMBERED + 50 {
        let key = i.to_string();
        let decision = masker.decide(|_| Some(Cow::Owned(key.clone().into_bytes())));
        assert_eq!(decision == RowDecision::Dropped(0), key.ends_with('7'), "{key}");
    }
}
