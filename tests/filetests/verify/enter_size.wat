;;! test = "verify"
;;! op = "enter1"
;;! change.size = 800
(module (func (param i32 i32) (result i32) (local i32) (i32.add (local.get 0) (local.get 1))))
;; function 0: the frame has 56 bytes
;; > .0: enter1 32, 800
;;   .8: r0 = i32.add r0, r1
;;   .16: return 16
