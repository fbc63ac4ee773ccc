;;! test = "translate"

(module
  (memory 1)
  (global $g (mut v128) (v128.const i32x4 1 2 3 4))
  (global $n (mut i32) (i32.const 5))
  (func $swap (param $a v128) (param $n i32) (param $b v128) (result v128 i32 v128)
    (local.get $b) (local.get $n) (local.get $a))
  (func (param $at i32) (result i64) (local $x i32) (local $v v128) (local $w v128)
    (local.set $v (i32x4.add (v128.load offset=16 (local.get $at)) (global.get $g)))
    (call $swap (local.get $v) (global.get $n) (i8x16.splat (local.get $at)))
    (local.set $w) (local.set $x)
    (block $done (param v128) (result v128)
      (br_if $done (i32x4.bitmask (local.get $w)))
      (drop)
      (select (local.get $v) (local.get $w) (local.get $x)))
    (global.set $g (f32x4.relaxed_madd (local.get $v) (local.get $w)))
    (v128.store8_lane offset=70000 9 (local.get $at) (local.get $w))
    (v128.store (local.get $at) (v128.load32_lane 3 (local.get $at) (f32x4.replace_lane 1 (local.get $v) (f32.const 2))))
    (drop (i16x8.extract_lane_s 5 (local.get $v)))
    (drop (f32x4.extract_lane 3 (local.get $v)))
    (i64x2.extract_lane 1 (i8x16.shuffle 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 31 (local.get $v) (local.get $w)))))
;; function 0 swap (v128 i32 v128) -> (v128 i32 v128)  frame 12
;;          enter0 0, 96
;;          r10 = v128.move r0
;;          r0 = v128.move r3
;;          r3 = v128.move r10
;;          return 40
;; function 1 <wasm function 1> (i32) -> (i64)  frame 15
;;          enter5 24, 120
;;          r8 = v128.load memory0 r0, 16
;;          r10 = v128.global.get global 0
;;          r4 = i32x4.add r8, r10
;;          r10 = global.get global 1
;;          r11 = i8x16.splat r0
;;          r8 = v128.move r4
;;          call frame r8, header r13, function 0 swap
;;          r6 = v128.move r11
;;          r3 = move r10
;;          r10 = i32x4.bitmask r6
;;          br_if r10, .120
;;          r8 = v128.select r3, r4, r6
;;    .120: r8 = f32x4.relaxed_madd r8, r4, r6
;;          v128.global.set r8, global 0
;;          v128.store8_lane memory0 far r0, r7, 8, 70000
;;          r12 = i32.const 1073741824
;;          r10 = i32x4.replace_lane r4, r12, 1
;;          r9 = v128.load32_lane memory0 far r0, r10, 3, 0
;;          v128.store memory0 r0, r9, 0
;;          r8 = i16x8.extract_lane_s r5, 16
;;          r8 = i32x4.extract_lane r5, 32
;;          r8 = i8x16.shuffle r4, r6, 506097522914230528, 2237740410225690888
;;          r0 = move r9
;;          return 8
