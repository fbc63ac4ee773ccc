;;! test = "validate"

(module (memory 2 1))
;; ValidationError: size minimum must not be greater than maximum (at byte 0xa)
