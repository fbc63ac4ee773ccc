;;! test = "validate"

;; Blocks, an if with both arms, a loop, and branches between them.
(module
  (func (param i32) (result i32) (local i32 i64 i64)
    (block $out
      (loop $again
        (br_if $out (i32.eqz (local.get 0)))
        (if (i32.and (local.get 0) (i32.const 1))
          (then (local.set 1 (i32.add (local.get 1) (local.get 0))))
          (else (nop)))
        (local.set 0 (i32.sub (local.get 0) (i32.const 1)))
        (br $again)))
    (local.get 1)))
;; func 0 (i32) -> (i32) locals [127, 126, 126] size 45
;;  0x1d block () ()
;;  0x1f loop () ()
;;  0x21 local_get 0
;;  0x23 numeric i32.eqz 1 127
;;  0x24 br_if 1
;;  0x26 local_get 0
;;  0x28 const 127 1
;;  0x2a numeric i32.and 2 127
;;  0x2b if_ () ()
;;  0x2d local_get 1
;;  0x2f local_get 0
;;  0x31 numeric i32.add 2 127
;;  0x32 local_set 1
;;  0x34 else_ True
;;  0x36 end True
;;  0x37 local_get 0
;;  0x39 const 127 1
;;  0x3b numeric i32.sub 2 127
;;  0x3c local_set 0
;;  0x3e br 0
;;  0x40 end False
;;  0x41 end True
;;  0x42 local_get 1
;;  0x44 end True
