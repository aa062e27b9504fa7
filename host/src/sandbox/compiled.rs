//! Modules that `build.rs` has compiled, as part of this program.

use wasmtime::{Engine, Module, Result};

/// A module that `build.rs` has compiled. Only [`compiled!`] makes one.
#[derive(Clone, Copy)]
pub(super) struct Compiled(#[doc(hidden)] pub(super) &'static [u8]);

/// Embeds the module that `build.rs` has compiled under a name.
macro_rules! compiled {
    ($name:literal) => {
        $crate::sandbox::compiled::Compiled(include_bytes!(concat!(
            env!("OUT_DIR"),
            "/",
            $name,
            ".cwasm"
        )))
    };
}
pub(super) use compiled;

impl Compiled {
    /// Makes the module ready to run.
    ///
    /// # Errors
    ///
    /// Wasmtime's, when the engine has other settings than the one in `build.rs`, or when this
    /// machine lacks something that the code needs.
    pub(super) fn load(self, engine: &Engine) -> Result<Module> {
        // SAFETY: the bytes come from `precompile_module` in this package's build script, by the
        // same version of wasmtime, and are part of this program: nobody can have changed them.
        #[expect(
            unsafe_code,
            reason = "machine code that is compiled ahead has to be trusted"
        )]
        // SAFETY: the bytes are those that build.rs made from the module with this engine's
        // configuration, and live as long as the program.
        unsafe {
            Module::deserialize(engine, self.0)
        }
    }
}
