//! What is counted of a word's letters: in which case it is written, and whether it is a number.

/// In which letters a word is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Case {
    Small,
    /// The first one is large, or the script has no such thing.
    Capital,
    Large,
}

/// What is counted of a word's letters.
#[derive(Default)]
pub(super) struct Letters {
    pub(super) small: usize,
    large: usize,
    pub(super) digits: usize,
    caseless: usize,
    pub(super) number: u32,
    begins_large: bool,
    pub(super) ends_in_letter: bool,
}

impl Letters {
    pub(super) fn count(&mut self, c: char) {
        if self.small + self.large + self.digits + self.caseless == 0 {
            self.begins_large = c.is_uppercase();
        }
        self.ends_in_letter = c.is_alphabetic();
        match c {
            _ if c.is_lowercase() => self.small += 1,
            _ if c.is_uppercase() => self.large += 1,
            '0'..='9' => {
                self.digits += 1;
                self.number = self.number.saturating_mul(10).saturating_add(c as u32 - '0' as u32);
            }
            _ => self.caseless += 1,
        }
    }

    pub(super) fn all(&self) -> usize {
        self.small + self.large + self.caseless
    }

    pub(super) fn case(&self) -> Case {
        match self {
            Self { small: 0, large: 2.., .. } => Case::Large,
            Self { begins_large: false, caseless: 0, .. } => Case::Small,
            _ => Case::Capital,
        }
    }
}
