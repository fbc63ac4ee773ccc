;;! test = "verify"
;;! op = "enter1"
;;! change.first = 32
(module (func $f (param i32) (local i32) (call $f (local.get 0))))
;; function 0: the callee's frame 32 and header 40 do not lie behind the locals, at 40, and in 56 bytes
;;   .0: enter1 32, 56
;;   .8: r4 = move r0
;; > .16: call 32, 40, .0
;;   .32: return 8
