;;! test = "verify"
;;! op = "carry"
;;! change.frame = 56
(module (func $f (local i32 i32) (return_call $g (i32.const 1) (local.get 1))) (func $g (param i32 i32)))
;; function 0: 2 slots from byte 56 do not lie behind the locals and the callee's header, or outside
;;   .0: enter2 16, 48
;;   .8: r5 = move r3
;;   .16: r4 = i32.const 1
;; > .24: carry 0, 16, 56
;;   .40: return_call 16, 16, .56
