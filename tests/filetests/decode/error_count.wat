;;! test = "decode"

;; Four billion types in a section of six bytes.
(module binary "\00asm\01\00\00\00" "\01\05\ff\ff\ff\ff\0f")
;; DecodeError: unexpected end of section or function (at byte 0xf)
