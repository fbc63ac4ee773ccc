;;! test = "translate"

;; What is thrown where a catch wants it lies one slot above: the slot below it is the exception's.
(module
  (tag $e (param i32 f64))
  (func (param i32)
    try
      (throw $e (local.get 0) (f64.const 1))
    catch $e
      drop
      drop
    end))
;; function 0 <wasm function 0> (i32) -> ()  frame 6
;;          enter0 0, 48
;;          r5 = i64.const 4607182418800017408
;;          r4 = move r0
;;          handlers: tag 0 .48 r4 to r5 null r3
;;          throw tag 0, 32
;;     .48: return 8
