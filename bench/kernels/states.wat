;; `br_table`: a machine of eight states eats n random symbols.
(module
  (func (export "run") (param $n i32) (result i32)
    (local $state i32) (local $random i32) (local $sum i32)
    (local.set $random (i32.const 12345))
    (loop $next
      (local.set $random (i32.add (i32.mul (local.get $random) (i32.const 1103515245)) (i32.const 12345)))
      (block $done
        (block $7 (block $6 (block $5 (block $4 (block $3 (block $2 (block $1 (block $0
          (br_table $0 $1 $2 $3 $4 $5 $6 $7 (i32.and (i32.add (local.get $state) (i32.shr_u (local.get $random) (i32.const 29))) (i32.const 7))))
          (local.set $sum (i32.add (local.get $sum) (i32.const 3))) (local.set $state (i32.const 5)) (br $done))
          (local.set $sum (i32.xor (local.get $sum) (local.get $random))) (local.set $state (i32.const 2)) (br $done))
          (local.set $sum (i32.rotl (local.get $sum) (i32.const 3))) (local.set $state (i32.const 7)) (br $done))
          (local.set $sum (i32.sub (local.get $sum) (local.get $state))) (local.set $state (i32.const 0)) (br $done))
          (local.set $sum (i32.mul (local.get $sum) (i32.const 5))) (local.set $state (i32.const 6)) (br $done))
          (local.set $sum (i32.or (local.get $sum) (i32.const 1))) (local.set $state (i32.const 1)) (br $done))
          (local.set $sum (i32.add (local.get $sum) (local.get $random))) (local.set $state (i32.const 3)) (br $done))
          (local.set $state (i32.const 4)))
      (local.set $n (i32.sub (local.get $n) (i32.const 1)))
      (br_if $next (local.get $n)))
    (local.get $sum)))
