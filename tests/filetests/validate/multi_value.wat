;;! test = "validate"

;; Blocks that take operands and leave several.
(module
  (func $swap (param i32 i64) (result i64 i32) (local.get 1) (local.get 0))
  (func (result i32)
    (i32.const 1) (i64.const 2)
    (block (param i32 i64) (result i64 i32) (call $swap))
    (loop (param i64 i32) (result i32) (if (param i64) (then (drop)) (else (drop))) (i32.const 5))))
;; func 0 (i32 i64) -> (i64 i32) locals [] size 6
;;  0x2a local_get 1
;;  0x2c local_get 0
;;  0x2e end True
;; func 1 () -> (i32) locals [] size 22
;;  0x31 const 127 1
;;  0x33 const 126 2
;;  0x35 block (127, 126) (126, 127)
;;  0x37 call 0 2 2
;;  0x39 end True
;;  0x3a loop (126, 127) (127,)
;;  0x3c if_ (126,) ()
;;  0x3e drop
;;  0x3f else_ True
;;  0x40 drop
;;  0x41 end True
;;  0x42 const 127 5
;;  0x44 end True
;;  0x45 end True
