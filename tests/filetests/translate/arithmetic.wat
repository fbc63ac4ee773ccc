;;! test = "translate"
(module
  (func (export "constant") (param i32) (result i32) (i32.add (local.get 0) (i32.const 1)))
  (func (export "constant_left") (param i32) (result i32) (i32.mul (i32.const 10) (local.get 0)))
  (func (export "subtract") (param i64) (result i64) (i64.sub (local.get 0) (i64.const 5)))
  (func (export "subtract_from") (param i32) (result i32) (i32.sub (i32.const 5) (local.get 0)))
  (func (export "too_large") (param i32) (result i32) (i32.add (local.get 0) (i32.const 40000)))
  (func (export "mirrored") (param i32) (result i32) (i32.lt_s (i32.const 3) (local.get 0)))
  (func (export "free") (param i32 f32) (result i64)
    (i64.add (i64.extend_i32_u (local.get 0)) (i64.extend_i32_u (i32.reinterpret_f32 (local.get 1)))))
  (func (export "inverse") (param i32) (result i32) (i32.eqz (i32.lt_u (local.get 0) (i32.const 3))))
  (func (export "zero") (param i64) (result i32) (i64.eqz (local.get 0)))
  (func (export "float") (param f64) (result f64) (f64.mul (local.get 0) (f64.const 0))))
;; function 0 constant (i32) -> (i32)  frame 5
;;          enter0 0, 40
;;          r0 = i32.add_imm r0, 1
;;          return 8
;; function 1 constant_left (i32) -> (i32)  frame 5
;;          enter0 0, 40
;;          r0 = i32.mul_imm r0, 10
;;          return 8
;; function 2 subtract (i64) -> (i64)  frame 5
;;          enter0 0, 40
;;          r0 = i64.add_imm r0, -5
;;          return 8
;; function 3 subtract_from (i32) -> (i32)  frame 5
;;          enter0 0, 40
;;          r3 = i32.const 5
;;          r0 = i32.sub r3, r0
;;          return 8
;; function 4 too_large (i32) -> (i32)  frame 5
;;          enter0 0, 40
;;          r4 = i32.const 40000
;;          r0 = i32.add r0, r4
;;          return 8
;; function 5 mirrored (i32) -> (i32)  frame 5
;;          enter0 0, 40
;;          r0 = i32.gt_s_imm r0, 3
;;          return 8
;; function 6 free (i32 f32) -> (i64)  frame 6
;;          enter0 0, 48
;;          r0 = i64.add r0, r1
;;          return 16
;; function 7 inverse (i32) -> (i32)  frame 5
;;          enter0 0, 40
;;          r0 = i32.ge_u_imm r0, 3
;;          return 8
;; function 8 zero (i64) -> (i32)  frame 4
;;          enter0 0, 32
;;          r0 = i64.eq_imm r0, 0
;;          return 8
;; function 9 float (f64) -> (f64)  frame 5
;;          enter0 0, 40
;;          r4 = i32.const 0
;;          r0 = f64.mul r0, r4
;;          return 8
