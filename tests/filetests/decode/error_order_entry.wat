;;! test = "decode"

;; The second of two types that are declared begins with the next section's id: bytes are judged before sizes.
(module binary "\00asm\01\00\00\00" "\01\04\02\60\00\00" "\03\02\01\00")
;; DecodeError: malformed function type 03 (at byte 0xe)
