;;! test = "validate"

(module (func (drop (v128.const i64x2 0 0))))
;; DecodeError: illegal opcode fd: it needs simd, which arenite does not have (at byte 0x17)
