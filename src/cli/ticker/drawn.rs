//! An event in words: one line that fits a terminal of 80 columns, or a sentence for a log.

use unicode_width::UnicodeWidthChar as _;

use crate::copying::event::Event;
use crate::error::counted;
use crate::inert::one_line;

/// What is left of 80 columns beside the spinner.
const WIDTH: usize = 77;
/// The longest name that is drawn whole.
const NAME: usize = 16;
const BAR: u64 = 10;

/// What is drawn of an event.
pub(super) fn line(now: &Event) -> String {
    let mut parts = vec![now.step.clone()];
    parts.extend(now.service.iter().map(|service| cut(&one_line(service), NAME)));
    match now.percent() {
        Some(percent) => {
            let full = usize::try_from(percent * BAR / 100).unwrap_or_default();
            let empty = usize::try_from(BAR).unwrap_or_default() - full;
            // A bar and a count of files have no room beside each other.
            parts.push(match now.files {
                Some(files) => format!("{percent} %  {}", counted(files, "file", "files")),
                None => format!("[{}{}] {percent} %", "#".repeat(full), "-".repeat(empty)),
            });
            parts.push(format!("{} of {} MB", megabytes(now.bytes), megabytes(now.total)));
            parts.extend(now.rate.map(|rate| format!("{} MB/s", megabytes(Some(rate)))));
            parts.extend(now.seconds_left().map(|left| format!("{} left", time(left))));
        }
        None => {
            parts.extend(now.phase.clone());
            parts.extend((!now.at.is_empty()).then(|| one_line(&now.at.join(", "))));
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "no step takes that long")]
            parts.push(time(now.seconds as u64));
        }
    }
    cut(&parts.join("  "), WIDTH)
}

/// What a log says of an event.
pub(super) fn sentence(now: &Event) -> String {
    let of = now.service.as_ref().map(|service| format!("{service}: ")).unwrap_or_default();
    let phase = now.phase.as_deref().unwrap_or_default();
    let at = if now.at.is_empty() { String::new() } else { format!(": {}", now.at.join(", ")) };
    let Some(percent) = now.percent() else { return one_line(&format!("{of}{phase}{at}")) };
    let rate = now.rate.map(|rate| format!(", {} MB/s", megabytes(Some(rate)))).unwrap_or_default();
    let left = now.seconds_left().map(|left| format!(", {} left", time(left))).unwrap_or_default();
    let (bytes, total) = (megabytes(now.bytes), megabytes(now.total));
    let files = now.files.zip(now.total_files).map(|(files, all)| format!("{files} of {all}, ")).unwrap_or_default();
    one_line(&format!("{of}{phase} {files}{bytes} of {total} MB ({percent} %){rate}{left}{at}"))
}

fn megabytes(bytes: Option<u64>) -> String {
    format!("{:.1}", bytes.unwrap_or_default() as f64 / 1e6)
}

fn time(secs: u64) -> String {
    match (secs / 3600, secs / 60 % 60, secs % 60) {
        (0, 0, secs) => format!("{secs} s"),
        (0, minutes, secs) => format!("{minutes} min {secs} s"),
        (hours, minutes, _) => format!("{hours} h {minutes} min"),
    }
}

/// A text that takes no more columns than these.
fn cut(text: &str, columns: usize) -> String {
    let width = |c: char| c.width().unwrap_or_default();
    if text.chars().map(width).sum::<usize>() <= columns {
        return text.to_owned();
    }
    let mut taken = 1;
    let fits = |c: &char| {
        taken += width(*c);
        taken <= columns
    };
    text.chars().take_while(fits).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use unicode_width::UnicodeWidthStr as _;

    use super::*;

    fn rows(bytes: u64, total: u64, rate: Option<u64>) -> Event {
        let (service, phase) = (Some("Postgres".to_owned()), Some("data".to_owned()));
        Event {
            step: "sync-db".into(),
            service,
            phase,
            bytes: Some(bytes),
            total: Some(total),
            rate,
            ..Event::default()
        }
    }

    #[test]
    fn what_is_drawn_fits_80_columns_whatever_it_is_called_and_however_much_it_is() {
        let name = "An Uncommonly Long Name of a Service 北京 \u{1b}[31m";
        let most = Event { service: Some(name.into()), ..rows(9_999_999_000_000, u64::MAX / 200, Some(123_456)) };
        let tables = vec![name.to_owned(); 5];
        for event in [most, Event { at: tables, phase: Some("indexes".into()), ..Event::default() }] {
            let line = line(&event);
            assert!(line.width() <= WIDTH && !line.contains('\u{1b}'), "{line}");
        }
    }

    #[test]
    fn nothing_is_foretold_of_what_has_hardly_begun_and_only_rows_have_a_percentage() {
        assert_eq!(line(&rows(0, 37_000_000, None)), "sync-db  Postgres  [----------] 0 %  0.0 of 37.0 MB");
        let quarter = rows(9_250_000, 37_000_000, Some(925_000));
        assert_eq!(line(&quarter), "sync-db  Postgres  [##--------] 25 %  9.2 of 37.0 MB  0.9 MB/s  30 s left");
        assert_eq!(sentence(&quarter), "Postgres: data 9.2 of 37.0 MB (25 %), 0.9 MB/s, 30 s left");
        let of_files = |files| Event {
            files: Some(files),
            total_files: Some(20_000),
            phase: Some("files".into()),
            ..quarter.clone()
        };
        assert_eq!(line(&of_files(5000)), "sync-db  Postgres  25 %  5000 files  9.2 of 37.0 MB  0.9 MB/s  30 s left");
        assert_eq!(sentence(&of_files(1)), "Postgres: files 1 of 20000, 9.2 of 37.0 MB (25 %), 0.9 MB/s, 30 s left");
        let swap = Event { bytes: None, phase: Some("swap".into()), seconds: 61.5, ..quarter };
        assert_eq!(line(&swap), "sync-db  Postgres  swap  1 min 1 s");
        assert_eq!(sentence(&swap), "Postgres: swap");
    }
}
