;;! test = "verify"
;;! op = "call_indirect"
;;! change.header = 16
(module (table 1 funcref) (type $t (func (param i32))) (func (call_indirect (type $t) (i32.const 1) (i32.const 0))))
;; function 0: the callee's header is 8 bytes into its frame
;;   .0: enter0 0, 40
;;   .8: r3 = i32.const 0
;;   .16: r2 = i32.const 1
;; > .24: call_indirect r3, 24, 0, 16, 16
;;   .48: return 0
