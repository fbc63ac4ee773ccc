;;! test = "validate"

;; Bit patterns: i32 and f32 zero-extended, i64 and f64 as signed integers.
(module
  (func
    (drop (i32.const -1))
    (drop (i64.const -1))
    (drop (f32.const -0))
    (drop (f64.const -0))))
;; func 0 () -> () locals [] size 24
;;  0x17 const 127 4294967295
;;  0x19 drop
;;  0x1a const 126 -1
;;  0x1c drop
;;  0x1d const 125 2147483648
;;  0x22 drop
;;  0x23 const 124 -9223372036854775808
;;  0x2c drop
;;  0x2d end True
