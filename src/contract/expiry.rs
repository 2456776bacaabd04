//! When a copy ends: how far its end may be put off, and when somebody is warned of it.

use jiff::{SignedDuration, Timestamp};

use crate::contract::record::{Record, State};
use crate::contract::ttl::Ttl;

/// How long before its end somebody is warned, the longest first.
const MARKS: [Ttl; 3] = [Ttl::hours(48), Ttl::hours(24), Ttl::hours(1)];

impl Record {
    /// When it began to count as ready. Records of before that was written tell when the copy was made, which is earlier.
    pub(crate) fn ready_since(&self) -> Timestamp {
        self.ready_at.unwrap_or(self.created_at)
    }

    /// The latest end that a copy may be given.
    pub(crate) fn latest_end(&self, max_ttl: Ttl) -> Timestamp {
        max_ttl.after(self.ready_since())
    }

    /// The record of a copy that lives for `ttl` from `now` on, or for ever; nobody was warned of that end.
    pub(crate) fn living(self, ttl: Option<Ttl>, now: Timestamp) -> Self {
        let expires_at = ttl.map_or(self.expires_at, |ttl| ttl.after(now));
        Self { keep: ttl.is_none(), ttl: ttl.or(self.ttl), expires_at, warned: Vec::new(), ..self }
    }

    /// The mark that was passed last, if nobody was warned since: of a ready copy that will end, and lives longer than the mark. Into
    /// the record of one that is being refreshed nobody else writes.
    pub(crate) fn warning_due(&self, now: Timestamp) -> Option<Ttl> {
        if self.state != State::Ready || self.keep || self.is_over(now) || self.refresh_at(now).is_some() {
            return None;
        }
        let left = self.expires_at.duration_since(now);
        let lives = self.ttl.map_or(self.expires_at.duration_since(self.ready_since()), Ttl::signed);
        let mut passed = MARKS.into_iter().filter(|mark| mark.signed() < lives && left <= mark.signed());
        passed.next_back().filter(|mark| !self.warned.contains(mark))
    }

    /// The record once somebody was warned at this mark, and so of what was passed before it.
    pub(crate) fn warned_at(self, mark: Ttl) -> Self {
        let mut warned = self.warned.clone();
        warned.extend(MARKS.into_iter().filter(|earlier| *earlier >= mark && !self.warned.contains(earlier)));
        Self { warned, ..self }
    }
}

/// A length of time in the words that people use, to two units: `2 days 3 hours`.
pub(crate) fn told(left: SignedDuration) -> String {
    let secs = left.as_secs().max(0);
    let units = [(secs / 86_400, "day"), (secs / 3_600 % 24, "hour"), (secs / 60 % 60, "minute")];
    let some: Vec<_> = units
        .into_iter()
        .skip_while(|(count, _)| *count == 0)
        .take(2)
        .filter(|(count, _)| *count > 0)
        .map(|(count, unit)| format!("{count} {unit}{}", if count == 1 { "" } else { "s" }))
        .collect();
    if some.is_empty() { "less than a minute".to_owned() } else { some.join(" ") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::record::Refreshing;
    use crate::contract::record::tests::record;

    fn ready(ttl: Ttl) -> Record {
        let start = Timestamp::UNIX_EPOCH;
        let record = Record { state: State::Ready, ready_at: Some(start), ..record(start) };
        record.living(Some(ttl), start)
    }

    /// The marks at which a sweep warns that comes by every quarter of an hour.
    fn warnings(mut record: Record) -> Vec<(i64, String)> {
        let mut seen = Vec::new();
        for quarter in 0..4 * 24 * 30 {
            let now = Timestamp::UNIX_EPOCH + SignedDuration::from_mins(15 * quarter);
            if let Some(mark) = record.warning_due(now) {
                seen.push((record.expires_at.duration_since(now).as_mins(), mark.to_string()));
                record = record.warned_at(mark);
            }
        }
        seen
    }

    #[test]
    fn each_mark_that_is_shorter_than_the_life_warns_once() {
        let all = [(48 * 60, "P2D".to_owned()), (24 * 60, "P1D".to_owned()), (60, "PT1H".to_owned())];
        assert_eq!(warnings(ready(Ttl::days(7))), all);
        assert_eq!(warnings(ready(Ttl::days(2))), all[1..]);
        assert_eq!(warnings(ready(Ttl::hours(2))), all[2..]);
        assert_eq!(warnings(ready(Ttl::hours(1))), []);
        assert_eq!(warnings(ready(Ttl::days(7)).living(None, Timestamp::UNIX_EPOCH)), []);
        assert_eq!(warnings(Record { state: State::Failed, ..ready(Ttl::days(7)) }), []);
    }

    #[test]
    fn a_sweep_that_comes_late_warns_once_for_all_that_it_missed() {
        let record = ready(Ttl::days(7));
        let late = record.expires_at - SignedDuration::from_hours(5);
        assert_eq!(record.warning_due(late), Some(Ttl::hours(24)));
        let warned = record.warned_at(Ttl::hours(24));
        assert_eq!(warned.warned, [Ttl::hours(48), Ttl::hours(24)]);
        assert_eq!(warned.warning_due(late), None);
        // An end that was put off is another end.
        let later = warned.living(Some(Ttl::days(3)), late);
        assert_eq!(later.warning_due(later.expires_at - SignedDuration::from_hours(47)), Some(Ttl::hours(48)));
    }

    #[test]
    fn a_copy_that_is_refreshed_is_warned_of_when_that_is_over() {
        let record = ready(Ttl::days(7));
        let at = |hours: i64| record.expires_at - SignedDuration::from_hours(hours);
        let refreshing = Refreshing { run: "run".into(), give_up_at: at(40) };
        let record = Record { refreshing: Some(refreshing), ..record.clone() };
        assert_eq!(record.warning_due(at(47)), None);
        assert_eq!(record.warning_due(at(40)), Some(Ttl::hours(48)));
    }

    #[test]
    fn a_record_that_does_not_say_how_long_it_was_to_live_tells_by_its_times() {
        let old = Record { ttl: None, ready_at: None, ..ready(Ttl::hours(30)) };
        assert_eq!(warnings(old).len(), 2);
    }

    #[test]
    fn lengths_of_time_are_told_in_two_units() {
        let told = |secs: i64| told(SignedDuration::from_secs(secs));
        let all = [
            (0, "less than a minute"),
            (60, "1 minute"),
            (3_600, "1 hour"),
            (93_780, "1 day 2 hours"),
            (86_460, "1 day"),
        ];
        for (secs, words) in all {
            assert_eq!(told(secs), words);
        }
    }
}
