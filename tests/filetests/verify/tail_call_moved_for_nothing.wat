;;! test = "verify"
;;! op = "return_call"
;;! put = "i64.const"
;;! change.dst = 32
;;! change.n = 1
(module (func $f (return_call $g (i32.const 1) (i32.const 2))) (func $g (param i32 i32)))
;; function 0: this op does not belong here
;;   .8: r5 = i32.const 2
;;   .16: r4 = i32.const 1
;;   .24: carry 0, 16, 32
;; > .40: r4 = i64.const 1
