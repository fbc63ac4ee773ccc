;;! test = "decode"

;; A type section that has a byte too many.
(module binary "\00asm\01\00\00\00" "\01\02\00\00")
;; DecodeError: section size mismatch (at byte 0xb)
