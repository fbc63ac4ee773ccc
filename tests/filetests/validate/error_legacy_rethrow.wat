;;! test = "validate"

(module (func try try rethrow 1 catch_all end catch_all end))
;; ValidationError: invalid rethrow label: the block is no catch (function 0, at byte 0x1b)
