"""The instructions on vectors, as rows of `opcodes`; names in braces have codes one after the other.

`memarg:2 laneidx:8` is an access of two bytes for one of 8 lanes; `v128` are 16 bytes, `laneidxs` 16 lanes of two operands.
"""

from __future__ import annotations

from typing import Final

COMPARISONS: Final = "{eq ne lt_s lt_u gt_s gt_u le_s le_u ge_s ge_u}"

VECTOR_ROWS: Final = f"""
vector
FD 00     | v128.load                                               | memarg:16          | i32 -> v128            | simd         | exec-vload-val
FD 01     | v128.load{{8x8_s 8x8_u 16x4_s 16x4_u 32x2_s 32x2_u}}      | memarg:8           | i32 -> v128            | simd         | exec-vload-pack
FD 07     | v128.load8_splat                                        | memarg:1           | i32 -> v128            | simd         | exec-vload-splat
FD 08     | v128.load16_splat                                       | memarg:2           | i32 -> v128            | simd         | exec-vload-splat
FD 09     | v128.load32_splat                                       | memarg:4           | i32 -> v128            | simd         | exec-vload-splat
FD 0A     | v128.load64_splat                                       | memarg:8           | i32 -> v128            | simd         | exec-vload-splat
FD 0B     | v128.store                                              | memarg:16          | i32 v128 ->            | simd         | exec-vstore
FD 0C     | v128.const                                              | v128               | -> v128                | simd         | exec-vconst
FD 0D     | i8x16.shuffle                                           | laneidxs           | v128 v128 -> v128      | simd         | exec-vshuffle
FD 0E     | i8x16.swizzle                                           |                    | v128 v128 -> v128      | simd         | exec-vswizzlop
FD 0F     | {{i8x16 i16x8 i32x4}}.splat                               |                    | i32 -> v128            | simd         | exec-vsplat
FD 12     | i64x2.splat                                             |                    | i64 -> v128            | simd         | exec-vsplat
FD 13     | f32x4.splat                                             |                    | f32 -> v128            | simd         | exec-vsplat
FD 14     | f64x2.splat                                             |                    | f64 -> v128            | simd         | exec-vsplat
FD 15     | i8x16.extract_lane_{{s u}}                                | laneidx:16         | v128 -> i32            | simd         | exec-vextract_lane
FD 17     | i8x16.replace_lane                                      | laneidx:16         | v128 i32 -> v128       | simd         | exec-vreplace_lane
FD 18     | i16x8.extract_lane_{{s u}}                                | laneidx:8          | v128 -> i32            | simd         | exec-vextract_lane
FD 1A     | i16x8.replace_lane                                      | laneidx:8          | v128 i32 -> v128       | simd         | exec-vreplace_lane
FD 1B     | i32x4.extract_lane                                      | laneidx:4          | v128 -> i32            | simd         | exec-vextract_lane
FD 1C     | i32x4.replace_lane                                      | laneidx:4          | v128 i32 -> v128       | simd         | exec-vreplace_lane
FD 1D     | i64x2.extract_lane                                      | laneidx:2          | v128 -> i64            | simd         | exec-vextract_lane
FD 1E     | i64x2.replace_lane                                      | laneidx:2          | v128 i64 -> v128       | simd         | exec-vreplace_lane
FD 1F     | f32x4.extract_lane                                      | laneidx:4          | v128 -> f32            | simd         | exec-vextract_lane
FD 20     | f32x4.replace_lane                                      | laneidx:4          | v128 f32 -> v128       | simd         | exec-vreplace_lane
FD 21     | f64x2.extract_lane                                      | laneidx:2          | v128 -> f64            | simd         | exec-vextract_lane
FD 22     | f64x2.replace_lane                                      | laneidx:2          | v128 f64 -> v128       | simd         | exec-vreplace_lane
FD 23     | i8x16.{COMPARISONS}  |                    | v128 v128 -> v128      | simd         | exec-vrelop
FD 2D     | i16x8.{COMPARISONS}  |                    | v128 v128 -> v128      | simd         | exec-vrelop
FD 37     | i32x4.{COMPARISONS}  |                    | v128 v128 -> v128      | simd         | exec-vrelop
FD 41     | f32x4.{{eq ne lt gt le ge}}                               |                    | v128 v128 -> v128      | simd         | exec-vrelop
FD 47     | f64x2.{{eq ne lt gt le ge}}                               |                    | v128 v128 -> v128      | simd         | exec-vrelop
FD 4D     | v128.not                                                |                    | v128 -> v128           | simd         | exec-vvunop
FD 4E     | v128.{{and andnot or xor}}                                |                    | v128 v128 -> v128      | simd         | exec-vvbinop
FD 52     | v128.bitselect                                          |                    | v128 v128 v128 -> v128 | simd         | exec-vvternop
FD 53     | v128.any_true                                           |                    | v128 -> i32            | simd         | exec-vvtestop
FD 54     | v128.load8_lane                                         | memarg:1 laneidx:16 | i32 v128 -> v128      | simd         | exec-vload-lane
FD 55     | v128.load16_lane                                        | memarg:2 laneidx:8 | i32 v128 -> v128       | simd         | exec-vload-lane
FD 56     | v128.load32_lane                                        | memarg:4 laneidx:4 | i32 v128 -> v128       | simd         | exec-vload-lane
FD 57     | v128.load64_lane                                        | memarg:8 laneidx:2 | i32 v128 -> v128       | simd         | exec-vload-lane
FD 58     | v128.store8_lane                                        | memarg:1 laneidx:16 | i32 v128 ->           | simd         | exec-vstore-lane
FD 59     | v128.store16_lane                                       | memarg:2 laneidx:8 | i32 v128 ->            | simd         | exec-vstore-lane
FD 5A     | v128.store32_lane                                       | memarg:4 laneidx:4 | i32 v128 ->            | simd         | exec-vstore-lane
FD 5B     | v128.store64_lane                                       | memarg:8 laneidx:2 | i32 v128 ->            | simd         | exec-vstore-lane
FD 5C     | v128.load32_zero                                        | memarg:4           | i32 -> v128            | simd         | exec-vload-zero
FD 5D     | v128.load64_zero                                        | memarg:8           | i32 -> v128            | simd         | exec-vload-zero
FD 5E     | {{f32x4.demote_f64x2_zero f64x2.promote_low_f32x4}}       |                    | v128 -> v128           | simd         | exec-vcvtop
FD 60     | i8x16.{{abs neg popcnt}}                                  |                    | v128 -> v128           | simd         | exec-vunop
FD 63     | i8x16.{{all_true bitmask}}                                |                    | v128 -> i32            | simd         | exec-vtestop
FD 65     | i8x16.narrow_i16x8_{{s u}}                                |                    | v128 v128 -> v128      | simd         | exec-vnarrow
FD 67     | f32x4.{{ceil floor trunc nearest}}                        |                    | v128 -> v128           | simd         | exec-vunop
FD 6B     | i8x16.{{shl shr_s shr_u}}                                 |                    | v128 i32 -> v128       | simd         | exec-vshiftop
FD 6E     | i8x16.{{add add_sat_s add_sat_u sub sub_sat_s sub_sat_u}} |                    | v128 v128 -> v128      | simd         | exec-vbinop
FD 74     | f64x2.{{ceil floor}}                                      |                    | v128 -> v128           | simd         | exec-vunop
FD 76     | i8x16.{{min_s min_u max_s max_u}}                         |                    | v128 v128 -> v128      | simd         | exec-vbinop
FD 7A     | f64x2.trunc                                             |                    | v128 -> v128           | simd         | exec-vunop
FD 7B     | i8x16.avgr_u                                            |                    | v128 v128 -> v128      | simd         | exec-vbinop
FD 7C     | i16x8.extadd_pairwise_i8x16_{{s u}}                       |                    | v128 -> v128           | simd         | exec-vextunop
FD 7E     | i32x4.extadd_pairwise_i16x8_{{s u}}                       |                    | v128 -> v128           | simd         | exec-vextunop
FD 80     | i16x8.{{abs neg}}                                         |                    | v128 -> v128           | simd         | exec-vunop
FD 82     | i16x8.q15mulr_sat_s                                     |                    | v128 v128 -> v128      | simd         | exec-vbinop
FD 83     | i16x8.{{all_true bitmask}}                                |                    | v128 -> i32            | simd         | exec-vtestop
FD 85     | i16x8.narrow_i32x4_{{s u}}                                |                    | v128 v128 -> v128      | simd         | exec-vnarrow
FD 87     | i16x8.extend_{{low_i8x16_s high_i8x16_s low_i8x16_u high_i8x16_u}} |           | v128 -> v128           | simd         | exec-vcvtop
FD 8B     | i16x8.{{shl shr_s shr_u}}                                 |                    | v128 i32 -> v128       | simd         | exec-vshiftop
FD 8E     | i16x8.{{add add_sat_s add_sat_u sub sub_sat_s sub_sat_u}} |                    | v128 v128 -> v128      | simd         | exec-vbinop
FD 94     | f64x2.nearest                                           |                    | v128 -> v128           | simd         | exec-vunop
FD 95     | i16x8.{{mul min_s min_u max_s max_u}}                     |                    | v128 v128 -> v128      | simd         | exec-vbinop
FD 9B     | i16x8.avgr_u                                            |                    | v128 v128 -> v128      | simd         | exec-vbinop
FD 9C     | i16x8.extmul_{{low_i8x16_s high_i8x16_s low_i8x16_u high_i8x16_u}} |           | v128 v128 -> v128      | simd         | exec-vextbinop
FD A0     | i32x4.{{abs neg}}                                         |                    | v128 -> v128           | simd         | exec-vunop
FD A3     | i32x4.{{all_true bitmask}}                                |                    | v128 -> i32            | simd         | exec-vtestop
FD A7     | i32x4.extend_{{low_i16x8_s high_i16x8_s low_i16x8_u high_i16x8_u}} |           | v128 -> v128           | simd         | exec-vcvtop
FD AB     | i32x4.{{shl shr_s shr_u}}                                 |                    | v128 i32 -> v128       | simd         | exec-vshiftop
FD AE     | i32x4.add                                               |                    | v128 v128 -> v128      | simd         | exec-vbinop
FD B1     | i32x4.sub                                               |                    | v128 v128 -> v128      | simd         | exec-vbinop
FD B5     | i32x4.{{mul min_s min_u max_s max_u}}                     |                    | v128 v128 -> v128      | simd         | exec-vbinop
FD BA     | i32x4.dot_i16x8_s                                       |                    | v128 v128 -> v128      | simd         | exec-vextbinop
FD BC     | i32x4.extmul_{{low_i16x8_s high_i16x8_s low_i16x8_u high_i16x8_u}} |           | v128 v128 -> v128      | simd         | exec-vextbinop
FD C0     | i64x2.{{abs neg}}                                         |                    | v128 -> v128           | simd         | exec-vunop
FD C3     | i64x2.{{all_true bitmask}}                                |                    | v128 -> i32            | simd         | exec-vtestop
FD C7     | i64x2.extend_{{low_i32x4_s high_i32x4_s low_i32x4_u high_i32x4_u}} |           | v128 -> v128           | simd         | exec-vcvtop
FD CB     | i64x2.{{shl shr_s shr_u}}                                 |                    | v128 i32 -> v128       | simd         | exec-vshiftop
FD CE     | i64x2.add                                               |                    | v128 v128 -> v128      | simd         | exec-vbinop
FD D1     | i64x2.sub                                               |                    | v128 v128 -> v128      | simd         | exec-vbinop
FD D5     | i64x2.mul                                               |                    | v128 v128 -> v128      | simd         | exec-vbinop
FD D6     | i64x2.{{eq ne lt_s gt_s le_s ge_s}}                       |                    | v128 v128 -> v128      | simd         | exec-vrelop
FD DC     | i64x2.extmul_{{low_i32x4_s high_i32x4_s low_i32x4_u high_i32x4_u}} |           | v128 v128 -> v128      | simd         | exec-vextbinop
FD E0     | f32x4.{{abs neg}}                                         |                    | v128 -> v128           | simd         | exec-vunop
FD E3     | f32x4.sqrt                                              |                    | v128 -> v128           | simd         | exec-vunop
FD E4     | f32x4.{{add sub mul div min max pmin pmax}}               |                    | v128 v128 -> v128      | simd         | exec-vbinop
FD EC     | f64x2.{{abs neg}}                                         |                    | v128 -> v128           | simd         | exec-vunop
FD EF     | f64x2.sqrt                                              |                    | v128 -> v128           | simd         | exec-vunop
FD F0     | f64x2.{{add sub mul div min max pmin pmax}}               |                    | v128 v128 -> v128      | simd         | exec-vbinop
FD F8     | i32x4.trunc_sat_f32x4_{{s u}}                             |                    | v128 -> v128           | simd         | exec-vcvtop
FD FA     | f32x4.convert_i32x4_{{s u}}                               |                    | v128 -> v128           | simd         | exec-vcvtop
FD FC     | i32x4.trunc_sat_f64x2_{{s_zero u_zero}}                   |                    | v128 -> v128           | simd         | exec-vcvtop
FD FE     | f64x2.convert_low_i32x4_{{s u}}                           |                    | v128 -> v128           | simd         | exec-vcvtop
FD 100    | i8x16.relaxed_swizzle                                   |                    | v128 v128 -> v128      | relaxed-simd | exec-vswizzlop
FD 101    | i32x4.relaxed_trunc_{{f32x4_s f32x4_u f64x2_s_zero f64x2_u_zero}} |            | v128 -> v128           | relaxed-simd | exec-vcvtop
FD 105    | {{f32x4.relaxed_madd f32x4.relaxed_nmadd f64x2.relaxed_madd f64x2.relaxed_nmadd}} | | v128 v128 v128 -> v128 | relaxed-simd | exec-vternop
FD 109    | {{i8x16 i16x8 i32x4 i64x2}}.relaxed_laneselect            |                    | v128 v128 v128 -> v128 | relaxed-simd | exec-vternop
FD 10D    | {{f32x4.relaxed_min f32x4.relaxed_max f64x2.relaxed_min f64x2.relaxed_max}} |  | v128 v128 -> v128      | relaxed-simd | exec-vbinop
FD 111    | i16x8.relaxed_q15mulr_s                                 |                    | v128 v128 -> v128      | relaxed-simd | exec-vbinop
FD 112    | i16x8.relaxed_dot_i8x16_i7x16_s                         |                    | v128 v128 -> v128      | relaxed-simd | exec-vextbinop
FD 113    | i32x4.relaxed_dot_i8x16_i7x16_add_s                     |                    | v128 v128 v128 -> v128 | relaxed-simd | exec-vextternop
"""
