;;! test = "validate"

(module (func (result i32) (i64.const 1)))
;; ValidationError: type mismatch: i64 found, i32 expected (function 0, at byte 0x1a)
