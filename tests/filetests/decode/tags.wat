;;! test = "decode"

(module
  (type $t (func (param i32 f64)))
  (import "e" "t" (tag $i (type $t)))
  (import "e" "g" (global exnref))
  (tag (type $t))
  (tag $n)
  (memory 1)
  (global (mut exnref) (ref.null exn))
  (elem exnref (ref.null exn))
  (export "i" (tag $i))
  (export "n" (tag $n)))
;; type 0 (i32 f64) -> ()
;; type 1 () -> ()
;; import e.t = tag 0
;; import e.g = global 0
;; memory 0 1..
;; global 0 exnref
;; global 1 mut exnref = ref.null 105
;; tag 0 type 0
;; tag 1 type 0
;; tag 2 type 1
;; export i = tag 0
;; export n = tag 2
;; elem 0 passive exnref: ref.null 105
;; custom name 0404010001740b070200016902016e after section 9
;; names module='' funcs={}
