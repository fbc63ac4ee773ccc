;;! test = "validate"

(module (memory 1) (data (i64.const 0) ""))
;; ValidationError: type mismatch: i32 expected, i64 found (at byte 0x10)
