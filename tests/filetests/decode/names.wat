;;! test = "decode"

;; The name section is read when it is asked for.
(module $m
  (func $first (param $x i32) (local $y i64))
  (func)
  (func $third))
;; type 0 (i32) -> ()
;; type 1 () -> ()
;; func 0 type 0
;; func 1 type 1
;; func 2 type 1
;; body 0 0x1c..0x20
;; body 1 0x21..0x23
;; body 2 0x24..0x26
;; custom name 0002016d010f0200056669727374020574686972640209010002000178010179 after section 10
;; names module='m' funcs={0: 'first', 2: 'third'}
