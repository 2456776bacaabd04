//! PHP as source code: as far as it must be read and written in files of a site.

pub(super) mod lexer;
pub(super) mod literal;
mod strings;
