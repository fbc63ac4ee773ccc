;;! test = "decode"

(module binary "\00asn\01\00\00\00")
;; DecodeError: magic header not detected (at byte 0x0)
