;;! test = "translate"
(module
  (func (export "plain") (param i32) (block (block (br_table 0 1 0 (local.get 0)))))
  (func (export "values_in_place") (param i32) (result i32)
    (block (result i32) (block (result i32) (i32.clz (local.get 0)) (br_table 0 1 (local.get 0)))))
  (func (export "stubs") (param i32) (result i32)
    (i32.const 4)
    (loop (param i32) (result i32)
      (block (param i32) (result i32) (local.get 0) (br_table 0 1 2 1)))))
;; function 0 plain (i32) -> ()  frame 4
;;          enter0 0, 32
;;          br_table r0, [.32 .32 .32]
;;     .32: return 8
;; function 1 values_in_place (i32) -> (i32)  frame 5
;;          enter0 0, 40
;;          r3 = i32.clz r0
;;          br_table r0, [.32 .32]
;;     .32: r0 = move r3
;;          return 8
;; function 2 stubs (i32) -> (i32)  frame 5
;;          enter0 0, 40
;;          r3 = i32.const 4
;;     .16: br_table r0, [.64 .40 .48 .40]
;;     .40: loop_br .16
;;     .48: r0 = move r3
;;          return 8
;;     .64: r0 = move r3
;;          return 8
