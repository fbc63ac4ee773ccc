;;! test = "validate"
(module
  (func (param i64 i64) (result i64 i64)
    (i64.mul_wide_s (local.get 0) (local.get 1))
    (i64.sub128 (local.get 0) (local.get 1))))
;; func 0 (i64 i64) -> (i64 i64) locals [] size 14
;;  0x1b local_get 0
;;  0x1d local_get 1
;;  0x1f wide 1045
;;  0x21 local_get 0
;;  0x23 local_get 1
;;  0x25 wide 1044
;;  0x27 end True
