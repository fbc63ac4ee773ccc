;;! test = "translate"
;;! safepoints = true
(module
  (memory 1)
  (func (export "count") (param i32) (local i32)
    (loop (br_if 0 (i32.lt_s (local.tee 1 (i32.add (local.get 1) (i32.const 1))) (local.get 0)))))
  (func (export "count_mirrored") (param i32) (local i32)
    (loop (br_if 0 (i32.gt_u (local.get 0) (local.tee 1 (i32.add (local.get 1) (i32.const 1)))))))
  (func (export "count_by") (param i32 i32) (local i32)
    (loop (br_if 0 (i32.ne (local.tee 2 (i32.add (local.get 2) (local.get 1))) (i32.const 100)))))
  (func (export "compared_with_itself") (param i32)
    (loop (br_if 0 (i32.ne (local.tee 0 (i32.add (local.get 0) (i32.const 1))) (local.get 0)))))
  (func (export "float") (param f64)
    (loop (br_if 0 (i32.eqz (f64.lt (local.get 0) (f64.const 1))))))
  (func (export "wide") (param i64) (loop (br_if 0 (i64.eqz (local.get 0)))))
  (func (export "params") (param i32) (result i32)
    (local.get 0) (i32.const 0)
    (loop (param i32 i32) (result i32) (i32.add) (i32.const 1) (br_if 0 (local.get 0)) (drop)))
  (func (export "sum") (param i32 i32) (result i32) (local i32 i32)
    (loop
      (local.set 2 (i32.add (local.get 2) (i32.load offset=4 (i32.add (local.get 0) (i32.shl (local.get 3) (i32.const 2))))))
      (br_if 0 (i32.lt_s (local.tee 3 (i32.add (local.get 3) (i32.const 1))) (local.get 1))))
    (local.get 2))
  (func (export "endless") (loop (br 0))))
;; function 0 count (i32) -> ()  frame 6
;;          enter1 24, 48
;;      .8: inc_br_if i32.lt_s r3, 1, r0, .8
;;          return 8
;;   safepoint .8
;; function 1 count_mirrored (i32) -> ()  frame 7
;;          enter1 24, 56
;;      .8: inc_br_if i32.lt_u r3, 1, r0, .8
;;          return 8
;;   safepoint .8
;; function 2 count_by (i32 i32) -> ()  frame 7
;;          enter1 32, 56
;;      .8: add_br_if i32.ne_imm r4, r1, 100, .8
;;          return 16
;;   safepoint .8
;; function 3 compared_with_itself (i32) -> ()  frame 5
;;          enter0 0, 40
;;      .8: r0 = i32.add_imm r0, 1
;;          loop_br_if i32.ne r0, r0, .8
;;          return 8
;;   safepoint .8
;; function 4 float (f64) -> ()  frame 5
;;          enter0 0, 40
;;      .8: r4 = i64.const 4607182418800017408
;;          loop_br_unless f64.lt r0, r4, .8
;;          return 8
;;   safepoint .8
;; function 5 wide (i64) -> ()  frame 4
;;          enter0 0, 32
;;      .8: loop_br_if i64.eq_imm r0, 0, .8
;;          return 8
;;   safepoint .8
;; function 6 params (i32) -> (i32)  frame 6
;;          enter0 0, 48
;;          r3 = move r0
;;          r4 = i32.const 0
;;     .24: r3 = i32.add r3, r4
;;          br_unless r0, .56
;;          r4 = i32.const 1
;;          loop_br .24
;;     .56: r0 = move r3
;;          return 8
;;   safepoint .24 r3:i32 r4:i32
;; function 7 sum (i32 i32) -> (i32)  frame 10
;;          enter2 32, 80
;;      .8: r7 = i32.shl_imm; i32.add r5, 2, r0
;;          r4 = load32 memory0; i32.add r7, 4, r4
;;          inc_br_if i32.lt_s r5, 1, r1, .8
;;          r0 = move r4
;;          return 16
;;   safepoint .8
;; function 8 endless () -> ()  frame 2
;;          enter0 0, 16
;;      .8: loop_br .8
;;          return 0
;;   safepoint .8
