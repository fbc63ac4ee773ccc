;;! test = "decode"

;; The start section ends inside an integer that is complete in the file.
(module binary "\00asm\01\00\00\00" "\08\01\80\00")
;; DecodeError: section size mismatch (at byte 0xc)
