;;! test = "validate"

(module (func (drop (i32.load (i32.const 0)))))
;; ValidationError: unknown memory 0 (function 0, at byte 0x19)
