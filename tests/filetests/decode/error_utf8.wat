;;! test = "decode"

(module binary "\00asm\01\00\00\00" "\00\02\01\ff")
;; DecodeError: malformed UTF-8 encoding (at byte 0xb)
