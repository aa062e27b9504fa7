//! The pinned programs that the tests run, and how to start each.
