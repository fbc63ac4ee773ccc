;;! test = "decode"

;; One of everything, in the order of the file.
(module
  (type $t (func (param i32 f64) (result i64)))
  (import "env" "f" (func $f (type $t)))
  (import "env" "g" (global $g i32))
  (import "env" "t" (table 1 9 funcref))
  (import "env" "m" (memory 1))
  (table 3 externref)
  (global (mut i64) (i64.const -5))
  (global f32 (f32.const -0.5))
  (global funcref (ref.func $h))
  (export "h" (func $h))
  (export "memory" (memory 0))
  (start $s)
  (elem (table 0) (i32.const 0) func $f $h)
  (elem funcref (ref.func $h) (ref.null func))
  (elem declare func $s)
  (data (i32.const 8) "active")
  (data "passive")
  (func $h (type $t) (memory.init 1 (i32.const 0) (i32.const 0) (i32.const 0)) (i64.const 0))
  (func $s))
;; type 0 (i32 f64) -> (i64)
;; type 1 () -> ()
;; import env.f = func 0
;; import env.g = global 0
;; import env.t = table 0
;; import env.m = memory 0
;; func 0 type 0
;; func 1 type 0
;; func 2 type 1
;; table 0 funcref 1..9
;; table 1 externref 3..
;; memory 0 1..
;; global 0 i32
;; global 1 mut i64 = i64.const -5
;; global 2 f32 = f32.const 3204448256
;; global 3 funcref = ref.func 1
;; export h = func 1
;; export memory = memory 0
;; start 2
;; elem 0 active funcref table 0 [i32.const 0]: func 0, func 1
;; elem 1 passive funcref: ref.func 1, ref.null 112
;; elem 2 declarative funcref: func 2
;; data count 2
;; data 0 active memory 0 [i32.const 8]: b'active'
;; data 1 passive: b'passive'
;; body 0 0x8f..0x9d
;; body 1 0x9e..0xa0
;; custom name 010a03000166010168020173040401000174070401000167 after section 11
;; names module='' funcs={0: 'f', 1: 'h', 2: 's'}
