;;! test = "validate"

(module (func (result i32) (block (result i32) (br 0))))
;; ValidationError: type mismatch: an operand is missing, i32 expected (function 0, at byte 0x1a)
