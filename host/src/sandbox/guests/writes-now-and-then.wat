;; Computes for a while, writes a byte, and so on.
(module
  (import "wasi_snapshot_preview1" "fd_write"
    (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "\10\00\00\00\01\00\00\00")
  (func (export "_start")
    (local $count i32)
    (loop $again
      (local.set $count (i32.const 1000000))
      (loop $compute
        (local.set $count (i32.sub (local.get $count) (i32.const 1)))
        (br_if $compute (local.get $count)))
      (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))
      (br $again))))
