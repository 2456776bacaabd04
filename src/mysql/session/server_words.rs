//! A server's words about an error, without what they may quote of rows.

/// Errors whose messages name objects, rights, settings and logins, and never a value of a row.
const NAMES_OBJECTS: &[u16] = &[
    1005, 1007, 1008, 1010, 1025, 1044, 1045, 1049, 1050, 1051, 1054, 1060, 1061, 1068, 1069, 1070, 1071, 1072, 1075,
    1091, 1100, 1109, 1114, 1115, 1118, 1129, 1130, 1142, 1143, 1146, 1148, 1153, 1193, 1205, 1213, 1215, 1227, 1231,
    1238, 1252, 1273, 1286, 1290, 1304, 1305, 1347, 1356, 1359, 1360, 1370, 1412, 1419, 1435, 1449, 1450, 1524, 1698,
    1792, 1822, 1824, 1826, 1836, 1944, 1981, 3100, 3159, 3730, 3780, 3948, 4031,
];

/// What a SIGNAL in code of the database raises, in whatever words its author likes.
const RAISED: u16 = 1644;

/// What quotes open and end with.
const QUOTES: &[char] = &['\'', '"', '«', '»', '“', '”', '„', '‘', '’'];

/// The message as it may be told. Any other number's is told without what stands in quotes, from the first to the last, since a
/// value may hold quotes itself, and without numbers.
pub(super) fn told(number: u16, message: &str) -> String {
    let line: String = message.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    if NAMES_OBJECTS.contains(&number) {
        return line;
    }
    if number == RAISED {
        return "code of the database has raised an error".to_owned();
    }
    without_numbers(&without_quoted(&line))
}

fn without_quoted(message: &str) -> String {
    let Some((at, quote)) = message.char_indices().find(|(_, c)| QUOTES.contains(c)) else { return message.to_owned() };
    let last = message.char_indices().rfind(|(_, c)| QUOTES.contains(c));
    let rest = last.filter(|(end, _)| *end > at).map_or("", |(end, _)| &message[end..]);
    format!("{}{quote}…{rest}", &message[..at])
}

fn without_numbers(message: &str) -> String {
    let is_number =
        |word: &str| word.trim_start_matches(['(', '[', '-', '+', '.']).starts_with(|c: char| c.is_numeric());
    message.split(' ').map(|word| if is_number(word) { "…" } else { word }).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_not_told() {
        for (number, message) in [
            (1062, "Duplicate entry 'canary' for key 't.PRIMARY'"),
            (1062, "Duplicate entry 'it's canary' for key 'PRIMARY'"),
            (1366, "Incorrect integer value: 'canary' for column 'a' at row 1"),
            (1366, "Falscher integer-Wert: „canary“"),
            (1292, "Truncated incorrect DOUBLE value: 'canary"),
            (1064, "You have an error near 'canary' at line 1"),
            (1264, "Out of range value: 12canary"),
            (1644, "a trigger knows canary"),
        ] {
            let told = told(number, message);
            assert!(!told.contains("canary"), "{told}");
        }
    }

    #[test]
    fn names_are_told() {
        assert_eq!(told(1146, "Table 'a.b' doesn't exist"), "Table 'a.b' doesn't exist");
        assert_eq!(told(1205, "Lock wait\ntimeout"), "Lock wait timeout");
    }
}
