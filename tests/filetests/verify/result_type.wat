;;! test = "verify"
;;! op = "move"
;;! change.a = 8
(module (func (param i32 i32 funcref) (result funcref) (local.get 2)))
;; function 0: result 0 is not written on every path that leads here, or is of another type
;;   .0: enter0 0, 48
;;   .8: r0 = move r1
;; > .16: return 24
