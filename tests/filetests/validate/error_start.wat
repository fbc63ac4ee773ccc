;;! test = "validate"

(module (func (param i32)) (start 0))
;; ValidationError: start function must have no parameters and no results (at byte 0x15)
