;;! test = "decode"

(module binary "\00asm\0d\00\01\00")
;; DecodeError: unknown binary version: this is a component, and arenite runs core modules (at byte 0x4)
