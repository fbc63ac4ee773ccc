;;! test = "decode"

;; A module that needs what arenite does not have is told so.
(module (memory i64 1))
;; DecodeError: malformed limits flags: it needs memory64, which arenite does not have (at byte 0xb)
