;; Recursion over memory: quicksort of n random words; gives a sum that depends on their order.
(module
  (memory 32)
  (func $sort (param $low i32) (param $high i32)
    (local $i i32) (local $j i32) (local $pivot i32) (local $x i32)
    (local.set $i (local.get $low))
    (local.set $j (local.get $high))
    (local.set $pivot (i32.load (i32.and (i32.shr_u (i32.add (local.get $low) (local.get $high)) (i32.const 1)) (i32.const -4))))
    (loop $split
      (loop $up
        (if (i32.lt_u (i32.load (local.get $i)) (local.get $pivot))
          (then (local.set $i (i32.add (local.get $i) (i32.const 4))) (br $up))))
      (loop $down
        (if (i32.gt_u (i32.load (local.get $j)) (local.get $pivot))
          (then (local.set $j (i32.sub (local.get $j) (i32.const 4))) (br $down))))
      (if (i32.le_s (local.get $i) (local.get $j))
        (then
          (local.set $x (i32.load (local.get $i)))
          (i32.store (local.get $i) (i32.load (local.get $j)))
          (i32.store (local.get $j) (local.get $x))
          (local.set $i (i32.add (local.get $i) (i32.const 4)))
          (local.set $j (i32.sub (local.get $j) (i32.const 4)))))
      (br_if $split (i32.le_s (local.get $i) (local.get $j))))
    (if (i32.lt_s (local.get $low) (local.get $j)) (then (call $sort (local.get $low) (local.get $j))))
    (if (i32.lt_s (local.get $i) (local.get $high)) (then (call $sort (local.get $i) (local.get $high)))))
  (func (export "run") (param $n i32) (result i32)
    (local $i i32) (local $x i32) (local $sum i32)
    (local.set $x (i32.const 1))
    (loop $fill
      (local.set $x (i32.add (i32.mul (local.get $x) (i32.const 1664525)) (i32.const 1013904223)))
      (i32.store offset=64 (i32.shl (local.get $i) (i32.const 2)) (local.get $x))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $fill (i32.lt_u (local.get $i) (local.get $n))))
    (call $sort (i32.const 64) (i32.add (i32.const 60) (i32.shl (local.get $n) (i32.const 2))))
    (local.set $i (i32.const 0))
    (loop $add
      (local.set $sum (i32.add (i32.mul (local.get $sum) (i32.const 31)) (i32.load offset=64 (i32.shl (local.get $i) (i32.const 2)))))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $add (i32.lt_u (local.get $i) (local.get $n))))
    (local.get $sum)))
