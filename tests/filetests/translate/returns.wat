;;! test = "translate"
(module
  (func (export "exchange") (param i32 i32) (result i32 i32) (local.get 1) (local.get 0))
  (func (export "more_results") (param i32) (result i32 i32 i32) (i32.const 1) (local.get 0) (i32.clz (local.get 0)))
  (func (export "early") (param i32) (result i32) (br_if 0 (i32.const 1) (local.get 0)) (drop) (i32.const 2))
  (func (export "early_nothing") (param i32) (br_if 0 (local.get 0)) (br_if 0 (i32.eqz (local.get 0))))
  (func (export "at_once") (param i32) (result i32) (return (i32.ctz (local.get 0)))))
;; function 0 exchange (i32 i32) -> (i32 i32)  frame 6
;;          enter0 0, 48
;;          r5 = move r0
;;          r0 = move r1
;;          r1 = move r5
;;          return 16
;; function 1 more_results (i32) -> (i32 i32 i32)  frame 8
;;          enter0 0, 64
;;          r7 = i32.clz r0
;;          r6 = move r0
;;          r0 = i32.const 1
;;          r1 = move r6
;;          r2 = move r7
;;          return 24
;; function 2 early (i32) -> (i32)  frame 5
;;          enter0 0, 40
;;          br_unless r0, .32
;;          r0 = i32.const 1
;;          return 8
;;     .32: r0 = i32.const 2
;;          return 8
;; function 3 early_nothing (i32) -> ()  frame 4
;;          enter0 0, 32
;;          br_if r0, .24
;;          br_unless r0, .24
;;     .24: return 8
;; function 4 at_once (i32) -> (i32)  frame 4
;;          enter0 0, 32
;;          r0 = i32.ctz r0
;;          return 8
