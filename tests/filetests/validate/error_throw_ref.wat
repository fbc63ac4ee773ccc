;;! test = "validate"

(module (func (throw_ref (ref.null extern))))
;; ValidationError: type mismatch: externref found, exnref expected (function 0, at byte 0x19)
