;;! test = "verify"
;;! op = "return_call"
;;! change.old_header = 24
(module (func $f (param i32 i32) (result i32) (return_call $f (local.get 0) (local.get 1))))
;; function 0: the header is at 16
;;   .0: enter0 0, 48
;; > .8: return_call 24, 16, .0
