;;! test = "verify"
;;! op = "return_call"
;;! change.to = 24
(module (func $f (result externref) (return_call $f)) (func (result i32) (i32.const 1)))
;; function 0: result 0 of the callee is of another type
;;   .0: enter0 0, 24
;; > .8: return_call 8, 8, .24
