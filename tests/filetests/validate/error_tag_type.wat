;;! test = "validate"

(module (import "e" "t" (tag (type 3))))
;; ValidationError: unknown type 3 (at byte 0xa)
