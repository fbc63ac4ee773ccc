;; Floating point and addresses: the product of two n x n matrices, then the sum of its elements.
(module
  (memory 64)
  (func (export "run") (param $n i32) (result f64)
    (local $i i32) (local $j i32) (local $k i32) (local $x i32) (local $y i32)
    (local $row i32) (local $second i32) (local $dot f64) (local $sum f64)
    (local.set $row (i32.shl (local.get $n) (i32.const 3)))
    (local.set $second (i32.mul (local.get $n) (local.get $row)))
    (loop $fill
      (f64.store (i32.shl (local.get $i) (i32.const 3)) (f64.convert_i32_s (i32.and (local.get $i) (i32.const 7))))
      (f64.store (i32.add (local.get $second) (i32.shl (local.get $i) (i32.const 3))) (f64.convert_i32_s (i32.and (local.get $i) (i32.const 3))))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $fill (i32.lt_u (local.get $i) (i32.mul (local.get $n) (local.get $n)))))
    (local.set $i (i32.const 0))
    (loop $rows
      (local.set $j (i32.const 0))
      (loop $columns
        (local.set $dot (f64.const 0))
        (local.set $k (i32.const 0))
        (local.set $x (i32.mul (local.get $i) (local.get $row)))
        (local.set $y (i32.add (local.get $second) (i32.shl (local.get $j) (i32.const 3))))
        (loop $terms
          (local.set $dot (f64.add (local.get $dot) (f64.mul (f64.load (local.get $x)) (f64.load (local.get $y)))))
          (local.set $x (i32.add (local.get $x) (i32.const 8)))
          (local.set $y (i32.add (local.get $y) (local.get $row)))
          (local.set $k (i32.add (local.get $k) (i32.const 1)))
          (br_if $terms (i32.lt_u (local.get $k) (local.get $n))))
        (local.set $sum (f64.add (local.get $sum) (local.get $dot)))
        (local.set $j (i32.add (local.get $j) (i32.const 1)))
        (br_if $columns (i32.lt_u (local.get $j) (local.get $n))))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $rows (i32.lt_u (local.get $i) (local.get $n))))
    (local.get $sum)))
