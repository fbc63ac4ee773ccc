;;! test = "verify"
;;! op = "i32.clz"
;;! change.dst = 0
(module (func $f (param externref i32) (result i32) (drop (i32.clz (local.get 1))) (call $f (ref.null extern) (local.get 1))))
;; function 0: parameter 0 does not hold a value of its type at the safepoint .48
;;   .16: r4 = i32.const 0
;;   .24: r5 = move r1
;;   .32: call 32, 48, .0
;; > .48: r0 = move r4
;;   .56: return 16
