;;! test = "verify"
;;! op = "throw"
;;! change.tag = 20

(module (tag $t (param i32)) (func (param i32) (throw $t (local.get 0))))
;; function 0: tag 20 names nothing of its kind
;;   .0: enter0 0, 32
;;   .8: r3 = move r0
;; > .16: throw 20, 24
