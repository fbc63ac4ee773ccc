;;! test = "validate"

(module (table 1 funcref) (table 1 externref) (func (table.copy 0 1 (i32.const 0) (i32.const 0) (i32.const 0))))
;; ValidationError: type mismatch: the tables hold different types (function 0, at byte 0x26)
