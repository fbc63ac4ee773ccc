;;! test = "verify"
;;! op = "enter2"
;;! put = "enter1"
;;! change = { first = 16, size = 32 }
(module (func (local i32 i32)))
;; function 0: 1 locals are not set to zero
;;   .0: enter1 16, 32
;; > .8: return 0
