;;! test = "translate"
(module
  (memory i64 1)
  (func (export "sum") (param $n i64) (result i32) (local $p i64) (local $s i32)
    (loop
      (local.set $s (i32.add (local.get $s) (i32.load (local.get $p))))
      (br_if 0 (i64.lt_u (local.tee $p (i64.add (local.get $p) (i64.const 4))) (local.get $n))))
    (local.get $s))
  (func (export "sum_far") (param $n i64) (result i64) (local $p i64) (local $s i64)
    (loop
      (local.set $s (i64.add (i64.load offset=0x10000 (local.get $p)) (i64.load offset=8 (local.get $p))))
      (br_if 0 (i64.ne (local.tee $p (i64.add (local.get $p) (local.get $n))) (i64.const 4000))))
    (local.get $s))
  (func (export "fill") (param $n i64) (local $p i64)
    (loop
      (i32.store8 (local.get $p) (i32.const 7)) (i64.store offset=16 (local.get $p) (i64.const -1)) (i32.store (local.get $p) (i32.const 0x8000))
      (br_if 0 (i64.gt_s (local.get $n) (local.tee $p (i64.add (local.get $p) (i64.const 8)))))))
  (func (export "skip") (param $p i64)
    (loop
      (if (i32.load8_u (local.get $p)) (then (return)))
      (br_if 0 (i32.eqz (i32.load8_u offset=1 (local.get $p))))))
  (func (export "mixed") (param $p i64) (param $n i32)
    (loop
      (br_if 0 (i32.lt_u (i32.wrap_i64 (local.tee $p (i64.add (local.get $p) (i64.const 1)))) (local.get $n))))))
;; function 0 sum (i64) -> (i32)  frame 7
;;          enter2 24, 56
;;      .8: r4 = load32 memory0 i64; i32.add r3, 0, r4
;;          inc_br_if i64.lt_u r3, 4, r0, .8
;;          r0 = move r4
;;          return 8
;; function 1 sum_far (i64) -> (i64)  frame 7
;;          enter2 24, 56
;;      .8: r5 = load64 memory r3, 65536, memory 0
;;          r4 = load64 memory0 i64; i64.add r3, 8, r5
;;          add_br_if i64.ne_imm r3, r0, 4000, .8
;;          r0 = move r4
;;          return 8
;; function 2 fill (i64) -> ()  frame 7
;;          enter1 24, 56
;;      .8: store8 memory0 i64_imm r3, 7, 0
;;          store64 memory0 i64_imm r3, -1, 16
;;          r5 = i32.const 32768
;;          store32 memory0 i64 r3, r5, 0
;;          inc_br_if i64.lt_s r3, 8, r0, .8
;;          return 8
;; function 3 skip (i64) -> ()  frame 4
;;          enter0 0, 32
;;      .8: r3 = load8_u memory0 i64; br_unless r0, 0, .32
;;          return 8
;;     .32: r3 = load8_u memory0 i64; loop_br_unless r0, 1, .8
;;          return 8
;; function 4 mixed (i64 i32) -> ()  frame 6
;;          enter0 0, 48
;;      .8: r0 = i64.add_imm r0, 1
;;          r4 = i32.wrap_i64 r0
;;          loop_br_if i32.lt_u r4, r1, .8
;;          return 16
