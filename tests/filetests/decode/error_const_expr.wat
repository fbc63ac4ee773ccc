;;! test = "decode"

;; An instruction that is not constant.
(module (global i32 (i32.clz (i32.const 1))))
;; ValidationError: constant expression required (at byte 0xf)
