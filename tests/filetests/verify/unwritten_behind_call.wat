;;! test = "verify"
;;! op = "i32.eq_imm"
;;! change.a = 32
(module (func $f (param i32) (result i32) (i32.eqz (call $f (i32.clz (i32.ctz (local.get 0)))))))
;; function 0: slot 4 is read, and not written on every path that leads here
;;   .8: r3 = i32.ctz r0
;;   .16: r3 = i32.clz r3
;;   .24: call 24, 32, .0
;; > .40: r0 = i32.eq_imm r4, 0
;;   .48: return 8
