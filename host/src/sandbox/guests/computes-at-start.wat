(module
  (memory (export "memory") 1)
  (func $again (loop $again (br $again)))
  (start $again)
  (func (export "_start")))
