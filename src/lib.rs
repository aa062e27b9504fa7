//! stub, being written
#![allow(missing_docs)]

/// What one run of the function gave.
pub struct Outcome<'input> {
    pieces: Vec<std::borrow::Cow<'input, [u8]>>,
    results: Vec<FunctionResult>,
}

pub struct FunctionResult;

/// Runs the function on a ResourceList.
pub fn run(input: &[u8]) -> Outcome<'_> {
    Outcome { pieces: vec![input.into()], results: Vec::new() }
}

impl Outcome<'_> {
    /// What goes to standard output, in order. Nothing when the input is not a ResourceList.
    pub fn output(&self) -> impl Iterator<Item = &[u8]> {
        self.pieces.iter().map(|piece| piece.as_ref())
    }
    /// True when a result is an error: the process exits with 1.
    pub fn failed(&self) -> bool {
        false
    }
    /// The results as text for standard error, one paragraph each; empty when there is nothing to say.
    pub fn report(&self) -> String {
        String::new()
    }
    pub fn results(&self) -> &[FunctionResult] {
        &self.results
    }
}
