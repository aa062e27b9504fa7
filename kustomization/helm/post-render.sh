#!/bin/sh
# Runs `runner-terminal apply-to`, and makes its errors and warnings visible.
#
# Helm 4 does not show what a post-renderer writes to standard error. But it does show a
# document that is not a manifest. So an error goes to standard output, as a YAML string: Helm cannot
# take that for manifests, so it fails, and its own error contains the text. Warnings are comments in
# the manifests, which Helm keeps: `helm get manifest` shows them.

tell_helm() {
  printf '%s\n' "$1" | { printf '|2\n'; sed 's/^/  /'; }
  exit 0
}

if ! command -v runner-terminal >/dev/null; then
  tell_helm 'runner-terminal is not on the PATH; put target/release/runner-terminal there, which cargo xtask build makes'
fi

exec 3>&1
messages=$(runner-terminal apply-to --comments "$@" 2>&1 >&3) || tell_helm "$messages"
