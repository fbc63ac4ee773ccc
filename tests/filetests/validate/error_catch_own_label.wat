;;! test = "validate"

;; a try_table is not among the labels of its own catches
(module (func (try_table (result exnref) (catch_all_ref 0) (ref.null exn)) drop))
;; ValidationError: type mismatch: a catch pushes other values than its label takes (function 0, at byte 0x17)
