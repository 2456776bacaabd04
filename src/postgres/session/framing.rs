//! How long the messages are that a server announces: the driver holds each as a whole, so one that is too long is refused
//! before anything of it is.

use std::io;

use super::copy_protocol::HEADER_BYTES;

/// No message of a server to its driver is longer: rows of tables go past it.
pub(super) const MESSAGE_BYTES: usize = 32 << 20;
/// All that a server says until a session is open is shorter.
const GREETING_BYTES: usize = 1 << 20;

/// What a driver has been given to read.
pub(super) enum Framing {
    /// It is not looked at: it is encrypted.
    Unread,
    /// Before the session is open: so many bytes more may come.
    Greeting(usize),
    /// Messages: what has come of a header, and how much of a message is still to come.
    Messages { header: [u8; HEADER_BYTES], known: usize, left: usize },
}

impl Framing {
    pub(super) fn greeting() -> Self {
        Self::Greeting(GREETING_BYTES)
    }

    pub(super) fn messages() -> Self {
        Self::Messages { header: [0; HEADER_BYTES], known: 0, left: 0 }
    }

    /// Takes note of what comes next.
    pub(super) fn see(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Unread => Ok(()),
            Self::Greeting(left) => {
                *left = left.checked_sub(bytes.len()).ok_or_else(|| too_long(GREETING_BYTES + 1))?;
                Ok(())
            }
            Self::Messages { header, known, left } => {
                while !bytes.is_empty() {
                    if *left > 0 {
                        let some = bytes.len().min(*left);
                        (*left, bytes) = (*left - some, &bytes[some..]);
                        continue;
                    }
                    let some = bytes.len().min(HEADER_BYTES - *known);
                    header[*known..*known + some].copy_from_slice(&bytes[..some]);
                    (*known, bytes) = (*known + some, &bytes[some..]);
                    if *known == HEADER_BYTES {
                        let [_, len @ ..] = *header;
                        // The length counts itself.
                        (*known, *left) = (0, (u32::from_be_bytes(len) as usize).saturating_sub(len.len()));
                        if *left > MESSAGE_BYTES {
                            return Err(too_long(*left));
                        }
                    }
                }
                Ok(())
            }
        }
    }
}

/// What is told of a message of so many bytes.
pub(super) fn too_long(bytes: usize) -> io::Error {
    io::Error::other(format!("the server announces a message of {bytes} bytes, more than is held"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(len: usize) -> Vec<u8> {
        let mut message = vec![b'D'];
        message.extend(u32::try_from(len + 4).unwrap().to_be_bytes());
        message
    }

    #[test]
    fn a_message_that_is_too_long_is_refused_by_its_header_however_it_comes() {
        let mut stream = [message(3), vec![7; 3], message(0)].concat();
        stream.extend(message(MESSAGE_BYTES + 1));
        for piece in [1, 4, 7, stream.len()] {
            let mut framing = Framing::messages();
            let refused: Vec<_> = stream.chunks(piece).filter(|bytes| framing.see(bytes).is_err()).collect();
            assert_eq!(refused.len(), 1, "in pieces of {piece}");
        }
        let mut framing = Framing::messages();
        assert!(framing.see(&[message(MESSAGE_BYTES), vec![0; 100]].concat()).is_ok());
    }

    #[test]
    fn a_greeting_without_an_end_is_refused() {
        let mut framing = Framing::greeting();
        assert!(framing.see(&vec![0; GREETING_BYTES]).is_ok() && framing.see(&[0]).is_err());
    }
}
