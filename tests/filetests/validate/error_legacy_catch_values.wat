;;! test = "validate"

(module (tag $e (param i32)) (func try catch $e end))
;; ValidationError: type mismatch: values remaining on stack at end of block (function 0, at byte 0x24)
