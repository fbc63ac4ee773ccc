;;! test = "validate"

;; What follows a throw is checked and not reported, catches in it neither.
(module
  (tag $e (param i32))
  (func
    (block $i (result i32)
      (throw $e (i32.const 1))
      (try_table (catch $e $i) (throw $e (i32.const 2)))
      try
      catch $e
        throw $e
      end)
    drop))
;; func 0 () -> () locals [] size 28
;;  0x20 block () (127,)
;;  0x22 const 127 1
;;  0x24 throw 0
;;  0x38 end False
;;  0x39 drop
;;  0x3a end True
