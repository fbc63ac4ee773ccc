;; Throws and catches in the standard's form: one exception is in a local, some in a table and one in a global while others are under way.
(module $thrown
  (import "env" "add" (func $add (param i32 i32) (result i32)))
  (tag $word (export "word") (param i32 i64))
  (tag $wide (export "wide") (param f64 v128 exnref f32))
  (tag $bare (export "bare"))
  (global $calls (export "calls") (mut i64) (i64.const 0))
  (global $last (export "last") (mut exnref) (ref.null exn))
  (table $kept (export "kept") 4 exnref)
  (type $around (func (param i32) (result i64)))
  (table $others (export "others") 1 funcref)

  ;; throws from below $depth frames, each with a handler for something else: $word for an odd number, $wide around what is kept for an even one
  (func $deep (export "deep") (param $n i32) (param $depth i32)
    (if (local.get $depth) (then
      (block $not (try_table (catch $bare $not) (call $deep (local.get $n) (i32.sub (local.get $depth) (i32.const 1)))))
      (unreachable)))
    (global.set $calls (i64.add (global.get $calls) (i64.const 1)))
    (if (i32.and (local.get $n) (i32.const 1))
      (then (throw $word (local.get $n) (i64.mul (i64.extend_i32_u (local.get $n)) (i64.const 0x100000001)))))
    (throw $wide
      (f64.convert_i32_u (local.get $n))
      (i64x2.splat (i64.extend_i32_u (local.get $n)))
      (table.get $kept (i32.and (i32.add (local.get $n) (i32.const 1)) (i32.const 3)))
      (f32.const 0.5)))

  (func $catch (param $n i32) (result exnref)
    (block $all (result exnref)
      (try_table (catch_all_ref $all) (call $deep (local.get $n) (i32.and (local.get $n) (i32.const 7))))
      (unreachable)))

  ;; what it carries as one number; what carries another carries its number too
  (func $worth (param $error exnref) (result i64) (local $sum i64)
    (if (ref.is_null (local.get $error)) (then (return (i64.const 3))))
    (block $wide (result f64 v128 exnref f32)
      (block $word (result i32 i64)
        (try_table (catch $word $word) (catch $wide $wide) (throw_ref (local.get $error)))
        (unreachable))
      (local.set $sum) (return (i64.add (i64.extend_i32_u) (local.get $sum))))
    (local.set $sum (i64.trunc_f32_u (f32.mul (f32.const 2))))
    (local.set $error)
    (local.set $sum (i64.add (i64x2.extract_lane 1) (local.get $sum)))
    (local.set $sum (i64.add (i64.trunc_f64_u) (local.get $sum)))
    (i64.add (local.get $sum) (call $worth (local.get $error))))

  (func (export "thrown") (param $n i32) (result i64) (local $sum i64) (local $error exnref)
    (loop $next
      (local.set $error (call $catch (local.get $n)))
      (local.set $sum (i64.add (i64.rotl (local.get $sum) (i64.const 1))
        (call_indirect $others (type $around) (local.get $n) (i32.const 0))))
      (table.set $kept (i32.and (local.get $n) (i32.const 3)) (local.get $error))
      (local.set $sum (i64.add (local.get $sum) (call $worth (local.get $error))))
      (global.set $last (local.get $error))
      (local.set $n (call $add (local.get $n) (i32.const -1)))
      (br_if $next (local.get $n)))
    (local.get $sum)))
