;;! test = "translate"
(module
  (func (export "if_else") (param i32) (result i32)
    (if (result i32) (i32.lt_s (local.get 0) (i32.const 2)) (then (local.get 0)) (else (i32.const 5))))
  (func (export "if_params") (param i32) (result i32)
    (local.get 0) (i32.const 3)
    (if (param i32) (result i32) (i32.eqz (local.get 0)) (then (i32.const 1) (i32.add)) (else (i32.clz)))
    (i32.sub))
  (func (export "constant_below") (param i32) (result i32)
    (i32.const 9)
    (block (br_if 0 (local.get 0)) (local.set 0 (i32.const 1)))
    (local.get 0) (i32.sub))
  (func (export "alias_below") (param i32) (result i32)
    (local.get 0)
    (block (br_if 0 (local.get 0)) (local.set 0 (i32.const 1))))
  (func (export "not_branched_to") (param i32) (result i32)
    (block (result i32) (local.get 0)))
  (func (export "value_in_place") (param i32) (result i32)
    (block (result i32) (i32.clz (local.get 0)) (br_if 0 (local.get 0)) (i32.ctz)))
  (func (export "value_to_move") (param i32) (result i32)
    (block (result i32) (br_if 0 (local.get 0) (i32.gt_u (local.get 0) (i32.const 5))) (i32.ctz)))
  (func (export "end_of_nothing") (block (br 0)) (block (unreachable)))
  (func (export "after_return") (param i32) (result i32) (block (return (local.get 0))) (i32.const 1)))
;; function 0 if_else (i32) -> (i32)  frame 5
;;          enter0 0, 40
;;          br_if i32.ge_s_imm r0, 2, .40
;;          r3 = move r0
;;          br .48
;;     .40: r3 = i32.const 5
;;     .48: r0 = move r3
;;          return 8
;; function 1 if_params (i32) -> (i32)  frame 6
;;          enter0 0, 48
;;          r5 = i32.eq_imm r0, 0
;;          r3 = move r0
;;          r4 = i32.const 3
;;          br_unless r5, .56
;;          r4 = i32.add_imm r4, 1
;;          br .64
;;     .56: r4 = i32.clz r4
;;     .64: r0 = i32.sub r3, r4
;;          return 8
;; function 2 constant_below (i32) -> (i32)  frame 5
;;          enter0 0, 40
;;          br_if r0, .24
;;          r0 = i32.const 1
;;     .24: r3 = i32.const 9
;;          r0 = i32.sub r3, r0
;;          return 8
;; function 3 alias_below (i32) -> (i32)  frame 5
;;          enter0 0, 40
;;          r3 = move r0
;;          br_if r0, .32
;;          r0 = i32.const 1
;;     .32: r0 = move r3
;;          return 8
;; function 4 not_branched_to (i32) -> (i32)  frame 4
;;          enter0 0, 32
;;          return 8
;; function 5 value_in_place (i32) -> (i32)  frame 5
;;          enter0 0, 40
;;          r3 = i32.clz r0
;;          br_if r0, .32
;;          r3 = i32.ctz r3
;;     .32: r0 = move r3
;;          return 8
;; function 6 value_to_move (i32) -> (i32)  frame 6
;;          enter0 0, 48
;;          br_if i32.le_u_imm r0, 5, .40
;;          r3 = move r0
;;          br .48
;;     .40: r3 = i32.ctz r0
;;     .48: r0 = move r3
;;          return 8
;; function 7 end_of_nothing () -> ()  frame 2
;;          enter0 0, 16
;;          br .16
;;     .16: unreachable
;;          return 0
;; function 8 after_return (i32) -> (i32)  frame 4
;;          enter0 0, 32
;;          return 8
;;          r0 = i32.const 1
;;          return 8
