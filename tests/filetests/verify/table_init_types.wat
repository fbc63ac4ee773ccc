;;! test = "verify"
;;! op = "table.init"
;;! change.table = 1
(module (table 1 funcref) (table 1 externref) (elem $e funcref) (func (table.init 0 $e (i32.const 0) (i32.const 0) (i32.const 1))))
;; function 0: table_index 1 receives a value of another type
;;   .8: r2 = i32.const 0
;;   .16: r3 = i32.const 0
;;   .24: r4 = i32.const 1
;; > .32: table.init 1, 0, r2, r3, r4
;;   .48: return 0
