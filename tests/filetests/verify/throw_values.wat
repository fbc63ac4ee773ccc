;;! test = "verify"
;;! op = "throw"
;;! change.values = 0

(module (tag $t (param i32)) (func (param i32) (throw $t (local.get 0))))
;; function 0: 1 values at byte 0 are not behind the locals and in 4 slots
;;   .0: enter0 0, 32
;;   .8: r3 = move r0
;; > .16: throw 24, 0
