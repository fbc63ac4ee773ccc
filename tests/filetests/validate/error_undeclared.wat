;;! test = "validate"

(module (func (drop (ref.func 0))))
;; ValidationError: undeclared function reference (function 0, at byte 0x17)
