;;! test = "verify"
;;! op = "i32.add"
;;! change.a = 800
(module (func (param i32 i32) (result i32) (local i32) (i32.add (local.get 0) (local.get 1))))
;; function 0: byte 800 is no slot of a frame of 56 bytes with its header at 16
;;   .0: enter1 32, 56
;; > .8: r0 = i32.add r100, r1
;;   .16: return 16
