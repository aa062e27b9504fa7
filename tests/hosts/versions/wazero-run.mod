// The first wazero with a promise not to change.
module runner-terminal.dev/tests/hosts/wazero

go 1.26.0

require github.com/tetratelabs/wazero v1.0.0
