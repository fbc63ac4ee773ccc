;; A hash with vectors: n times 64 KiB of bytes, each added to 31 times what came before, 16 lanes at once.
(module
  (memory 1)
  (func $bytes (local $i i32) (local $x i32)
    (local.set $x (i32.const 4711))
    (loop $next
      (local.set $x (i32.add (i32.mul (local.get $x) (i32.const 1103515245)) (i32.const 12345)))
      (i32.store (local.get $i) (local.get $x))
      (br_if $next (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 4))) (i32.const 65536)))))
  (func $hash (result i32) (local $i i32) (local $low v128) (local $high v128) (local $power v128)
    (local $a v128) (local $b v128) (local $c v128) (local $d v128)
    (local.set $power (i32x4.splat (i32.const 0x50a9de01)))
    (loop $next
      (local.set $low (i16x8.extend_low_i8x16_u (local.tee $high (v128.load (local.get $i)))))
      (local.set $high (i16x8.extend_high_i8x16_u (local.get $high)))
      (local.set $a (i32x4.add (i32x4.mul (local.get $a) (local.get $power)) (i32x4.extend_low_i16x8_u (local.get $low))))
      (local.set $b (i32x4.add (i32x4.mul (local.get $b) (local.get $power)) (i32x4.extend_high_i16x8_u (local.get $low))))
      (local.set $c (i32x4.add (i32x4.mul (local.get $c) (local.get $power)) (i32x4.extend_low_i16x8_u (local.get $high))))
      (local.set $d (i32x4.add (i32x4.mul (local.get $d) (local.get $power)) (i32x4.extend_high_i16x8_u (local.get $high))))
      (br_if $next (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 16))) (i32.const 65536))))
    (local.set $a (i32x4.add
      (i32x4.add (i32x4.mul (local.get $a) (v128.const i32x4 0xe191dddf 0x59db6a41 0xe1ddc99f 0xee830681))
        (i32x4.mul (local.get $b) (v128.const i32x4 0x7b1a55f 0x94e4b2c1 0xf449711f 0x94446f01)))
      (i32x4.add (i32x4.mul (local.get $c) (v128.const i32x4 0x67e12cdf 0x34e63b41 0x1b4d89f 0xe1781))
        (i32x4.mul (local.get $d) (v128.const i32x4 0x745f 0x3c1 0x1f 0x1)))))
    (i32.add (i32.add (i32x4.extract_lane 0 (local.get $a)) (i32x4.extract_lane 1 (local.get $a)))
      (i32.add (i32x4.extract_lane 2 (local.get $a)) (i32x4.extract_lane 3 (local.get $a)))))
  (func (export "run") (param $n i32) (result i32) (local $sum i32)
    (call $bytes)
    (loop $again
      (local.set $sum (i32.add (i32.mul (local.get $sum) (i32.const 31)) (call $hash)))
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (local.get $sum)))
