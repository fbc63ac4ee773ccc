;;! test = "validate"

(module (func try catch_all delegate 0))
;; ValidationError: misplaced delegate: it does not end a try without catches (function 0, at byte 0x1a)
