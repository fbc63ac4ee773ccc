;;! test = "validate"

;; The end of a body is the id of the data section.
(module binary "\00asm\01\00\00\00" "\01\04\01\60\00\00" "\03\02\01\00" "\05\03\01\00\01"
  "\0a\06\01" "\04\00\41\01\1a" "\0b\03\01\01\00")
;; DecodeError: section size mismatch (at byte 0x20)
