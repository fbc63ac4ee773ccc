;;! test = "decode"

;; A module that needs what arenite does not have is told so.
(module (memory 1 1 shared))
;; DecodeError: malformed limits flags: it needs threads, which arenite does not have (at byte 0xb)
