;;! test = "verify"
;;! op = "table.set"
;;! change.value = 0
(module (table 1 funcref) (func (param i32 funcref) (table.set (local.get 0) (local.get 1))))
;; function 0: table 24 receives a value of another type
;;   .0: enter0 0, 48
;; > .8: table.set r0, r0, 24
;;   .24: return 16
