;;! test = "validate"

(module (func (drop (select (ref.null func) (ref.null func) (i32.const 1)))))
;; ValidationError: type mismatch: a select of references names its type (function 0, at byte 0x1d)
