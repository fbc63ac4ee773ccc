;; Calls through a table: Fibonacci numbers, each call a `call_indirect`.
(module
  (type $step (func (param i32) (result i32)))
  (table 2 funcref)
  (elem (i32.const 1) $fib)
  (func $fib (export "run") (param $n i32) (result i32)
    (if (result i32) (i32.lt_s (local.get $n) (i32.const 2))
      (then (local.get $n))
      (else
        (i32.add
          (call_indirect (type $step) (i32.sub (local.get $n) (i32.const 1)) (i32.const 1))
          (call_indirect (type $step) (i32.sub (local.get $n) (i32.const 2)) (i32.const 1)))))))
