;; Reads and writes what are not its streams: the host must answer that they are no files. Exits
;; with 7 when it did.
(module
  (import "wasi_snapshot_preview1" "fd_read"
    (func $read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write"
    (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "\20\00\00\00\20\00\00\00")
  (func $must_be_no_file (param i32)
    (if (i32.ne (local.get 0) (i32.const 8)) (then unreachable)))
  (func $read_from (param i32)
    (call $must_be_no_file
      (call $read (local.get 0) (i32.const 0) (i32.const 1) (i32.const 16))))
  (func $write_to (param i32)
    (call $must_be_no_file
      (call $write (local.get 0) (i32.const 0) (i32.const 1) (i32.const 16))))
  (func (export "_start")
    (call $read_from (i32.const 1))
    (call $read_from (i32.const 2))
    (call $read_from (i32.const 3))
    (call $read_from (i32.const -1))
    (call $write_to (i32.const 0))
    (call $write_to (i32.const 3))
    (call $write_to (i32.const 1000000))
    (call $write_to (i32.const -1))
    (call $exit (i32.const 7))))
