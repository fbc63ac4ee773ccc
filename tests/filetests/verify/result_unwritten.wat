;;! test = "verify"
;;! op = "i32.const"
;;! change.dst = 24
(module (func (result i32) (i32.const 1)))
;; function 0: result 0 is not written on every path that leads here, or is of another type
;;   .0: enter0 0, 32
;;   .8: r3 = i32.const 1
;; > .16: return 8
