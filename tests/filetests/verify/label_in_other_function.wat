;;! test = "verify"
;;! op = "br_if"
;;! change.to = 800
(module (func (param i32) (loop (br_if 0 (local.get 0))) (block (br_if 0 (local.get 0)))))
;; function 0: label .800 is no op of the function
;;   .0: enter0 0, 32
;;   .8: loop_br_if r0, .8
;; > .16: br_if r0, .800
;;   .24: return 8
