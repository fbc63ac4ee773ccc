;;! test = "validate"

(module (func (drop (v128.const i64x2 0 0))))
;; func 0 () -> () locals [] size 21
;;  0x17 const128 0 0
;;  0x29 drop
;;  0x2a end True
