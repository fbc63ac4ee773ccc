;;! test = "verify"
;;! op = "global.set"
;;! change.disp = 32
(module (global (mut i32) (i32.const 0)) (global (mut funcref) (ref.null func)) (func (param i32) (global.set 0 (local.get 0))))
;; function 0: defined_global 32 receives a value of another type
;;   .0: enter0 0, 32
;; > .8: global.set r0, 32
;;   .16: return 8
