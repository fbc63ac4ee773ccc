;;! test = "decode"

;; What is malformed in a body comes before what is malformed behind it: the sizes of body and section cut an integer.
(module binary "\00asm\01\00\00\00" "\01\04\01\60\00\00" "\03\02\01\00"
  "\0a\07\01" "\05\00" "\41\80\80\80\80\80\00" "\1a\0b")
;; DecodeError: integer representation too long (at byte 0x1d)
