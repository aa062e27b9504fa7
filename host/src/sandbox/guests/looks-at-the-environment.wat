;; Exits with 7 when there are no variables, and nothing was written where they should go.
(module
  (import "wasi_snapshot_preview1" "environ_sizes_get"
    (func $sizes (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "environ_get" (func $environment (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "\ff\ff\ff\ff\ff\ff\ff\ff\ff\ff\ff\ff\ff\ff\ff\ff")
  (func (export "_start")
    (if (call $sizes (i32.const 0) (i32.const 4)) (then unreachable))
    (if (i64.ne (i64.load (i32.const 0)) (i64.const 0)) (then unreachable))
    (if (call $environment (i32.const 8) (i32.const 12)) (then unreachable))
    (if (i64.ne (i64.load (i32.const 8)) (i64.const -1)) (then unreachable))
    ;; Addresses that do not exist are not looked at.
    (if (call $environment (i32.const -1) (i32.const -1)) (then unreachable))
    (call $exit (i32.const 7))))
