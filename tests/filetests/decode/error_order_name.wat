;;! test = "decode"

;; The second of two exports is missing: the id of the next section is taken for the length of its name, beyond the file.
(module binary "\00asm\01\00\00\00" "\01\04\01\60\00\00" "\03\02\01\00" "\07\05\02\01\66\00\00" "\0a\04\01\02\00\0b")
;; DecodeError: length out of bounds (at byte 0x1a)
