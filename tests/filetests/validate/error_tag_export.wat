;;! test = "validate"

(module (tag) (export "t" (tag 1)))
;; ValidationError: unknown tag 1 (at byte 0x16)
