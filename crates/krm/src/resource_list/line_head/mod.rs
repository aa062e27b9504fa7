//! The head of a line: where the line ends, how far it is indented, where its key may end.
//!
//! [`masks`] compares 16 bytes with one instruction if the target supports it; [`words`] compares
//! eight bytes as one number.

#[cfg(any(
    target_arch = "x86_64",
    all(target_arch = "wasm32", target_feature = "simd128")
))]
mod masks;
#[cfg(any(
    test,
    not(any(
        target_arch = "x86_64",
        all(target_arch = "wasm32", target_feature = "simd128")
    ))
))]
mod words;

#[cfg(any(
    target_arch = "x86_64",
    all(target_arch = "wasm32", target_feature = "simd128")
))]
pub(super) use masks::{LineHead, line_end};
#[cfg(not(any(
    target_arch = "x86_64",
    all(target_arch = "wasm32", target_feature = "simd128")
)))]
pub(super) use words::{LineHead, line_end};
