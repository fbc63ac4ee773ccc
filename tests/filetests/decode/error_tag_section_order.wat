;;! test = "decode"

;; tags stand between memories and globals
(module binary "\00asm\01\00\00\00" "\01\04\01\60\00\00" "\06\06\01\7f\00\41\00\0b" "\0d\03\01\00\00")
;; DecodeError: unexpected content after last section (at byte 0x16)
