;; Copies standard input to standard output, 5 bytes at a time, and says so on standard error.
(module
  (import "wasi_snapshot_preview1" "fd_read"
    (func $read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write"
    (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  ;; 0: an empty buffer; 8: a buffer; 16: how many bytes were moved; 32: the bytes.
  (data (i32.const 0) "\20\00\00\00\00\00\00\00\20\00\00\00\05\00\00\00")
  (data (i32.const 48) "done\0a")
  (func (export "_start")
    (loop $again
      (i32.store (i32.const 12) (i32.const 5))
      (if (call $read (i32.const 0) (i32.const 0) (i32.const 2) (i32.const 16)) (then unreachable))
      (if (i32.load (i32.const 16))
        (then
          (i32.store (i32.const 12) (i32.load (i32.const 16)))
          (if (call $write (i32.const 1) (i32.const 0) (i32.const 2) (i32.const 16))
            (then unreachable))
          (br $again))))
    (i32.store (i32.const 8) (i32.const 48))
    (if (call $write (i32.const 2) (i32.const 0) (i32.const 2) (i32.const 16))
      (then unreachable))))
