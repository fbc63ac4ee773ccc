;;! test = "validate"

(module (func (i32.const 1)))
;; ValidationError: type mismatch: values remaining on stack at end of block (function 0, at byte 0x19)
