;;! test = "verify"
;;! op = "return"
;;! put = "move"
;;! change = {dst = 0, a = 0}
(module (func (param i32 i32) (result i32) (local i32) (i32.add (local.get 0) (local.get 1))))
;; function 0: the last op goes on to the next function
;;   .0: enter1 32, 56
;;   .8: r0 = i32.add r0, r1
;; > .16: r0 = move r0
