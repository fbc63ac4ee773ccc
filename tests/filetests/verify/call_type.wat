;;! test = "verify"
;;! op = "call_indirect"
;;! change.type_ = 1
(module (table 1 funcref) (func (call_indirect (i32.const 0))))
;; function 0: type 1 is none of the module's
;;   .0: enter0 0, 32
;;   .8: r2 = i32.const 0
;; > .16: call_indirect r2, 24, 1, 16, 16
;;   .40: return 0
