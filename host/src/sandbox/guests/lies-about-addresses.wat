;; Names buffers that are not in its memory: each time, the host must answer with its error number
;; and touch nothing. Exits with 7 when it did.
(module
  (import "wasi_snapshot_preview1" "fd_read"
    (func $read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write"
    (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "\f0\ff\00\00\20\00\00\00")
  (func $must_be_bad_address (param i32)
    (if (i32.ne (local.get 0) (i32.const 21)) (then unreachable)))
  (func (export "_start")
    ;; A buffer that ends outside.
    (call $must_be_bad_address
      (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 16)))
    (call $must_be_bad_address
      (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 16)))
    ;; A list of buffers that is outside, or wraps around.
    (call $must_be_bad_address
      (call $read (i32.const 0) (i32.const 65532) (i32.const 1) (i32.const 16)))
    (call $must_be_bad_address
      (call $read (i32.const 0) (i32.const -4) (i32.const 9) (i32.const 16)))
    ;; A buffer that wraps around.
    (call $must_be_bad_address (call $random (i32.const 8) (i32.const -4)))
    (call $exit (i32.const 7))))
