;;! test = "validate"

;; Catches come innermost first; their labels are those around the try_table.
(module
  (tag $e (param i32 i64))
  (tag $n)
  (func (param exnref) (result i64)
    (block $all (result exnref)
      (block $both (result i32 i64 exnref)
        (block $nothing
          (try_table (result i64) (catch_ref $e $both) (catch $n $nothing) (catch_all_ref $all) (catch_all $nothing)
            (throw $e (i32.const 1) (i64.const 2)))
          return)
        (throw $n))
      (throw_ref))
    (throw_ref)))
;; func 0 (exnref) -> (i64) locals [] size 36
;;  0x2e block () (105,)
;;  0x30 block () (127, 126, 105)
;;  0x32 block () ()
;;  0x34 try_table () (126,) [(1, 0, 1), (0, 1, 0), (3, -1, 2), (2, -1, 0)]
;;  0x41 const 127 1
;;  0x43 const 126 2
;;  0x45 throw 0
;;  0x47 end False
;;  0x48 return_
;;  0x49 end False
;;  0x4a throw 1
;;  0x4c end False
;;  0x4d throw_ref
;;  0x4e end False
;;  0x4f throw_ref
;;  0x50 end False
