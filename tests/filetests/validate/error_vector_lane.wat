;;! test = "validate"

(module (func (param v128) (drop (i32x4.extract_lane 3 (local.get 0))) (drop (i8x16.shuffle 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 32 (local.get 0) (local.get 0)))))
;; ValidationError: invalid lane index 32 (function 0, at byte 0x22)
