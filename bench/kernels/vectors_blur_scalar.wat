;; The image filter of vectors_blur, pixel by pixel.
(module
  (memory 4)
  (func $pixels (local $i i32) (local $x i32)
    (local.set $x (i32.const 12345))
    (loop $next
      (local.set $x (i32.add (i32.mul (local.get $x) (i32.const 1103515245)) (i32.const 12345)))
      (i32.store8 (local.get $i) (i32.shr_u (local.get $x) (i32.const 16)))
      (br_if $next (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 65600)))))
  (func $blur (param $from i32) (param $to i32) (local $i i32)
    (loop $next
      (i32.store8 offset=16 (local.get $to)
        (i32.shr_u (i32.add (i32.add (i32.load8_u offset=15 (local.get $from)) (i32.load8_u offset=17 (local.get $from)))
          (i32.shl (i32.load8_u offset=16 (local.get $from)) (i32.const 1))) (i32.const 2)))
      (local.set $from (i32.add (local.get $from) (i32.const 1)))
      (local.set $to (i32.add (local.get $to) (i32.const 1)))
      (br_if $next (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 65536)))))
  (func $sum (result i32) (local $i i32) (local $sum i32)
    (loop $next
      (local.set $sum (i32.add (i32.mul (local.get $sum) (i32.const 31)) (i32.load offset=16 (local.get $i))))
      (br_if $next (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 4))) (i32.const 65536))))
    (local.get $sum))
  (func (export "run") (param $n i32) (result i32)
    (call $pixels)
    (loop $again
      (call $blur (i32.const 0) (i32.const 131072))
      (call $blur (i32.const 131072) (i32.const 0))
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (call $sum)))
