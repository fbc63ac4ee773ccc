;; 32-bit rotates, shifts and exclusive ors, as in SHA-256: n blocks, each a message schedule and 64 rounds.
(module
  (memory 1)
  (func $small (param $x i32) (param $r i32) (param $s i32) (param $t i32) (result i32)
    (i32.xor (i32.xor (i32.rotr (local.get $x) (local.get $r)) (i32.rotr (local.get $x) (local.get $s)))
             (i32.shr_u (local.get $x) (local.get $t))))
  (func (export "run") (param $n i32) (result i32)
    (local $i i32) (local $a i32) (local $b i32) (local $c i32) (local $d i32)
    (local $e i32) (local $f i32) (local $g i32) (local $h i32) (local $x i32) (local $y i32)
    (local.set $a (i32.const 0x6a09e667)) (local.set $b (i32.const 0xbb67ae85))
    (local.set $c (i32.const 0x3c6ef372)) (local.set $d (i32.const 0xa54ff53a))
    (local.set $e (i32.const 0x510e527f)) (local.set $f (i32.const 0x9b05688c))
    (local.set $g (i32.const 0x1f83d9ab)) (local.set $h (i32.const 0x5be0cd19))
    (loop $block
      (local.set $i (i32.const 0))
      (loop $load
        (i32.store (local.get $i) (i32.add (i32.mul (local.get $i) (i32.const 0x9e3779b9)) (local.get $n)))
        (local.set $i (i32.add (local.get $i) (i32.const 4)))
        (br_if $load (i32.lt_u (local.get $i) (i32.const 64))))
      (loop $extend
        (i32.store offset=0 (local.get $i)
          (i32.add
            (i32.add (i32.load (i32.sub (local.get $i) (i32.const 64)))
                     (call $small (i32.load (i32.sub (local.get $i) (i32.const 60))) (i32.const 7) (i32.const 18) (i32.const 3)))
            (i32.add (i32.load (i32.sub (local.get $i) (i32.const 28)))
                     (call $small (i32.load (i32.sub (local.get $i) (i32.const 8))) (i32.const 17) (i32.const 19) (i32.const 10)))))
        (local.set $i (i32.add (local.get $i) (i32.const 4)))
        (br_if $extend (i32.lt_u (local.get $i) (i32.const 256))))
      (local.set $i (i32.const 0))
      (loop $round
        (local.set $x
          (i32.add
            (i32.add (local.get $h)
              (i32.xor (i32.xor (i32.rotr (local.get $e) (i32.const 6)) (i32.rotr (local.get $e) (i32.const 11))) (i32.rotr (local.get $e) (i32.const 25))))
            (i32.add
              (i32.xor (i32.and (local.get $e) (local.get $f)) (i32.and (i32.xor (local.get $e) (i32.const -1)) (local.get $g)))
              (i32.add (i32.load (local.get $i)) (i32.const 0x428a2f98)))))
        (local.set $y
          (i32.add
            (i32.xor (i32.xor (i32.rotr (local.get $a) (i32.const 2)) (i32.rotr (local.get $a) (i32.const 13))) (i32.rotr (local.get $a) (i32.const 22)))
            (i32.xor (i32.xor (i32.and (local.get $a) (local.get $b)) (i32.and (local.get $a) (local.get $c))) (i32.and (local.get $b) (local.get $c)))))
        (local.set $h (local.get $g)) (local.set $g (local.get $f)) (local.set $f (local.get $e))
        (local.set $e (i32.add (local.get $d) (local.get $x)))
        (local.set $d (local.get $c)) (local.set $c (local.get $b)) (local.set $b (local.get $a))
        (local.set $a (i32.add (local.get $x) (local.get $y)))
        (local.set $i (i32.add (local.get $i) (i32.const 4)))
        (br_if $round (i32.lt_u (local.get $i) (i32.const 256))))
      (local.set $n (i32.sub (local.get $n) (i32.const 1)))
      (br_if $block (local.get $n)))
    (local.get $a)))
