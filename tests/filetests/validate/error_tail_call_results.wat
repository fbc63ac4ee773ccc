;;! test = "validate"

(module (func $two (result i32 i32) (i32.const 1) (i32.const 2)) (func (result i32) (return_call $two)))
;; ValidationError: type mismatch: a tail call of a function with other results (function 1, at byte 0x25)
