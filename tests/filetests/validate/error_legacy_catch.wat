;;! test = "validate"

(module (func block catch_all end))
;; ValidationError: misplaced catch: it does not follow a try or a catch of a tag (function 0, at byte 0x19)
