;;! test = "verify"
;;! op = "global.get"
;;! change.disp = 12
(module (global i32 (i32.const 0)) (func (result i32) (global.get 0)))
;; function 0: defined_global 12 names nothing of its kind
;;   .0: enter0 0, 32
;; > .8: r0 = global.get 12
;;   .16: return 8
