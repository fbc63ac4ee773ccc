;;! test = "decode"

;; There is no function that the second body belongs to; nothing looks into it.
(module binary "\00asm\01\00\00\00" "\01\04\01\60\00\00" "\03\02\01\00"
  "\0a\07\02" "\02\00\0b" "\02\00\ff")
;; DecodeError: function and code section have inconsistent lengths (at byte 0x1b)
