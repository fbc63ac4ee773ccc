;;! test = "validate"

(module (func) (export "a" (func 0)) (export "a" (func 0)))
;; ValidationError: duplicate export name 'a' (at byte 0x19)
