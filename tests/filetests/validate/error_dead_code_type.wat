;;! test = "validate"

(module (func (unreachable) (i32.add (i64.const 1)) (drop)))
;; ValidationError: type mismatch: i64 found, i32 expected (function 0, at byte 0x1a)
