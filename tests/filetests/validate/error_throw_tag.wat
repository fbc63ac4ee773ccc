;;! test = "validate"

(module (tag) (func (throw 1)))
;; ValidationError: unknown tag 1 (function 0, at byte 0x1c)
