;;! test = "verify"
;;! op = "enter1"
;;! change.first = 24
(module (func (param i32 i32) (result i32) (local i32) (i32.add (local.get 0) (local.get 1))))
;; function 0: 1 slots from byte 24 are not the next locals, or lie outside the frame
;; > .0: enter1 24, 56
;;   .8: r0 = i32.add r0, r1
;;   .16: return 16
