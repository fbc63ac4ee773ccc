;;! test = "translate"
(module
  (memory 1)
  (global $sp (mut i32) (i32.const 1024))
  (func (export "left") (param i32 i32) (result i32) (i32.xor (i32.shl (local.get 0) (i32.const 3)) (local.get 1)))
  (func (export "commuted") (param i32 i32) (result i32) (i32.xor (local.get 1) (i32.shl (local.get 0) (i32.const 3))))
  (func (export "right") (param i32 f64) (result f64) (f64.div (local.get 1) (f64.load (local.get 0))))
  (func (export "of_a_load") (param i32) (result i32) (i32.add (i32.load offset=8 (local.get 0)) (i32.const -1)))
  (func (export "needed_twice") (param i32 i32) (result i32)
    (i32.add (local.tee 1 (i32.mul (local.get 0) (local.get 0))) (local.get 1)))
  (func (export "not_across_a_label") (param i32) (result i32)
    (i32.add (block (result i32) (i32.mul (local.get 0) (local.get 0)) (br_if 0 (local.get 0))) (local.get 0)))
  (func (export "into_a_local") (param i32) (local i32)
    (local.set 1 (i32.and (i32.shr_u (local.get 0) (i32.const 4)) (i32.const 15))))
  (func (export "frame_of_c") (local i32)
    (global.set $sp (local.tee 0 (i32.sub (global.get $sp) (i32.const 16))))
    (i32.store offset=12 (local.get 0) (i32.add (local.get 0) (i32.const 4)))
    (global.set $sp (i32.add (local.get 0) (i32.const 16))))
  (func (export "global_alone") (result i32) (i32.add (global.get $sp) (i32.const 16)))
  (func (export "base_is_the_value") (param i32)
    (i32.store (local.tee 0 (i32.add (local.get 0) (i32.const 4))) (local.get 0)))
  (func (export "fixed_address") (result i32) (i32.load offset=8 (i32.const 70000)))
  (func (export "tests") (param i32 i32)
    (block (br_if 0 (i32.load8_u offset=3 (local.get 0)))
           (br_if 0 (i32.eqz (local.tee 1 (i32.load (local.get 0)))))
           (loop (br_if 1 (i32.and (local.get 1) (i32.const 7)))
                 (br_if 0 (local.tee 1 (i32.add (local.get 1) (i32.const -1))))))))
;; function 0 left (i32 i32) -> (i32)  frame 6
;;          enter0 0, 48
;;          r0 = i32.shl_imm; i32.xor r0, 3, r1
;;          return 16
;; function 1 commuted (i32 i32) -> (i32)  frame 7
;;          enter0 0, 56
;;          r0 = i32.shl_imm; i32.xor r0, 3, r1
;;          return 16
;; function 2 right (i32 f64) -> (f64)  frame 6
;;          enter0 0, 48
;;          r0 = load64 memory0; f64.div right r0, 0, r1
;;          return 16
;; function 3 of_a_load (i32) -> (i32)  frame 5
;;          enter0 0, 40
;;          r0 = load32 memory0; i32.add_imm r0, 8, -1
;;          return 8
;; function 4 needed_twice (i32 i32) -> (i32)  frame 6
;;          enter0 0, 48
;;          r1 = i32.mul r0, r0
;;          r0 = i32.add r1, r1
;;          return 16
;; function 5 not_across_a_label (i32) -> (i32)  frame 5
;;          enter0 0, 40
;;          r3 = i32.mul r0, r0
;;          br_if r0, .24
;;     .24: r0 = i32.add r3, r0
;;          return 8
;; function 6 into_a_local (i32) -> ()  frame 6
;;          enter1 24, 48
;;          r3 = i32.shr_u_imm; i32.and_imm r0, 4, 15
;;          return 8
;; function 7 frame_of_c () -> ()  frame 6
;;          enter1 16, 48
;;          r2 = global.get; i32.add_imm; global.set global 0, -16, global 0
;;          r3 = i32.add_imm; store32 memory0 r2, 4, r2, 12
;;          r3 = i32.add_imm; global.set r2, 16, global 0
;;          return 0
;; function 8 global_alone () -> (i32)  frame 5
;;          enter0 0, 40
;;          r0 = global.get; i32.add_imm global 0, 16
;;          return 8
;; function 9 base_is_the_value (i32) -> ()  frame 5
;;          enter0 0, 40
;;          r0 = i32.add_imm r0, 4
;;          store32 memory0 r0, r0, 0
;;          return 8
;; function 10 fixed_address () -> (i32)  frame 4
;;          enter0 0, 32
;;          r0 = i32.const; load32 memory0 70000, 8
;;          return 8
;; function 11 tests (i32 i32) -> ()  frame 6
;;          enter0 0, 48
;;          r4 = load8_u memory0; br_if r0, 3, .72
;;          r1 = load32 memory0; br_unless r0, 0, .72
;;     .40: r4 = i32.and_imm; br_if r1, 7, .72
;;          r1 = i32.add_imm; loop_br_if r1, -1, .40
;;     .72: return 16
