;;! test = "verify"
;;! op = "i32.clz"
;;! change.dst = 40
(module (func $f (param i32) (call $f (i32.clz (local.get 0))) unreachable))
;; function 0: argument 0 is not written on every path that leads here, or is of another type
;;   .0: enter0 0, 48
;;   .8: r5 = i32.clz r0
;; > .16: call 24, 32, .0
;;   .32: unreachable
