;;! test = "validate"

(module (tag $e (param i32 i64)) (func (throw $e (i64.const 1) (i64.const 2))))
;; ValidationError: type mismatch: i64 found, i32 expected (function 0, at byte 0x25)
