;;! test = "verify"
;;! op = "table.copy"
;;! change.source_table = 1
(module (table 1 funcref) (table 1 externref) (func (table.copy 0 0 (i32.const 0) (i32.const 0) (i32.const 1))))
;; function 0: table_index 0 receives a value of another type
;;   .8: r2 = i32.const 0
;;   .16: r3 = i32.const 0
;;   .24: r4 = i32.const 1
;; > .32: table.copy 0, 1, r2, r3, r4
;;   .48: return 0
