;;! test = "verify"
;;! op = "return_call"
;;! change.old_header = 0
(module (func $f (return_call $g (i32.const 1) (i32.const 2))) (func $g (param i32 i32)))
;; function 0: the header is at 16
;;   .8: r5 = i32.const 2
;;   .16: r4 = i32.const 1
;;   .24: carry 0, 16, 32
;; > .40: return_call 0, 16, .56
