;;! test = "decode"

;; A constant expression has no end: what follows is another section, not an instruction that is not constant.
(module binary "\00asm\01\00\00\00" "\06\05\01\7f\00\41\00" "\07\01\00")
;; DecodeError: unexpected end of section or function (at byte 0x10)
