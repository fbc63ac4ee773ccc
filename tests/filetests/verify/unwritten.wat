;;! test = "verify"
;;! op = "i32.div_u"
;;! change.b = 32
(module (func (param i32 i32) (result i32) (i32.div_u (local.get 0) (i32.div_u (local.get 0) (i32.clz (local.get 1))))))
;; function 0: slot 4 is read, and not written on every path that leads here
;;   .0: enter0 0, 56
;;   .8: r6 = i32.clz r1
;; > .16: r5 = i32.div_u r0, r4
;;   .24: r0 = i32.div_u r0, r5
;;   .32: return 16
