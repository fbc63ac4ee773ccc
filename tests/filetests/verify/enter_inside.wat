;;! test = "verify"
;;! op = "i32.add"
;;! put = "enter0"
;;! change = {first = 0, size = 56}
(module (func (param i32 i32) (result i32) (local i32) (i32.add (local.get 0) (local.get 1))))
;; function 0: this op does not belong here
;;   .0: enter1 32, 56
;; > .8: enter0 0, 56
;;   .16: return 16
