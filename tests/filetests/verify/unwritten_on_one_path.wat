;;! test = "verify"
;;! op = "i32.clz"
;;! change.dst = 40
(module (func (param i32) (result i32) (i32.div_u (i32.ctz (local.get 0))
  (if (result i32) (local.get 0) (then (i32.clz (local.get 0))) (else (i32.div_u (i32.clz (local.get 0)) (i32.clz (local.get 0))))))))
;; function 0: slot 4 is read, and not written on every path that leads here
;;   .40: r4 = i32.clz r0
;;   .48: r5 = i32.clz r0
;;   .56: r4 = i32.div_u r4, r5
;; > .64: r0 = i32.div_u r3, r4
;;   .72: return 8
