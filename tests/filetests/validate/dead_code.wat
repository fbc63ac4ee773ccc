;;! test = "validate"

;; Nothing between an instruction that ends its block and the end of that block is reported, blocks inside it neither.
(module
  (func (result i32)
    (block $live
      (br $live)
      (drop (i32.add (i32.const 1)))
      (block (loop (br 1)))
      (if (then unreachable) (else)))
    (if (i32.const 1)
      (then (return (i32.const 2)) (drop))
      (else (unreachable)))
    (loop (result i32) (i32.const 3))))
;; func 0 () -> (i32) locals [] size 40
;;  0x18 block () ()
;;  0x1a br 0
;;  0x2d end False
;;  0x2e const 127 1
;;  0x30 if_ () ()
;;  0x32 const 127 2
;;  0x34 return_
;;  0x36 else_ False
;;  0x37 unreachable
;;  0x38 end False
;;  0x39 loop () (127,)
;;  0x3b const 127 3
;;  0x3d end True
;;  0x3e end True
