;;! test = "verify"
;;! op = "return_call"
;;! change.to = 24
(module (func $f (result i32) (return_call $f)) (func (result i32 i32) (i32.const 1) (i32.const 2)))
;; function 0: the callee's header is 16 bytes into its frame, and its end not in 24
;;   .0: enter0 0, 24
;; > .8: return_call 8, 8, .24
