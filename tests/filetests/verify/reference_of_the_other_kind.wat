;;! test = "verify"
;;! op = "table.set"
;;! change.disp = 28
(module (table 1 funcref) (table 1 externref) (func (param i32 funcref) (table.set 0 (local.get 0) (local.get 1))))
;; function 0: table 28 receives a value of another type
;;   .0: enter0 0, 48
;; > .8: table.set r0, r1, 28
;;   .24: return 16
