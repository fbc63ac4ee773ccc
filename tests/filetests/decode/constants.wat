;;! test = "decode"

;; Constant expressions: signed integers, bit patterns of floats, and the arithmetic of extended-const.
(module
  (global $a i32 (i32.const -1))
  (global i64 (i64.const 0x8000000000000000))
  (global f32 (f32.const nan:0x200001))
  (global f64 (f64.const -inf))
  (global externref (ref.null extern))
  (global i32 (i32.mul (i32.add (global.get $a) (i32.const 2)) (i32.sub (i32.const 3) (i32.const 4)))))
;; global 0 i32 = i32.const -1
;; global 1 i64 = i64.const -9223372036854775808
;; global 2 f32 = f32.const 2141192193
;; global 3 f64 = f64.const 18442240474082181120
;; global 4 externref = ref.null 111
;; global 5 i32 = global.get 0; i32.const 2; i32.add; i32.const 3; i32.const 4; i32.sub; i32.mul
;; custom name 070401000161 after section 6
;; names module='' funcs={}
