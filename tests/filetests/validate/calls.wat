;;! test = "validate"

(module
  (type $t (func (param i32 f64) (result f32)))
  (import "env" "f" (func $f (type $t)))
  (table 4 funcref)
  (func (result f32)
    (drop (call $f (i32.const 1) (f64.const 2)))
    (call_indirect (type $t) (i32.const 1) (f64.const 0.5) (i32.const 3))))
;; func 1 () -> (f32) locals [] size 32
;;  0x2f const 127 1
;;  0x31 const 124 4611686018427387904
;;  0x3a call 0 2 1
;;  0x3c drop
;;  0x3d const 127 1
;;  0x3f const 124 4602678819172646912
;;  0x48 const 127 3
;;  0x4a call_indirect 0 0 2 1
;;  0x4d end True
