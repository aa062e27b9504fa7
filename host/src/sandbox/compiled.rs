//! The modules that `build.rs` has compiled, embedded in this program.

use wasmtime::{Engine, Module, Result};

/// A module that `build.rs` has compiled. Only [`compiled!`] makes one.
#[derive(Clone, Copy)]
pub(super) struct Compiled(#[doc(hidden)] pub(super) &'static [u8]);

/// Bytes that start at a page, so that they can be made executable in place. The alignment is the
/// largest page size of the processors that Linux runs on.
#[doc(hidden)]
#[repr(C, align(65536))]
pub(super) struct Pages<Bytes: ?Sized>(pub(super) Bytes);

/// Embeds the module that `build.rs` has compiled under a name.
macro_rules! compiled {
    ($name:literal) => {{
        static PAGES: &$crate::sandbox::compiled::Pages<[u8]> = &$crate::sandbox::compiled::Pages(
            *include_bytes!(concat!(env!("OUT_DIR"), "/", $name, ".cwasm")),
        );
        $crate::sandbox::compiled::Compiled(&PAGES.0)
    }};
}
pub(super) use compiled;

impl Compiled {
    /// Makes the module ready to run, in an engine of [`super::engine`].
    ///
    /// # Errors
    ///
    /// The engine has other settings than the one in `build.rs`, or this machine lacks a feature that
    /// the code needs.
    #[expect(unsafe_code, reason = "precompiled machine code has to be trusted")]
    pub(super) fn load(self, engine: &Engine) -> Result<Module> {
        #[cfg(target_os = "linux")]
        if super::in_place::is_possible(self.0) {
            // SAFETY: the bytes are those that build.rs made from the module with this engine's
            // configuration, by the same version of wasmtime, and a constant of this program:
            // they live as long as it does, and nothing can change them.
            return unsafe { Module::deserialize_raw(engine, self.0.into()) };
        }
        // SAFETY: as above; these are copied.
        unsafe { Module::deserialize(engine, self.0) }
    }
}
