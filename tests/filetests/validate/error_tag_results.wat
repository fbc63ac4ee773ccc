;;! test = "validate"

(module (tag (result i32)))
;; ValidationError: non-empty tag result type (at byte 0x11)
