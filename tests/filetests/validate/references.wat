;;! test = "validate"

(module
  (table $t 4 funcref)
  (table $u 4 externref)
  (elem declare func 0)
  (func (param externref) (result i32)
    (table.set $t (i32.const 0) (ref.func 0))
    (drop (table.get $u (i32.const 1)))
    (drop (select (result externref) (local.get 0) (ref.null extern) (i32.const 1)))
    (drop (table.grow $u (local.get 0) (i32.const 2)))
    (table.fill $u (i32.const 0) (local.get 0) (i32.const 2))
    (drop (table.size $t))
    (ref.is_null (local.get 0))))
;; func 0 (externref) -> (i32) locals [] size 47
;;  0x29 const 127 0
;;  0x2b ref_func 0
;;  0x2d table_set 0
;;  0x2f const 127 1
;;  0x31 table_get 1 111
;;  0x33 drop
;;  0x34 local_get 0
;;  0x36 ref_null 111
;;  0x38 const 127 1
;;  0x3a select 111
;;  0x3d drop
;;  0x3e local_get 0
;;  0x40 const 127 2
;;  0x42 bulk table.grow 1 0 2 127
;;  0x45 drop
;;  0x46 const 127 0
;;  0x48 local_get 0
;;  0x4a const 127 2
;;  0x4c bulk table.fill 1 0 3 0
;;  0x4f bulk table.size 0 0 0 127
;;  0x52 drop
;;  0x53 local_get 0
;;  0x55 ref_is_null
;;  0x56 end True
