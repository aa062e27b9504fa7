#!/bin/sh
# Runs `runner-terminal apply-to`, and makes its errors visible.
#
# Helm 4 shows nothing of what a post-renderer writes to standard error. What it does show is a
# document that is no manifest. So an error goes to standard output, as a YAML string: no Helm can
# take that for manifests, so it fails, and its own error has the text in it.

tell_helm() {
  printf '%s\n' "$1" | { printf '|2\n'; sed 's/^/  /'; }
  exit 0
}

if ! command -v runner-terminal >/dev/null; then
  tell_helm 'runner-terminal is not on the PATH; put target/release/runner-terminal there, which cargo xtask build makes'
fi

exec 3>&1
messages=$(runner-terminal apply-to "$@" 2>&1 >&3) || tell_helm "$messages"
