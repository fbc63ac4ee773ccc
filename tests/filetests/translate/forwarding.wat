;;! test = "translate"
(module
  (memory 1)
  (func $f)
  (func (export "of_a_local") (param i32 i32) (result i32)
    (i32.store offset=4 (local.get 0) (local.get 1))
    (i32.add (i32.load offset=4 (local.get 0)) (i32.load offset=4 (local.get 0))))
  (func (export "of_a_temporary") (param i32 i32) (result i32)
    (i32.store (local.get 0) (i32.mul (local.get 1) (local.get 1)))
    (i32.clz (i32.load (local.get 0))))
  (func (export "into_a_local") (param i32 i32)
    (i32.store (local.get 0) (i32.mul (local.get 1) (local.get 1)))
    (local.set 1 (i32.load (local.get 0))))
  (func (export "other_types") (param i32 f32 f64) (result i64)
    (f32.store (local.get 0) (local.get 1))
    (i64.load32_u (local.get 0))
    (f64.store (local.get 0) (local.get 2))
    (i64.add (i64.load (local.get 0))))
  (func (export "an_alias_that_changes") (param i32 i32) (result i32)
    (i32.store (local.get 0) (local.get 1))
    (i32.load (local.get 0))
    (local.set 1 (i32.const 0)))
  (func (export "inside_a_block") (param i32 i32) (result i32)
    (i32.store (local.get 0) (local.get 1))
    (block (result i32) (i32.clz (i32.load (local.get 0)))))
  (func (export "not_of_other_words") (param i32 i32) (result i32)
    (i32.store (local.get 0) (local.get 1))
    (i32.store (local.get 0) (i32.load (local.get 1)))
    (i32.load offset=4 (local.get 0)))
  (func (export "not_where_the_base_changed") (param i32 i32) (result i32)
    (i32.store (local.get 0) (local.get 1))
    (i32.load (local.tee 0 (i32.const 8))))
  (func (export "not_where_the_value_changed") (param i32 i32) (result i32)
    (i32.store (local.get 0) (local.get 1))
    (local.set 1 (i32.const 8))
    (i32.load (local.get 0)))
  (func (export "not_of_a_computed_address") (param i32 i32) (result i32)
    (i32.store (i32.mul (local.get 0) (local.get 0)) (local.get 1))
    (i32.load (i32.mul (local.get 0) (local.get 0))))
  (func (export "not_of_parts") (param i32 i64 i32) (result i64)
    (i64.store32 (local.get 0) (local.get 1)) (i64.load32_u (local.get 0))
    (i32.store8 (local.get 0) (local.get 2)) (i64.add (i64.load8_u (local.get 0)))
    (i32.store (local.get 0) (local.get 2)) (i64.add (i64.load32_s (local.get 0)))
    (i32.store (local.get 0) (local.get 2)) (i64.add (i64.load (local.get 0))))
  (func (export "not_across_a_label") (param i32 i32) (result i32)
    (block (br_if 0 (local.get 1)) (i32.store (local.get 0) (local.get 1)))
    (i32.load (local.get 0)))
  (func (export "not_into_a_loop") (param i32 i32)
    (i32.store (local.get 0) (local.get 1))
    (loop (br_if 0 (i32.clz (i32.load (local.get 0))))))
  (func (export "not_across_a_call") (param i32 i32) (result i32)
    (i32.store (local.get 0) (local.get 1)) (call $f) (i32.load (local.get 0))))
;; function 0 f () -> ()  frame 2
;;          enter0 0, 16
;;          return 0
;; function 1 of_a_local (i32 i32) -> (i32)  frame 6
;;          enter0 0, 48
;;          store32 memory0 r0, r1, 4
;;          r0 = i32.add r1, r1
;;          return 16
;; function 2 of_a_temporary (i32 i32) -> (i32)  frame 7
;;          enter0 0, 56
;;          r4 = i32.mul r1, r1
;;          store32 memory0 r0, r4, 0
;;          r0 = i32.clz r4
;;          return 16
;; function 3 into_a_local (i32 i32) -> ()  frame 7
;;          enter0 0, 56
;;          r4 = i32.mul r1, r1
;;          store32 memory0 r0, r4, 0
;;          r1 = move r4
;;          return 16
;; function 4 other_types (i32 f32 f64) -> (i64)  frame 8
;;          enter0 0, 64
;;          store32 memory0 r0, r1, 0
;;          store64 memory0 r0, r2, 0
;;          r0 = i64.add r1, r2
;;          return 24
;; function 5 an_alias_that_changes (i32 i32) -> (i32)  frame 6
;;          enter0 0, 48
;;          store32 memory0 r0, r1, 0
;;          r4 = move r1
;;          r1 = i32.const 0
;;          r0 = move r4
;;          return 16
;; function 6 inside_a_block (i32 i32) -> (i32)  frame 6
;;          enter0 0, 48
;;          store32 memory0 r0, r1, 0
;;          r0 = i32.clz r1
;;          return 16
;; function 7 not_of_other_words (i32 i32) -> (i32)  frame 6
;;          enter0 0, 48
;;          store32 memory0 r0, r1, 0
;;          r4 = load32 memory0 r1, 0
;;          store32 memory0 r0, r4, 0
;;          r0 = load32 memory0 r0, 4
;;          return 16
;; function 8 not_where_the_base_changed (i32 i32) -> (i32)  frame 6
;;          enter0 0, 48
;;          store32 memory0 r0, r1, 0
;;          r0 = i32.const 8
;;          r0 = i32.const; load32 memory0 8, 0
;;          return 16
;; function 9 not_where_the_value_changed (i32 i32) -> (i32)  frame 6
;;          enter0 0, 48
;;          store32 memory0 r0, r1, 0
;;          r1 = i32.const 8
;;          r0 = load32 memory0 r0, 0
;;          return 16
;; function 10 not_of_a_computed_address (i32 i32) -> (i32)  frame 6
;;          enter0 0, 48
;;          r4 = i32.mul r0, r0
;;          store32 memory0 r4, r1, 0
;;          r4 = i32.mul r0, r0
;;          r0 = load32 memory0 r4, 0
;;          return 16
;; function 11 not_of_parts (i32 i64 i32) -> (i64)  frame 8
;;          enter0 0, 64
;;          store32 memory0 r0, r1, 0
;;          r5 = load32 memory0 r0, 0
;;          store8 memory0 r0, r2, 0
;;          r6 = load8_u memory0 r0, 0
;;          r5 = i64.add r5, r6
;;          store32 memory0 r0, r2, 0
;;          r6 = load32_s.i64 memory0 r0, 0
;;          r5 = i64.add r5, r6
;;          store32 memory0 r0, r2, 0
;;          r0 = load64 memory0; i64.add r0, 0, r5
;;          return 24
;; function 12 not_across_a_label (i32 i32) -> (i32)  frame 6
;;          enter0 0, 48
;;          br_if r1, .24
;;          store32 memory0 r0, r1, 0
;;     .24: r0 = load32 memory0 r0, 0
;;          return 16
;; function 13 not_into_a_loop (i32 i32) -> ()  frame 6
;;          enter0 0, 48
;;          store32 memory0 r0, r1, 0
;;     .16: r4 = load32 memory0 r0, 0
;;          r4 = i32.clz r4
;;          loop_br_if r4, .16
;;          return 16
;; function 14 not_across_a_call (i32 i32) -> (i32)  frame 6
;;          enter0 0, 48
;;          store32 memory0 r0, r1, 0
;;          call frame r4, header r4, function 0 f
;;          r0 = load32 memory0 r0, 0
;;          return 16
