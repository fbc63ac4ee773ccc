;;! test = "decode"

;; A function without a body.
(module binary "\00asm\01\00\00\00" "\01\04\01\60\00\00" "\03\02\01\00")
;; DecodeError: function and code section have inconsistent lengths (at byte 0x12)
