;;! test = "verify"
;;! op = "enter1"
;;! put = "unreachable"
(module (func (param i32 i32) (result i32) (local i32) (i32.add (local.get 0) (local.get 1))))
;; function 0: the first op is not an enter
;; > .0: unreachable
;;   .8: r0 = i32.add r0, r1
;;   .16: return 16
