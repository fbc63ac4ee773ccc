;;! test = "decode"

;; A damaged name section says what it said before the damage, and refuses nothing.
(module binary
  "\00asm\01\00\00\00"
  "\00\0f\04name"
  "\00\02\01m"         ;; module name
  "\01\04\01\07\05x")  ;; one function name, cut off
;; custom name 0002016d010401070578 after section 0
;; names module='m' funcs={}
