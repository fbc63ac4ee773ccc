;;! test = "validate"
(module
  (func (param i64 i32) (result i64 i64)
    (i64.mul_wide_s (local.get 0) (local.get 1))))
;; ValidationError: type mismatch: i32 found, i64 expected (function 0, at byte 0x1f)
