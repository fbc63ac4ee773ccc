;;! test = "validate"

;; Instructions behind a function's end.
(module binary
  "\00asm\01\00\00\00" "\01\04\01\60\00\00" "\03\02\01\00" "\0a\05\01\03\00\0b\01")
;; DecodeError: section size mismatch (at byte 0x18)
