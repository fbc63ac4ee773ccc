;;! test = "decode"

;; The function section stands before the type section.
(module binary "\00asm\01\00\00\00" "\03\01\00" "\01\01\00")
;; DecodeError: unexpected content after last section (at byte 0xb)
