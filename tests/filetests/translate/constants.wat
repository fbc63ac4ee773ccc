;;! test = "translate"
(module
  (func (export "low_bits") (param i32) (result i32) (i32.and (local.get 0) (i32.const 0xFFFF)))
  (func (export "low_bits_left") (param i32) (result i32) (i32.and (i32.const 0x7FFFFFFF) (local.get 0)))
  (func (export "high_bits") (param i32) (result i32) (i32.and (local.get 0) (i32.const -65536)))
  (func (export "other_bits") (param i32) (result i32) (i32.and (local.get 0) (i32.const 0xFF0000)))
  (func (export "small_mask") (param i32) (result i32) (i32.and (local.get 0) (i32.const 255)))
  (func (export "of_a_load") (param i32) (result i32) (local i32)
    (local.set 1 (i32.and (i32.mul (local.get 0) (local.get 0)) (i32.const 0xFFFFFF))) (local.get 1))
  (func (export "wrap") (param i64) (result i64) (i64.and (local.get 0) (i64.const 0xFFFFFFFF)))
  (func (export "sums") (param i32) (result i32)
    (i32.sub (i32.add (i32.add (local.get 0) (i32.const 1)) (i32.const 30000)) (i32.const 5)))
  (func (export "sum_too_large") (param i32) (result i32)
    (i32.add (i32.add (local.get 0) (i32.const 30000)) (i32.const 30000)))
  (func (export "sum_needed_twice") (param i32) (result i32) (local i32)
    (i32.add (local.tee 1 (i32.add (local.get 0) (i32.const 1))) (i32.const 1))))
;; function 0 low_bits (i32) -> (i32)  frame 5
;;          enter0 0, 40
;;          r0 = i32.shl_imm; i32.shr_u_imm r0, 16, 16
;;          return 8
;; function 1 low_bits_left (i32) -> (i32)  frame 5
;;          enter0 0, 40
;;          r0 = i32.shl_imm; i32.shr_u_imm r0, 1, 1
;;          return 8
;; function 2 high_bits (i32) -> (i32)  frame 5
;;          enter0 0, 40
;;          r0 = i32.shr_u_imm; i32.shl_imm r0, 16, 16
;;          return 8
;; function 3 other_bits (i32) -> (i32)  frame 5
;;          enter0 0, 40
;;          r4 = i32.const 16711680
;;          r0 = i32.and r0, r4
;;          return 8
;; function 4 small_mask (i32) -> (i32)  frame 5
;;          enter0 0, 40
;;          r0 = i32.and_imm r0, 255
;;          return 8
;; function 5 of_a_load (i32) -> (i32)  frame 6
;;          enter1 24, 48
;;          r4 = i32.mul r0, r0
;;          r3 = i32.shl_imm; i32.shr_u_imm r4, 8, 8
;;          r0 = move r3
;;          return 8
;; function 6 wrap (i64) -> (i64)  frame 5
;;          enter0 0, 40
;;          r0 = i32.wrap_i64 r0
;;          return 8
;; function 7 sums (i32) -> (i32)  frame 5
;;          enter0 0, 40
;;          r0 = i32.add_imm r0, 29996
;;          return 8
;; function 8 sum_too_large (i32) -> (i32)  frame 5
;;          enter0 0, 40
;;          r3 = i32.add_imm r0, 30000
;;          r0 = i32.add_imm r3, 30000
;;          return 8
;; function 9 sum_needed_twice (i32) -> (i32)  frame 6
;;          enter1 24, 48
;;          r3 = i32.add_imm r0, 1
;;          r0 = i32.add_imm r3, 1
;;          return 8
