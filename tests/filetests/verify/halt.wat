;;! test = "verify"
;;! op = "i32.add"
;;! put = "halt"
(module (func (param i32 i32) (result i32) (local i32) (i32.add (local.get 0) (local.get 1))))
;; function 0: this op does not belong here
;;   .0: enter1 32, 56
;; > .8: halt
;;   .16: return 16
