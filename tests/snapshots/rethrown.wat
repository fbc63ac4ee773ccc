;; Catches in the older form, by tags that it imports: what is caught is thrown again later, out of catches in each other.
(module $rethrown
  (import "env" "add" (func $add (param i32 i32) (result i32)))
  (import "thrown" "word" (tag $word (param i32 i64)))
  (import "thrown" "deep" (func $deep (param i32 i32)))
  (import "thrown" "others" (table 1 funcref))
  (tag $own (export "own") (param i64))
  (elem (i32.const 0) $around)

  ;; n * 2 + 5 for an odd number, which was caught by its tag; 7 for an even one, which was not
  (func $around (export "around") (param $n i32) (result i64) (local $number i32)
    try (result i64)
      try (result i64)
        (call $deep (local.get $n) (i32.const 2))
        (i64.const 0)
      catch $word
        (drop)
        (local.set $number)
        try (result i64)
          (throw $own (i64.const 5))
        catch $own
          (local.set $number (call $add (i32.wrap_i64) (local.get $number)))
          (rethrow 1)
        end
      catch_all
        try
          (local.set $number (call $add (i32.const 3) (i32.const 4)))
          (rethrow 1)
        delegate 1
        (i64.const 0)
      end
    catch $word
      (drop)
      (i64.extend_i32_u (i32.add (local.get $number)))
    catch_all
      (i64.extend_i32_u (local.get $number))
    end))
