;;! test = "verify"
;;! op = "call"
;;! change.to = 8
(module (func $f (param i32) (result i32) (call $f (local.get 0))) (func))
;; function 0: the call leads to no function
;;   .0: enter0 0, 48
;;   .8: r3 = move r0
;; > .16: call 24, 32, .8
;;   .32: r0 = move r3
;;   .40: return 8
