;;! test = "verify"
;;! op = "table.fill"
;;! change.table = 1
(module (table 1 funcref) (func (table.fill 0 (i32.const 0) (ref.null func) (i32.const 1))))
;; function 0: table_index 1 names nothing of its kind
;;   .8: r2 = i32.const 0
;;   .16: r3 = i32.const 0
;;   .24: r4 = i32.const 1
;; > .32: table.fill 1, r2, r3, r4
;;   .48: return 0
