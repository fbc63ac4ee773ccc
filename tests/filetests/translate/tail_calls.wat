;;! test = "translate"
;;! safepoints = true
(module
  (type $one (func (param i64) (result i64)))
  (type $four (func (param i64 i64 i64 i64) (result i64)))
  (import "m" "f" (func $imported (type $one)))
  (table 1 funcref)
  (func $sum (export "sum") (param $n i64) (param $all i64) (result i64)
    (if (i64.eqz (local.get $n)) (then (return (local.get $all))))
    (return_call $sum (i64.sub (local.get $n) (i64.const 1)) (i64.add (local.get $all) (local.get $n))))
  (func $turn (export "turn") (param i64 i64) (result i64) (return_call $sum (local.get 1) (local.get 0)))
  (func (export "more") (param $i i32) (result i64) (local $x i64)
    (return_call_indirect (type $four) (i64.const 1) (local.get $x) (i64.const 3) (i64.const 4) (local.get $i)))
  (func (export "less") (param i64 i64 i64) (result i64) (return_call $imported (local.get 2)))
  (func (export "index") (param i32 i32) (result i64) (return_call_indirect (type $one) (i64.const 7) (local.get 0)))
  (func (export "dead") (result i64) (return_call $imported (i64.const 1)) (drop) (i64.const 2)))
;; function 1 sum (i64 i64) -> (i64)  frame 7
;;          enter0 0, 56
;;          br_if i64.ne_imm r0, 0, .40
;;          r0 = move r1
;;          return 16
;;     .40: r4 = i64.add_imm r0, -1
;;          r1 = i64.add r1, r0
;;          r0 = move r4
;;          return_call old_header r2, header r2, function 1 sum
;; function 2 turn (i64 i64) -> (i64)  frame 6
;;          enter0 0, 48
;;          r5 = move r0
;;          r0 = move r1
;;          r1 = move r5
;;          return_call old_header r2, header r2, function 1 sum
;; function 3 more (i32) -> (i64)  frame 11
;;          enter1 24, 88
;;          r10 = move r0
;;          callee r10, table 0, 1
;;          r9 = i32.const 4
;;          r8 = i32.const 3
;;          r7 = move r3
;;          r6 = i32.const 1
;;          carry 8, 32, 48
;;          return_call_indirect r10, table 0, 1, 32, 32
;; function 4 less (i64 i64 i64) -> (i64)  frame 6
;;          enter0 0, 48
;;          r0 = move r2
;;          return_call_import function 0 imported, 0, 24, 8
;; function 5 index (i32 i32) -> (i64)  frame 6
;;          enter0 0, 48
;;          r5 = move r0
;;          r0 = i32.const 7
;;          return_call_indirect r5, table 0, 0, 16, 8
;; function 6 dead () -> (i64)  frame 4
;;          enter0 0, 32
;;          r0 = i32.const 1
;;          return_call_import function 0 imported, 0, 8, 8
