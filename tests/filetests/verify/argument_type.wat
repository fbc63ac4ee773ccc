;;! test = "verify"
;;! op = "move"
;;! change.a = 8
(module (func $f (param externref i32) (call $f (local.get 0) (local.get 1))))
;; function 0: argument 0 is not written on every path that leads here, or is of another type
;;   .0: enter0 0, 64
;;   .8: r4 = move r1
;;   .16: r5 = move r1
;; > .24: call 32, 48, .0
;;   .40: return 16
