//! The interface between an Extism plugin and its host.
//!
//! Each call refers to a block of the host's memory by its offset there. That memory is separate
//! from the plugin's own, and no pointer crosses the border: data is transferred one byte or eight
//! bytes at a time. So each of these functions is safe to call with any argument. An invalid offset
//! ends the plugin, as a panic would.

use super::answer;

#[expect(
    unsafe_code,
    reason = "functions of the host are declared; each takes and gives numbers alone"
)]
// SAFETY: the names and types are those of Extism's own header, and no function takes a pointer.
#[link(wasm_import_module = "extism:host/env")]
unsafe extern "C" {
    safe fn input_length() -> u64;
    safe fn input_load_u8(offset: u64) -> u8;
    safe fn input_load_u64(offset: u64) -> u64;
    safe fn alloc(length: u64) -> u64;
    safe fn length(block: u64) -> u64;
    safe fn load_u8(offset: u64) -> u8;
    safe fn load_u64(offset: u64) -> u64;
    safe fn store_u8(offset: u64, value: u8);
    safe fn store_u64(offset: u64, value: u64);
    safe fn output_set(block: u64, length: u64);
    safe fn error_set(block: u64);
    safe fn config_get(key: u64) -> u64;
    safe fn log_warn(block: u64);
}

/// The key in the plugin's configuration.
const FUNCTION_CONFIGS: &str = "functionConfigs";

/// The function that Helm calls. It reads a message, writes a message and returns 0, or sets an
/// error and returns 1.
// SAFETY: no other symbol of the module has this name.
#[expect(unsafe_code, reason = "the function is exported")]
#[unsafe(no_mangle)]
pub(crate) extern "C" fn helm_plugin_main() -> i32 {
    let input = read(
        input_length(),
        |offset| input_load_u8(offset),
        |offset| input_load_u64(offset),
    );
    match answer(&input, &config(FUNCTION_CONFIGS)) {
        Ok(answer) => {
            if !answer.report.is_empty() {
                log_warn(write(answer.report.as_bytes()));
            }
            output_set(write(&answer.message), answer.message.len() as u64);
            0
        }
        Err(message) => {
            error_set(write(message.as_bytes()));
            1
        }
    }
}

/// A value of the plugin's configuration, empty where there is none.
fn config(key: &str) -> String {
    let block = config_get(write(key.as_bytes()));
    if block == 0 {
        return String::new();
    }
    let value = read(
        length(block),
        |offset| load_u8(block + offset),
        |offset| load_u64(block + offset),
    );
    String::from_utf8_lossy(&value).into_owned()
}

/// How many bytes are transferred at once.
const WORD: usize = size_of::<u64>();

fn read(length: u64, byte: impl Fn(u64) -> u8, word: impl Fn(u64) -> u64) -> Vec<u8> {
    let words = length / WORD as u64;
    let mut bytes: Vec<u8> = (0..words)
        .flat_map(|index| word(index * WORD as u64).to_le_bytes())
        .collect();
    bytes.extend((words * WORD as u64..length).map(byte));
    bytes
}

/// Copies bytes into a new block of the host's memory, and returns its offset.
fn write(bytes: &[u8]) -> u64 {
    let block = alloc(bytes.len() as u64);
    let (words, rest) = bytes.as_chunks::<WORD>();
    let mut offset = block;
    for word in words {
        store_u64(offset, u64::from_le_bytes(*word));
        offset += WORD as u64;
    }
    for byte in rest {
        store_u8(offset, *byte);
        offset += 1;
    }
    block
}
