;;! test = "verify"
;;! op = "i32.clz"
;;! change.dst = 32
(module (func (param i32) (local i32 funcref) (local.set 1 (i32.clz (local.get 0)))))
;; function 0: the local in slot 4 receives a value of another type
;;   .0: enter2 24, 48
;; > .8: r4 = i32.clz r0
;;   .16: return 8
