;;! test = "decode"

;; The name of a custom section ends in the next section.
(module binary "\00asm\01\00\00\00" "\00\02\03a" "\00\01\00")
;; DecodeError: unexpected end of section or function (at byte 0xe)
