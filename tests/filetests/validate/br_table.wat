;;! test = "validate"

(module
  (func (param i32) (result i64)
    (block (result i64)
      (block (result i64)
        (br_table 0 1 2 0 1 (i64.const 7) (local.get 0))))))
;; func 0 (i32) -> (i64) locals [] size 19
;;  0x19 block () (126,)
;;  0x1b block () (126,)
;;  0x1d const 126 7
;;  0x1f local_get 0
;;  0x21 br_table [0, 1, 2, 0, 1]
;;  0x28 end False
;;  0x29 end True
;;  0x2a end True
