;;! test = "validate"

(module (memory 1) (func (drop (i32.load16_u align=4 (i32.const 0)))))
;; ValidationError: alignment must not be larger than natural (function 0, at byte 0x1e)
