;;! test = "verify"
;;! op = "return_call"
;;! change.header = 8
(module (func $f (param i32 i32) (result i32) (return_call $f (local.get 0) (local.get 1))))
;; function 0: the callee's header is 16 bytes into its frame, and its end not in 48
;;   .0: enter0 0, 48
;; > .8: return_call 16, 8, .0
