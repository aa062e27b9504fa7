;; Asks for 16 random bytes twice, and writes them out.
(module
  (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write"
    (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  ;; 0: a buffer of 32 bytes at 32; 8: how many were written.
  (data (i32.const 0) "\20\00\00\00\20\00\00\00")
  (data (i32.const 32) "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345")
  (func (export "_start")
    (if (call $random (i32.const 32) (i32.const 16)) (then unreachable))
    (if (call $random (i32.const 48) (i32.const 16)) (then unreachable))
    (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))))
