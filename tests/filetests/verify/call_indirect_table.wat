;;! test = "verify"
;;! op = "call_indirect"
;;! change.disp = 28
(module (table 1 funcref) (table 1 externref) (func (call_indirect (i32.const 0))))
;; function 0: table 28 does not hold functions
;;   .0: enter0 0, 32
;;   .8: r2 = i32.const 0
;; > .16: call_indirect r2, 28, 0, 16, 16
;;   .40: return 0
