;;! test = "validate"

(module (func (block (result i32) (block (br_table 0 1 (i32.const 1) (i32.const 0))) (i32.const 0)) (drop)))
;; ValidationError: type mismatch: labels of different arity (function 0, at byte 0x1f)
