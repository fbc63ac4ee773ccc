;;! test = "verify"
;;! op = "global.get; i32.add_imm; global.set"
;;! change.disp2 = 32
(module (global (mut i32) (i32.const 0)) (global (mut funcref) (ref.null func)) (func (global.set 0 (i32.add (global.get 0) (i32.const 4)))))
;; function 0: defined_global 32 receives a value of another type
;;   .0: enter0 0, 32
;; > .8: r2 = global.get; i32.add_imm; global.set 24, 4, 32
;;   .24: return 0
