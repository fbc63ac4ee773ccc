;;! test = "validate"

(module
  (memory 1)
  (data $d "abc")
  (func
    (i64.store32 offset=4294967295 align=1 (i32.const 0) (i64.load8_s offset=3 (i32.const 8)))
    (memory.init $d (i32.const 0) (i32.const 0) (i32.const 3))
    (data.drop $d)
    (memory.copy (i32.const 0) (i32.const 1) (i32.const 2))
    (memory.fill (i32.const 0) (i32.const 1) (i32.const 2))
    (drop (memory.grow (memory.size)))))
;; func 0 () -> () locals [] size 53
;;  0x1f const 127 0
;;  0x21 const 127 8
;;  0x23 load i64.load8_s 126 3 0
;;  0x26 store i64.store32 126 4294967295 0
;;  0x2d const 127 0
;;  0x2f const 127 0
;;  0x31 const 127 3
;;  0x33 bulk memory.init 0 0 3 0
;;  0x37 bulk data.drop 0 0 0 0
;;  0x3a const 127 0
;;  0x3c const 127 1
;;  0x3e const 127 2
;;  0x40 bulk memory.copy 0 0 3 0
;;  0x44 const 127 0
;;  0x46 const 127 1
;;  0x48 const 127 2
;;  0x4a bulk memory.fill 0 0 3 0
;;  0x4d bulk memory.size 0 0 0 127
;;  0x4f bulk memory.grow 0 0 1 127
;;  0x51 drop
;;  0x52 end True
