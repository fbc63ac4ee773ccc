;;! test = "validate"

(module (func (result i32) (if (result i32) (i32.const 1) (then (i32.const 2)))))
;; ValidationError: type mismatch: an if without else must leave its parameters (function 0, at byte 0x1e)
