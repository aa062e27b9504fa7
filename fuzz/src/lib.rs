//! What the fuzzers share.

pub mod judge;
pub mod lines;
pub mod mutate;
pub mod resource_list;
pub mod tape;

// Where the reader of lists looks for them: it is taken in as the file that it is.
use krm::resource;
