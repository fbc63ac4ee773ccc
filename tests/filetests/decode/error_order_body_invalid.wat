;;! test = "decode"

;; The same integer in a module that is not valid either: what is behind the body has to do.
(module binary "\00asm\01\00\00\00" "\01\04\01\60\00\00" "\03\02\01\07"
  "\0a\07\01" "\05\00" "\41\80\80\80\80\80\00" "\1a\0b")
;; DecodeError: malformed section id (at byte 0x1b)
