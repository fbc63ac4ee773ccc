;;! test = "verify"
;;! op = "unreachable"
;;! put = "unwind.copy"

(module (func (unreachable)))
;; function 0: this op does not belong here
;;   .0: enter0 0, 16
;; > .8: unwind.copy
