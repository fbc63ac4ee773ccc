;;! test = "translate"
(module
  (import "m" "g" (global $imported (mut i32)))
  (import "m" "f" (func $f))
  (global $own (mut i64) (i64.const 0))
  (table $a 1 funcref)
  (table $b 1 externref)
  (elem $e func $f $g)
  (func $g (export "globals") (result i32)
    (global.set $own (i64.const 1)) (global.set $imported (i32.wrap_i64 (global.get $own))) (global.get $imported))
  (func (export "null") (param externref) (result i32) (i32.add (ref.is_null (local.get 0)) (ref.is_null (ref.null func))))
  (func (export "functions") (result funcref funcref) (ref.func $f) (ref.func $g))
  (func (export "tables") (param externref) (result i32)
    (table.set $b (i32.const 0) (table.get $b (i32.const 1)))
    (table.fill $b (i32.const 0) (local.get 0) (i32.const 1))
    (table.copy $a $a (i32.const 0) (i32.const 0) (i32.const 1))
    (table.init $a $e (i32.const 0) (i32.const 0) (i32.const 1))
    (elem.drop $e)
    (drop (table.grow $b (local.get 0) (i32.const 2)))
    (table.size $b)))
;; function 1 g () -> (i32)  frame 4
;;          enter0 0, 32
;;          r3 = i32.const 1
;;          global.set r3, global 1
;;          r3 = global.get global 1
;;          r3 = i32.wrap_i64 r3
;;          global.set imported r3, global 0 m.g
;;          r0 = global.get imported global 0 m.g
;;          return 8
;; function 2 null (externref) -> (i32)  frame 5
;;          enter0 0, 40
;;          r3 = i32.eq_imm r0, 0
;;          r4 = i32.const 0
;;          r4 = i32.eq_imm r4, 0
;;          r0 = i32.add r3, r4
;;          return 8
;; function 3 functions () -> (funcref funcref)  frame 6
;;          enter0 0, 48
;;          r4 = ref.func imported function 0 f
;;          r5 = ref.func function 1 g
;;          r0 = move r4
;;          r1 = move r5
;;          return 16
;; function 4 tables (externref) -> (i32)  frame 6
;;          enter0 0, 48
;;          r4 = i32.const 1
;;          r4 = table.get r4, table 1
;;          r3 = i32.const 0
;;          table.set r3, r4, table 1
;;          r3 = i32.const 0
;;          r5 = i32.const 1
;;          table.fill table 1, r3, r0, r5
;;          r3 = i32.const 0
;;          r4 = i32.const 0
;;          r5 = i32.const 1
;;          table.copy table 0, table 0, r3, r4, r5
;;          r3 = i32.const 0
;;          r4 = i32.const 0
;;          r5 = i32.const 1
;;          table.init table 0, elem 0, r3, r4, r5
;;          elem.drop elem 0
;;          r4 = i32.const 2
;;          r3 = table.grow table 1, r0, r4
;;          r0 = table.size table 1
;;          return 8
