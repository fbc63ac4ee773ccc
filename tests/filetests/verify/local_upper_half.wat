;;! test = "verify"
;;! op = "i64.clz"
;;! change.dst = 24
(module (func (param i64) (local i32 i64) (local.set 2 (i64.clz (local.get 0)))))
;; function 0: the local in slot 3 receives a value of another type
;;   .0: enter2 24, 48
;; > .8: r3 = i64.clz r0
;;   .16: return 8
