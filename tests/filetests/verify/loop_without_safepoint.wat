;;! test = "verify"
;;! op = "br_if"
;;! put = "loop_br_if"
;;! change = { c = 0, to = 8 }
(module (func (param i32) (block (br_if 0 (local.get 0)) (drop (i32.clz (local.get 0))))))
;; function 0: no safepoint at .8, where a loop begins
;;   .0: enter0 0, 32
;; > .8: loop_br_if r0, .8
;;   .16: r3 = i32.clz r0
;;   .24: return 8
