//! Whether a value reads as a plugin reads it: `unserialize()` with right counts and lengths, JSON, the attributes of a
//! block. It shares nothing with what masks.

use serde_json::{Map, Value};

/// Reads a value along a way such as `php:2:content:block`.
pub(super) fn read(text: &str, way: &str) -> Result<(), String> {
    let mut now = Value::String(text.to_owned());
    for step in way.split(':') {
        now = match (now, step) {
            (Value::String(text), "php") => php(text.trim())?,
            (Value::String(text), "json") => serde_json::from_str(text.trim()).map_err(|error| error.to_string())?,
            (Value::String(text), "block") => block(&text)?,
            (Value::Object(mut members), key) => members.remove(key).ok_or_else(|| format!("there is no `{key}`"))?,
            (Value::Array(mut all), key) if key.parse().is_ok_and(|at: usize| at < all.len()) => {
                all.swap_remove(key.parse().unwrap_or(0))
            }
            (other, step) => return Err(format!("`{step}` of {other:?}")),
        };
    }
    Ok(())
}

/// The attributes of every block in a text.
fn block(text: &str) -> Result<Value, String> {
    let mut rest = text;
    while let Some(at) = rest.find("<!-- wp:") {
        let end = rest[at..].find("-->").ok_or("a block's comment has no end")? + at;
        if let Some(open) = rest[at..end].find('{') {
            let attributes = rest[at + open..end].trim_end().trim_end_matches('/').trim_end();
            serde_json::from_str::<Value>(attributes).map_err(|error| format!("{error} in {attributes}"))?;
        }
        rest = &rest[end..];
    }
    Ok(Value::Null)
}

/// What PHP serialized; its arrays are objects.
pub(in super::super) fn php(text: &str) -> Result<Value, String> {
    let mut reader = Php { text: text.as_bytes(), at: 0 };
    let read = reader.value()?;
    if reader.at == text.len() { Ok(read) } else { Err(format!("ends at {} of {}", reader.at, text.len())) }
}

struct Php<'a> {
    text: &'a [u8],
    at: usize,
}

impl Php<'_> {
    fn value(&mut self) -> Result<Value, String> {
        let kind = *self.text.get(self.at).ok_or("cut off")?;
        match kind {
            b'N' => self.expect("N;").map(|()| Value::Null),
            b'b' => {
                self.at += 2;
                self.until(b';').map(|flag| Value::Bool(flag == "1"))
            }
            b'i' | b'd' | b'r' | b'R' => {
                self.at += 2;
                self.until(b';').map(|number| number.parse::<i64>().map_or(Value::Null, Value::from))
            }
            b's' => {
                let text = self.string()?;
                self.expect(";")?;
                Ok(Value::String(text))
            }
            b'a' => {
                self.at += 2;
                self.members()
            }
            b'O' => {
                self.string()?;
                self.expect(":")?;
                self.members()
            }
            other => Err(format!("`{}` at {}", char::from(other), self.at)),
        }
    }

    fn members(&mut self) -> Result<Value, String> {
        let count: usize = self.until(b':')?.parse().map_err(|_| "no count")?;
        self.expect("{")?;
        let mut members = Map::new();
        for _ in 0..count {
            let name = match self.text.get(self.at) {
                Some(b'i') => {
                    self.at += 2;
                    self.until(b';')?
                }
                _ => {
                    let name = self.string()?;
                    self.expect(";")?;
                    name
                }
            };
            members.insert(name, self.value()?);
        }
        self.expect("}")?;
        Ok(Value::Object(members))
    }

    /// `s:3:"abc"`
    fn string(&mut self) -> Result<String, String> {
        self.at += 2;
        let len: usize = self.until(b':')?.parse().map_err(|_| format!("no length at {}", self.at))?;
        self.expect("\"")?;
        let text = self.text.get(self.at..self.at + len).ok_or("a length past the end")?;
        self.at += len;
        self.expect("\"")?;
        String::from_utf8(text.to_vec()).map_err(|_| "a length within a letter".to_owned())
    }

    fn until(&mut self, end: u8) -> Result<String, String> {
        let rest = self.text.get(self.at..).ok_or("cut off")?;
        let len = rest.iter().position(|b| *b == end).ok_or("cut off")?;
        self.at += len + 1;
        Ok(String::from_utf8_lossy(&rest[..len]).into_owned())
    }

    fn expect(&mut self, text: &str) -> Result<(), String> {
        if self.text.get(self.at..).is_some_and(|rest| rest.starts_with(text.as_bytes())) {
            self.at += text.len();
            return Ok(());
        }
        Err(format!("no `{text}` at {}", self.at))
    }
}
