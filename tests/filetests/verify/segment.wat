;;! test = "verify"
;;! op = "data.drop"
;;! change.segment = 1
(module (memory 1) (data "x") (func (data.drop 0)))
;; function 0: data 1 names nothing of its kind
;;   .0: enter0 0, 16
;; > .8: data.drop 1
;;   .16: return 0
