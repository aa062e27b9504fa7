/// An error that no input should cause: a bug of this program.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("internal error: {what}; nothing was changed. This is a bug: please report it")]
pub struct Internal {
    /// What went wrong, in a clause.
    pub what: String,
}

impl Internal {
    /// An error that names what went wrong.
    pub fn new(what: impl Into<String>) -> Self {
        Self { what: what.into() }
    }

    /// A range that is outside of its text, or splits a character.
    pub(crate) fn range(range: &std::ops::Range<usize>) -> Self {
        Self::new(format!(
            "the text has no bytes {} to {}",
            range.start, range.end
        ))
    }
}
