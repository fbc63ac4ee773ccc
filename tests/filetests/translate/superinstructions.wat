;;! test = "translate"
(module
  (memory 1)
  (func (export "left") (param i32 i32) (result i32) (i32.xor (i32.shl (local.get 0) (i32.const 3)) (local.get 1)))
  (func (export "commuted") (param i32 i32) (result i32) (i32.xor (local.get 1) (i32.shl (local.get 0) (i32.const 3))))
  (func (export "right") (param i32 f64) (result f64) (f64.div (local.get 1) (f64.load (local.get 0))))
  (func (export "of_a_load") (param i32) (result i32) (i32.add (i32.load offset=8 (local.get 0)) (i32.const -1)))
  (func (export "needed_twice") (param i32 i32) (result i32)
    (i32.add (local.tee 1 (i32.mul (local.get 0) (local.get 0))) (local.get 1)))
  (func (export "not_across_a_label") (param i32) (result i32)
    (i32.add (block (result i32) (i32.mul (local.get 0) (local.get 0)) (br_if 0 (local.get 0))) (local.get 0)))
  (func (export "into_a_local") (param i32) (local i32)
    (local.set 1 (i32.and (i32.shr_u (local.get 0) (i32.const 4)) (i32.const 15)))))
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
