;;! test = "verify"
;;! op = "call"
;;! change.to = 48
(module (func $f (param i32) (result i32) (call $f (local.get 0))) (func))
;; function 0: the callee's header is 0 bytes into its frame
;;   .0: enter0 0, 48
;;   .8: r3 = move r0
;; > .16: call 24, 32, .48
;;   .32: r0 = move r3
;;   .40: return 8
