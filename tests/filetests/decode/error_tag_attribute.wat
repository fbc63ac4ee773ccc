;;! test = "decode"

(module binary "\00asm\01\00\00\00" "\01\04\01\60\00\00" "\0d\03\01\01\00")
;; DecodeError: malformed tag attribute 01 (at byte 0x11)
