;;! test = "validate"

(module (func (param i32) (result i32) (i32.add (local.get 0) (i32.const -1))))
;; func 0 (i32) -> (i32) locals [] size 7
;;  0x19 local_get 0
;;  0x1b const 127 4294967295
;;  0x1d numeric i32.add 2 127
;;  0x1e end True
