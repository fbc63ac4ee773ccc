;;! test = "verify"
;;! op = "return_call_indirect"
;;! change.index = 0
(module (type $t (func (param i32 i32))) (table 1 funcref)
  (func (param i32) (return_call_indirect (type $t) (i32.const 1) (i32.const 2) (local.get 0))))
;; function 0: slot 0 is read, which the carry has overwritten
;;   .32: r5 = i32.const 2
;;   .40: r4 = i32.const 1
;;   .48: carry 8, 16, 32
;; > .64: return_call_indirect r0, 24, 0, 16, 16
