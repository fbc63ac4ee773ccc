;;! test = "validate"

(module (func (return_call 0)))
;; DecodeError: illegal opcode 12: it needs tail-call, which arenite does not have (at byte 0x17)
