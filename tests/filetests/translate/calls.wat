;;! test = "translate"
;;! safepoints = true
(module
  (type $binary (func (param i32 i32) (result i32)))
  (import "m" "f" (func $imported (type $binary)))
  (table 1 funcref)
  (func $fib (export "fib") (param i32) (result i32)
    (if (result i32) (i32.lt_s (local.get 0) (i32.const 2))
      (then (local.get 0))
      (else (i32.add (call $fib (i32.sub (local.get 0) (i32.const 1))) (call $fib (i32.sub (local.get 0) (i32.const 2)))))))
  (func $swap (param i32 i64) (result i64 i32) (local.get 1) (local.get 0))
  (func (export "imported") (param i32) (result i32) (call $imported (local.get 0) (i32.const 1)))
  (func (export "indirect") (param i32) (result i32)
    (call_indirect (type $binary) (local.get 0) (i32.const 1) (i32.clz (local.get 0))))
  (func (export "several") (param f64) (result f64) (local.get 0) (call $swap (i32.const 1) (i64.const 2)) (drop) (drop)))
;; function 1 fib (i32) -> (i32)  frame 7
;;          enter0 0, 56
;;          br_if i32.ge_s_imm r0, 2, .40
;;          r3 = move r0
;;          br .96
;;     .40: r3 = i32.add_imm r0, -1
;;          call frame r3, header r4, function 1 fib
;;          r4 = i32.add_imm r0, -2
;;          call frame r4, header r5, function 1 fib
;;          r3 = i32.add r3, r4
;;     .96: r0 = move r3
;;          return 8
;;   safepoint .64 r3:i32
;;   safepoint .88 r3:i32 r4:i32
;; function 2 swap (i32 i64) -> (i64 i32)  frame 6
;;          enter0 0, 48
;;          r5 = move r0
;;          r0 = move r1
;;          r1 = move r5
;;          return 16
;; function 3 imported (i32) -> (i32)  frame 7
;;          enter0 0, 56
;;          r3 = move r0
;;          r4 = i32.const 1
;;          call_import function 0 imported, 0, 24, 40
;;          r0 = move r3
;;          return 8
;;   safepoint .48 r3:i32
;; function 4 indirect (i32) -> (i32)  frame 7
;;          enter0 0, 56
;;          r5 = i32.clz r0
;;          r3 = move r0
;;          r4 = i32.const 1
;;          call_indirect r5, table 0, 0, 24, 40
;;          r0 = move r3
;;          return 8
;;   safepoint .56 r3:i32
;; function 5 several (f64) -> (f64)  frame 8
;;          enter0 0, 64
;;          r4 = i32.const 1
;;          r5 = i32.const 2
;;          call frame r4, header r6, function 2 swap
;;          return 8
;;   safepoint .40 r4:i64 r5:i32
