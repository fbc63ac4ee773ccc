;;! test = "translate"
(module
  (func (export "result_goes_to_the_local") (param i32 i32) (local i32) (local.set 2 (i32.mul (local.get 0) (local.get 1))))
  (func (export "old_value_is_kept") (param i32) (result i32) (local.get 0) (local.set 0 (i32.const 7)))
  (func (export "tee") (param i32) (result i32) (i32.mul (local.tee 0 (i32.clz (local.get 0))) (local.get 0)))
  (func (export "tee_of_an_operand") (param i32 i32) (result i32) (local.tee 0 (local.get 1)))
  (func (export "swap") (param i32 i32) (local.get 0) (local.get 1) (local.set 0) (local.set 1))
  (func (export "drop") (param i32) (local.get 0) (drop) (i32.const 1) (drop))
  (func (export "many") (local i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64)))
;; function 0 result_goes_to_the_local (i32 i32) -> ()  frame 7
;;          enter1 32, 56
;;          r4 = i32.mul r0, r1
;;          return 16
;; function 1 old_value_is_kept (i32) -> (i32)  frame 5
;;          enter0 0, 40
;;          r3 = move r0
;;          r0 = i32.const 7
;;          r0 = move r3
;;          return 8
;; function 2 tee (i32) -> (i32)  frame 5
;;          enter0 0, 40
;;          r0 = i32.clz r0
;;          r0 = i32.mul r0, r0
;;          return 8
;; function 3 tee_of_an_operand (i32 i32) -> (i32)  frame 5
;;          enter0 0, 40
;;          r0 = move r1
;;          r0 = move r1
;;          return 16
;; function 4 swap (i32 i32) -> ()  frame 6
;;          enter0 0, 48
;;          r4 = move r0
;;          r0 = move r1
;;          r1 = move r4
;;          return 16
;; function 5 drop (i32) -> ()  frame 4
;;          enter0 0, 32
;;          return 8
;; function 6 many () -> ()  frame 20
;;          enter2 16, 160
;;          zero16 32
;;          return 0
