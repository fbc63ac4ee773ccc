;;! test = "validate"

;; A catch finds what the exception carries on the stack, above what was there before the try.
(module
  (tag $e (param i32 i64))
  (tag $n)
  (func (param i32) (result i64)
    (local.get 0)
    try (param i32) (result i64)
      try (param i32)
        try (param i32)
          (throw $n)
        delegate 1
      delegate 1
      (i64.const 1)
    catch $e
      try (param i32 i64) (result i64)
        rethrow 1
      catch_all
        (rethrow 0)
      end
    catch $n
      (i64.const 2)
      try
        (return (i64.const 4))
      end
    catch_all
      (i64.const 3)
    end))
;; func 0 (i32) -> (i64) locals [] size 42
;;  0x32 local_get 0
;;  0x34 try_ (127,) (126,)
;;  0x36 try_ (127,) ()
;;  0x38 try_ (127,) ()
;;  0x3a throw 1
;;  0x3c delegate 1 False
;;  0x3e delegate 1 True
;;  0x40 const 126 1
;;  0x42 catch 0 True
;;  0x44 try_ (127, 126) (126,)
;;  0x46 rethrow 1
;;  0x48 catch_all False
;;  0x49 rethrow 0
;;  0x4b end False
;;  0x4c catch 1 True
;;  0x4e const 126 2
;;  0x50 try_ () ()
;;  0x52 const 126 4
;;  0x54 return_
;;  0x55 end False
;;  0x56 catch_all True
;;  0x57 const 126 3
;;  0x59 end True
;;  0x5a end True
