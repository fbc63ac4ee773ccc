;;! test = "translate"

;; A body jumps over its catches; a catch has the exception below its values, as an object only if it is thrown again; a delegate has no clauses.
(module
  (tag $e (param i32))
  (tag $n)
  (func $f)
  (func (param i32) (result i32)
    try (result i32)
      try
        call $f
      delegate 0
      i32.const 1
    catch $e
    catch $n
      local.get 0
      if
        rethrow 1
      end
      i32.const 2
    catch_all
      i32.const 3
    end))
;; function 0 f () -> ()  frame 2
;;          enter0 0, 16
;;          return 0
;; function 1 <wasm function 1> (i32) -> (i32)  frame 5
;;          enter0 0, 40
;;          handlers: tag 0 .40 r4 null r3, tag 1 .56 exception r3, all .88 null r3
;;          call frame r3, header r3, function 0 f
;;          r3 = i32.const 1
;;          br .96
;;     .40: r3 = move r4
;;          br .96
;;     .56: br_unless r0, .72
;;          handlers: none
;;          throw_ref 24
;;     .72: r3 = i32.const 2
;;          br .96
;;     .88: r3 = i32.const 3
;;     .96: r0 = move r3
;;          return 8
