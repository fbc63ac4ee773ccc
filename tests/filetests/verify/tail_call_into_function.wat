;;! test = "verify"
;;! op = "return_call"
;;! change.to = 8
(module (func $f (param i32) (return_call $f (i32.const 1))))
;; function 0: the call leads to no function
;;   .0: enter0 0, 32
;;   .8: r0 = i32.const 1
;; > .16: return_call 8, 8, .8
