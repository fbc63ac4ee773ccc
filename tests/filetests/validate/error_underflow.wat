;;! test = "validate"

(module (func (drop)))
;; ValidationError: type mismatch: an operand is missing (function 0, at byte 0x17)
