//! Why an old host was left in a value.

/// Why an old host was left in a value; of several reasons a value counts for the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Left {
    /// In serialized data whose counts are wrong.
    Broken,
    /// Under another port, where something else may answer.
    Port,
    /// In something encoded that cannot be read, or not be written again.
    Encoded,
    /// As a key of an `hstore` value.
    HstoreKey,
    /// In a text, and not as an address.
    Text,
    /// In an e-mail address, which is no URL: it is told, and nothing fails on it.
    Mail,
}

impl Left {
    pub(crate) fn reason(self) -> &'static str {
        match self {
            Self::Broken => "in serialized data of a wrong length",
            Self::Port => "another port of the host",
            Self::Encoded => "encoded in a way that is not rewritten",
            Self::HstoreKey => "a key in an hstore value",
            Self::Text => "named in a text, not as a URL",
            Self::Mail => "an e-mail address at the host",
        }
    }
}
