;;! test = "validate"

;; Four billion locals in nine bytes.
(module binary
  "\00asm\01\00\00\00" "\01\04\01\60\00\00" "\03\02\01\00"
  "\0a\0b\01\09\01\ff\ff\ff\ff\0f\7f\01\0b")
;; DecodeError: too many locals (at byte 0x1d)
