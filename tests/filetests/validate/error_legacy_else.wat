;;! test = "validate"

(module (func (i32.const 1) if try else end end))
;; DecodeError: END opcode expected: else without if (at byte 0x1d)
