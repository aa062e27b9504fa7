// Runs the module under wazero, the WebAssembly runtime that other Go programs
// embed.
module runner-terminal.dev/tests/hosts/wazero

go 1.26.0

require github.com/tetratelabs/wazero v1.12.0

require golang.org/x/sys v0.44.0 // indirect
