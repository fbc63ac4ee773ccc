;;! test = "verify"
;;! op = "i32.clz"
;;! change.dst = 32
(module (func $g (result externref) unreachable)
  (func (param i32) (result externref) (local i32)
    (call $g) (loop (drop (i32.clz (local.get 0))) (br_if 0 (local.get 0)))))
;; function 1: slot 4 does not hold what the safepoint .24 says: type 0x6f
;;   .0: enter1 24, 56
;;   .8: call 32, 40, .-16
;;   .24: r4 = i32.clz r0
;; > .32: loop_br_if r0, .24
;;   .40: r0 = move r4
;;   .48: return 8
