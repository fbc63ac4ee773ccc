;;! test = "validate"

;; A body that ends before its blocks do.
(module binary
  "\00asm\01\00\00\00" "\01\04\01\60\00\00" "\03\03\02\00\00"
  "\0a\09\02\04\00\02\40\0b\02\00\0b")
;; DecodeError: unexpected end of section or function (at byte 0x1e)
