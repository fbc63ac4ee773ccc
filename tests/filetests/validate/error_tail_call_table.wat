;;! test = "validate"

(module (type $t (func)) (table 1 externref) (func (return_call_indirect (type $t) (i32.const 0))))
;; ValidationError: type mismatch: call_indirect through a table that does not hold functions (function 0, at byte 0x1f)
