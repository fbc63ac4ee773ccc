;;! test = "translate"

;; Blocks that catch write no op; a handler begins where its label stands, in a loop where that begins, and of the function's own behind it.
(module
  (tag $t (param i32)) (tag $u)
  (func $f (param i32) (result i32) (local.get 0))
  (func (param i32) (result i32)
    (local.get 0)
    (block $h (result i32 exnref)
      (try_table (catch_ref $t $h) (drop (call $f (i32.const 1))))
      (return (call $f (i32.const 2))))
    (throw_ref))
  (func (param i32) (result i32)
    (loop $l (try_table (catch_all $l) (catch $t 1) (try_table (catch $u $l) (throw $t (i32.const 7)))))
    (i32.const 0))
  (func (param i32) (result i32)
    (block (try_table (catch_all 0) (return_call $f (local.get 0))))
    (i32.const 0)))
;; function 0 f (i32) -> (i32)  frame 4
;;          enter0 0, 32
;;          return 8
;; function 1 <wasm function 1> (i32) -> (i32)  frame 7
;;          enter0 0, 56
;;          r3 = move r0
;;          r4 = i32.const 1
;;          handlers: tag 0 .80 r4 exception r5
;;          call frame r4, header r5, function 0 f
;;          r4 = i32.const 2
;;          handlers: none
;;          call frame r4, header r5, function 0 f
;;          r0 = move r4
;;          return 8
;;     .80: throw_ref 40
;; function 2 <wasm function 2> (i32) -> (i32)  frame 4
;;          enter0 0, 32
;;      .8: r3 = i32.const 7
;;          handlers: tag 1 .8, all .8, tag 0 .48 r3
;;          throw tag 0, 24
;;          r0 = i32.const 0
;;          return 8
;;     .48: r0 = move r3
;;          return 8
;; function 3 <wasm function 3> (i32) -> (i32)  frame 4
;;          enter0 0, 32
;;          return_call old_header r1, header r1, function 0 f
;;          r0 = i32.const 0
;;          return 8
