;;! test = "verify"
;;! op = "call"
;;! change.header = 40
(module (func $f (param i32) (result i32) (call $f (local.get 0))) (func))
;; function 0: the callee's frame 24 and header 40 do not lie behind the locals, at 24, and in 48 bytes
;;   .0: enter0 0, 48
;;   .8: r3 = move r0
;; > .16: call 24, 40, .0
;;   .32: r0 = move r3
;;   .40: return 8
