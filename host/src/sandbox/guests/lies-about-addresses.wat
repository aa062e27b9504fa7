;; Names buffers that are not in its memory: each time, the host must answer with its error number
;; and touch nothing. Exits with 7 when it did.
(module
  (import "wasi_snapshot_preview1" "fd_read"
    (func $read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write"
    (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "environ_sizes_get"
    (func $sizes (param i32 i32) (result i32)))
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
    (call $must_be_bad_address
      (call $write (i32.const 2) (i32.const -8) (i32.const 1) (i32.const 16)))
    ;; A list of empty buffers, longer than all memory.
    (call $must_be_bad_address
      (call $read (i32.const 0) (i32.const 1024) (i32.const -1) (i32.const 16)))
    (call $must_be_bad_address
      (call $write (i32.const 1) (i32.const 1024) (i32.const 0x20000000) (i32.const 16)))
    ;; A buffer of more than can be.
    (i32.store (i32.const 4) (i32.const -1))
    (call $must_be_bad_address
      (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 16)))
    ;; A place for the answer that is outside, or half of it.
    (call $must_be_bad_address (call $sizes (i32.const 65533) (i32.const 0)))
    (call $must_be_bad_address (call $sizes (i32.const 0) (i32.const -1)))
    ;; A buffer that is outside, or wraps around.
    (call $must_be_bad_address (call $random (i32.const 65535) (i32.const 2)))
    (call $must_be_bad_address (call $random (i32.const 8) (i32.const -4)))
    (call $exit (i32.const 7))))
