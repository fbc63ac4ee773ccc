;;! test = "verify"
;;! op = "br_if"
;;! change.to = 16

;; It would never end, and pay for nothing.
(module (func (param i32) (loop (br_if 0 (local.get 0))) (block (br_if 0 (local.get 0)))))
;; function 0: label .16 lies the wrong way
;;   .0: enter0 0, 32
;;   .8: loop_br_if r0, .8
;; > .16: br_if r0, .16
;;   .24: return 8
