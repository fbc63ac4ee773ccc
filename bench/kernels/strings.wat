;; Bytes as C's string functions take them: n times make a string, measure it, copy it, compare the copies, hash one.
(module
  (memory 2)
  (func $length (param $s i32) (result i32)
    (local $p i32)
    (local.set $p (local.get $s))
    (block $end
      (loop $next
        (br_if $end (i32.eqz (i32.load8_u (local.get $p))))
        (local.set $p (i32.add (local.get $p) (i32.const 1)))
        (br $next)))
    (i32.sub (local.get $p) (local.get $s)))
  (func $copy (param $to i32) (param $from i32) (param $count i32)
    (loop $next
      (i32.store8 (local.get $to) (i32.load8_u (local.get $from)))
      (local.set $to (i32.add (local.get $to) (i32.const 1)))
      (local.set $from (i32.add (local.get $from) (i32.const 1)))
      (br_if $next (local.tee $count (i32.sub (local.get $count) (i32.const 1))))))
  (func $compare (param $a i32) (param $b i32) (result i32)
    (local $x i32) (local $y i32)
    (loop $next (result i32)
      (local.set $x (i32.load8_u (local.get $a)))
      (local.set $y (i32.load8_u (local.get $b)))
      (if (result i32) (i32.or (i32.ne (local.get $x) (local.get $y)) (i32.eqz (local.get $x)))
        (then (i32.sub (local.get $x) (local.get $y)))
        (else
          (local.set $a (i32.add (local.get $a) (i32.const 1)))
          (local.set $b (i32.add (local.get $b) (i32.const 1)))
          (br $next)))))
  (func $hash (param $s i32) (result i32)
    (local $h i32) (local $c i32)
    (local.set $h (i32.const 5381))
    (block $end
      (loop $next
        (br_if $end (i32.eqz (local.tee $c (i32.load8_u (local.get $s)))))
        (local.set $h (i32.xor (i32.add (i32.shl (local.get $h) (i32.const 5)) (local.get $h)) (local.get $c)))
        (local.set $s (i32.add (local.get $s) (i32.const 1)))
        (br $next)))
    (local.get $h))
  (func (export "run") (param $n i32) (result i32)
    (local $i i32) (local $sum i32)
    (loop $again
      (local.set $i (i32.const 0))
      (loop $make
        (i32.store8 (local.get $i) (i32.add (i32.rem_u (i32.mul (i32.add (local.get $i) (local.get $n)) (i32.const 7)) (i32.const 26)) (i32.const 97)))
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br_if $make (i32.lt_u (local.get $i) (i32.const 1000))))
      (call $copy (i32.const 0x10000) (i32.const 0) (i32.add (call $length (i32.const 0)) (i32.const 1)))
      (local.set $sum (i32.add (local.get $sum) (i32.add (call $compare (i32.const 0) (i32.const 0x10000)) (call $hash (i32.const 0x10000)))))
      (local.set $n (i32.sub (local.get $n) (i32.const 1)))
      (br_if $again (local.get $n)))
    (local.get $sum)))
