;; A dot product with vectors: n times 16,384 pairs of 16-bit integers, 8 at once.
(module
  (memory 1)
  (func $numbers (local $i i32) (local $x i32)
    (local.set $x (i32.const 99991))
    (loop $next
      (local.set $x (i32.add (i32.mul (local.get $x) (i32.const 1103515245)) (i32.const 12345)))
      (i32.store16 (local.get $i) (i32.shr_s (local.get $x) (i32.const 19)))
      (br_if $next (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 2))) (i32.const 65536)))))
  (func $dot (result i32) (local $i i32) (local $sum v128)
    (loop $next
      (local.set $sum (i32x4.add (local.get $sum)
        (i32x4.dot_i16x8_s (v128.load (local.get $i)) (v128.load offset=32768 (local.get $i)))))
      (br_if $next (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 16))) (i32.const 32768))))
    (i32.add (i32.add (i32x4.extract_lane 0 (local.get $sum)) (i32x4.extract_lane 1 (local.get $sum)))
      (i32.add (i32x4.extract_lane 2 (local.get $sum)) (i32x4.extract_lane 3 (local.get $sum)))))
  (func (export "run") (param $n i32) (result i32) (local $sum i32)
    (call $numbers)
    (loop $again
      (local.set $sum (i32.add (i32.mul (local.get $sum) (i32.const 31)) (call $dot)))
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (local.get $sum)))
