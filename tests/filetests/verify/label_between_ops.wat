;;! test = "verify"
;;! op = "br_if i32.lt_s"
;;! change.to = 48
(module (func (param i32) (block (br_if 0 (i32.lt_s (local.get 0) (i32.clz (local.get 0)))) (br_if 0 (i32.lt_s (local.get 0) (i32.clz (local.get 0)))) )))
;; function 0: label .48 is no op, but inside this one
;;   .8: r4 = i32.clz r0
;;   .16: br_if i32.lt_s r0, r4, .48
;;   .32: r4 = i32.clz r0
;; > .40: br_if i32.lt_s r0, r4, .56
;;   .56: return 8
