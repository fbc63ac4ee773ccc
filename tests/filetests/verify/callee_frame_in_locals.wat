;;! test = "verify"
;;! op = "call"
;;! change = { frame = 24, header = 32 }
(module (func $f (param i32) (local i32) (call $f (local.get 0))))
;; function 0: the callee's frame 24 and header 32 do not lie behind the locals, at 32, and in 56 bytes
;;   .0: enter1 24, 56
;;   .8: r4 = move r0
;; > .16: call 24, 32, .0
;;   .32: return 8
