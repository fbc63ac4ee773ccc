;;! test = "translate"
(module
  (func $sum (param i64 i64 i64 i64) (result i64 i64)
    (i64.add128 (local.get 0) (local.get 1) (local.get 2) (local.get 3)))
  (func $of_temporaries (param i64 i64) (result i64 i64)
    (i64.mul_wide_u (i64.clz (local.get 0)) (i64.clz (local.get 1))))
  (func $of_locals (param i64 i64) (result i64 i64)
    (i64.mul_wide_s (local.get 0) (local.get 1))))
;; function 0 sum (i64 i64 i64 i64) -> (i64 i64)  frame 10
;;          enter0 0, 80
;;          r7 = i64.add r1, r3
;;          r7 = i64.add_carry r7, r0, r2
;;          r0 = i64.add r0, r2
;;          r1 = move r7
;;          return 32
;; function 1 of_temporaries (i64 i64) -> (i64 i64)  frame 7
;;          enter0 0, 56
;;          r4 = i64.clz r0
;;          r5 = i64.clz r1
;;          r6 = move r4
;;          r4 = i64.mul r4, r5
;;          r5 = i64.mul_high_u r6, r5
;;          r0 = move r4
;;          r1 = move r5
;;          return 16
;; function 2 of_locals (i64 i64) -> (i64 i64)  frame 6
;;          enter0 0, 48
;;          r4 = i64.mul r0, r1
;;          r5 = i64.mul_high_s r0, r1
;;          r0 = move r4
;;          r1 = move r5
;;          return 16
