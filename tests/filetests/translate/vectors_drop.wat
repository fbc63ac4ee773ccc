;;! test = "translate"

(module (func (param v128) (result i64) (local i64)
  (local.set 1 (i64x2.extract_lane 0 (i64x2.add (local.get 0) (local.get 0))))
  (drop (i64x2.neg (local.get 0)))
  (local.get 1)))
;; function 0 <wasm function 0> (v128) -> (i64)  frame 9
;;          enter1 32, 72
;;          r5 = i64x2.add r0, r0
;;          r4 = move r5
;;          r5 = i64x2.neg r0
;;          r0 = move r4
;;          return 16
