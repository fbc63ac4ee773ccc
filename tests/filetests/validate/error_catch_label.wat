;;! test = "validate"

(module (func (try_table (catch_all 1))))
;; ValidationError: unknown label 1 (function 0, at byte 0x17)
