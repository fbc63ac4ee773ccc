;;! test = "verify"
;;! op = "return_call"
;;! change.to = 32
;;! change.header = 16
(module (func $f (param i32) (return_call $f (i32.const 1))) (func (param i32 i32)))
;; function 0: 2 arguments do not lie before the header
;;   .0: enter0 0, 32
;;   .8: r0 = i32.const 1
;; > .16: return_call 8, 16, .32
