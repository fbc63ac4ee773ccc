;;! test = "verify"
;;! op = "br_table"
;;! change.targets = [0, 24]
(module (func (param i32) (block (br_table 0 0 (local.get 0)))))
;; function 0: label .0 lies the wrong way
;;   .0: enter0 0, 32
;; > .8: br_table r0, [.0 .24]
;;   .24: return 8
