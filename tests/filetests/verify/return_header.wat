;;! test = "verify"
;;! op = "return"
;;! change.header = 0
(module (func (param i32 i32) (result i32) (local i32) (i32.add (local.get 0) (local.get 1))))
;; function 0: the header is at 16
;;   .0: enter1 32, 56
;;   .8: r0 = i32.add r0, r1
;; > .16: return 0
