// Where programs that have no module of their own here are built. Nothing is
// required: `cargo xtask versions` names the go.mod of each, which is beside this.
module runner-terminal.dev/tests/hosts/versions

go 1.26.0
