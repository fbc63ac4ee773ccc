;;! test = "validate"

(module (func try delegate 1))
;; ValidationError: unknown label 1 (function 0, at byte 0x19)
