//! What a server says before anything is asked of it: who it is, what it can do, and what a password is to be mixed with.

use super::answer::{ERROR, Reader, error};
use super::connect::{Family, Version};
use super::fault::Fault;

/// The version of the protocol that all servers speak.
const PROTOCOL: u8 = 10;
/// The length of what a password is mixed with.
pub(super) const SCRAMBLE_BYTES: usize = 20;
/// What MariaDB before 11 put before its own version, for programs that expected MySQL's.
const DISGUISE: &str = "5.5.5-";

/// A server's first packet.
#[derive(Debug)]
pub(super) struct Greeting {
    pub(super) version_text: String,
    pub(super) family: Family,
    pub(super) version: Version,
    /// The server's number for the session.
    pub(super) id: u32,
    pub(super) scramble: Vec<u8>,
    pub(super) capabilities: u32,
    /// The way to log in that it expects, unless the login has another.
    pub(super) plugin: Vec<u8>,
}

impl Greeting {
    /// Reads it; a server that has no room says so here.
    pub(super) fn read(packet: &[u8]) -> Result<Self, Fault> {
        match packet.first() {
            Some(&ERROR) => Err(error(packet)),
            Some(&PROTOCOL) => {
                Self::of(&packet[1..]).ok_or_else(|| Fault::of_answer("the server's greeting is garbled"))
            }
            _ => Err(Fault::of_answer("what answers there is no MySQL or MariaDB server")),
        }
    }

    fn of(body: &[u8]) -> Option<Self> {
        let mut reader = Reader(body);
        let version_text = std::str::from_utf8(reader.until_nul()?).ok()?;
        let version_text = version_text.strip_prefix(DISGUISE).unwrap_or(version_text).to_owned();
        let id = reader.u32()?;
        let mut scramble = reader.bytes(8)?.to_vec();
        reader.bytes(1)?;
        let low = reader.u16()?;
        reader.bytes(3)?;
        let high = reader.u16()?;
        let scramble_bytes = usize::from(reader.byte()?);
        reader.bytes(10)?;
        let rest = reader.bytes(scramble_bytes.saturating_sub(8).max(13))?;
        scramble.extend_from_slice(rest.strip_suffix(b"\0").unwrap_or(rest));
        let plugin = reader.0.split(|b| *b == 0).next().unwrap_or_default().to_vec();
        let (family, version) = family_and_version(&version_text)?;
        let capabilities = u32::from(low) | u32::from(high) << 16;
        (scramble.len() == SCRAMBLE_BYTES).then_some(Self {
            version_text,
            family,
            version,
            id,
            scramble,
            capabilities,
            plugin,
        })
    }
}

/// Which server calls its version so.
pub(super) fn family_and_version(text: &str) -> Option<(Family, Version)> {
    let text = text.strip_prefix(DISGUISE).unwrap_or(text);
    let family = if text.to_lowercase().contains("mariadb") { Family::MariaDb } else { Family::MySql };
    Some((family, version(text)?))
}

/// The numbers that a version begins with.
fn version(text: &str) -> Option<Version> {
    let mut numbers = text.split(|c: char| !c.is_ascii_digit()).map(str::parse::<u16>);
    let (major, minor) = (numbers.next()?.ok()?, numbers.next()?.ok()?);
    Some((major, minor, numbers.next().and_then(Result::ok).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::super::lying_server_tests::greeting;
    use super::*;

    #[test]
    fn servers_are_told_apart_by_what_they_say() {
        for (said, family, version) in [
            ("8.0.31", Family::MySql, (8, 0, 31)),
            ("9.7.4-2", Family::MySql, (9, 7, 4)),
            ("26.10.0", Family::MySql, (26, 10, 0)),
            ("5.5.5-10.11.18-MariaDB-0+deb12u1", Family::MariaDb, (10, 11, 18)),
            ("11.8.9-MariaDB-0+deb13u1 from Debian", Family::MariaDb, (11, 8, 9)),
        ] {
            let read = Greeting::read(&greeting(said, "mysql_native_password", true)).unwrap();
            assert_eq!((read.family, read.version), (family, version), "{said}");
            assert_eq!((read.id, read.scramble.len(), &read.plugin[..]), (7, 20, &b"mysql_native_password"[..]));
        }
    }

    #[test]
    fn no_greeting_is_believed_that_is_cut_or_of_another_protocol() {
        let whole = greeting("8.0.31", "caching_sha2_password", true);
        for len in 0..whole.len() {
            // Only the name at the end may be shorter.
            let read = Greeting::read(&whole[..len]);
            assert!(read.is_err() || len >= whole.len() - "caching_sha2_password\0".len(), "{len}");
        }
        assert!(Greeting::read(b"SSH-2.0-OpenSSH").unwrap_err().to_string().contains("no MySQL"));
        let refused = Greeting::read(b"\xff\x10\x04Too many connections").unwrap_err();
        assert_eq!((refused.number, refused.to_string().contains("Too many connections")), (Some(1040), true));
    }
}
