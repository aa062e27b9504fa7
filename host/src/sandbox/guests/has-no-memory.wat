;; Exits with what the host answers to one who has no memory.
(module
  (import "wasi_snapshot_preview1" "fd_read"
    (func $read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (func (export "_start")
    (call $exit (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))))
