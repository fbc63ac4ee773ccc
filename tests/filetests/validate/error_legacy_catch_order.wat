;;! test = "validate"

(module (tag) (func try catch_all catch 0 end))
;; ValidationError: misplaced catch: it does not follow a try or a catch of a tag (function 0, at byte 0x1f)
