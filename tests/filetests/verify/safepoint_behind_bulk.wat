;;! test = "verify"
;;! op = "i32.clz"
;;! put = "data.drop"
;;! change.segment = 0
(module (data $d "") (func (param i32) (drop (i32.clz (local.get 0))) (drop (i32.clz (local.get 0)))))
;; function 0: no safepoint behind an op that a run can stop in the middle of
;;   .0: enter0 0, 32
;; > .8: data.drop 0
;;   .16: r3 = i32.clz r0
;;   .24: return 8
