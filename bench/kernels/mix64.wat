;; 64-bit integers in locals: n steps of a multiply-and-xorshift generator.
(module
  (func (export "run") (param $n i32) (result i64)
    (local $h i64)
    (local.set $h (i64.const 0x12345))
    (loop $step
      (local.set $h (i64.add (i64.mul (local.get $h) (i64.const 6364136223846793005)) (i64.const 1442695040888963407)))
      (local.set $h (i64.xor (local.get $h) (i64.shr_u (local.get $h) (i64.const 33))))
      (local.set $n (i32.sub (local.get $n) (i32.const 1)))
      (br_if $step (local.get $n)))
    (local.get $h)))
